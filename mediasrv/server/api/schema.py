"""A part of JSON Schema (draft 2020-12): enough for what the API is asked and answers, and nothing that it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

KEYWORDS = frozenset({
    "type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "properties", "required",
    "additionalProperties", "items", "description", "format", "default", "$ref",
})  # fmt: skip
"""What ``flaws`` knows; ``format``, ``default`` and ``description`` are for readers."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


def flaws(value: Any, schema: Schema, schemas: Mapping[str, Schema], place: str = "") -> Iterator[str]:
    """What is wrong with a value, each with its place, such as ``calls[0].id``; ``schemas`` are those that ``$ref``
    names, by the last part of the reference."""
    if "$ref" in schema:
        yield from flaws(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, place)
        return
    named = place or "the body"
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", list(_TYPES))
    if not any(_is(value, kind) for kind in kinds):
        yield f"{named}: expected {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{named}: expected one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str):
        yield from _flaws_of_text(value, schema, named)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{named}: expected {_range(schema)}"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flaws(item, schema.get("items", {}), schemas, f"{place}[{index}]")
    elif isinstance(value, dict):
        yield from _flaws_of_object(value, schema, schemas, place)


def _flaws_of_text(value: str, schema: Schema, named: str) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        most = f" to {schema['maxLength']}" if "maxLength" in schema else " or more"
        yield f"{named}: expected {schema.get('minLength', 0)}{most} characters"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{named}: expected {schema.get('description', schema['pattern'])}"


def _flaws_of_object(
    value: Mapping[str, Any], schema: Schema, schemas: Mapping[str, Schema], place: str
) -> Iterator[str]:
    prefix = f"{place}." if place else ""
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{prefix}{name}: missing"
    for name, item in value.items():
        if name in known:
            yield from flaws(item, known[name], schemas, f"{prefix}{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{prefix}{name[:40]}: unknown"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _range(schema: Schema) -> str:
    ends = (
        f"at least {schema['minimum']}" if "minimum" in schema else "",
        f"at most {schema['maximum']}" if "maximum" in schema else "",
    )
    return " and ".join(filter(None, ends))
