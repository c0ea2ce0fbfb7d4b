from __future__ import annotations

from typing import Any

import pytest

from mediasrv.server.api.schema import flaws

FRUIT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 5},
        "seeds": {"type": "integer", "minimum": 0},
    },
    "required": ["name"],
    "additionalProperties": False,
}
SCHEMAS = {"Fruit": FRUIT}


@pytest.mark.parametrize(
    ("value", "schema", "found"),
    [
        ({"name": "fig", "seeds": 3}, FRUIT, []),
        ({"seeds": 3}, FRUIT, ["name: missing"]),
        ({"name": "fig", "stones": 1}, FRUIT, ["stones: unknown"]),
        ({"name": "f"}, FRUIT, ["name: expected 2 to 5 characters"]),
        ("", {"type": "string", "minLength": 1}, ["the body: expected 1 or more characters"]),
        ({"name": "fig", "seeds": -1}, FRUIT, ["seeds: expected at least 0"]),
        ({"name": "fig", "seeds": True}, FRUIT, ["seeds: expected integer"]),
        ([], FRUIT, ["the body: expected object"]),
        (
            [{"name": "fig"}, {"name": 1}],
            {"type": "array", "items": {"$ref": "#/x/Fruit"}},
            ["[1].name: expected string"],
        ),
        ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"type": "null"}}}}}, ["a.b: expected null"]),
        (9, {"type": "number", "maximum": 5, "minimum": 1}, ["the body: expected at least 1 and at most 5"]),
        (9.5, {"type": "number", "maximum": 5}, ["the body: expected at most 5"]),
        (None, {"type": ["string", "null"]}, []),
        (1, {"type": ["string", "null"]}, ["the body: expected string or null"]),
        ("c", {"enum": ["a", "b"]}, ["the body: expected one of a, b"]),
        ("x1", {"type": "string", "pattern": "^[a-z]+$"}, ["the body: expected ^[a-z]+$"]),
        ("x1", {"type": "string", "pattern": "^[a-z]+$", "description": "letters"}, ["the body: expected letters"]),
        (False, {"type": "boolean"}, []),
    ],
)
def test_what_does_not_fit_is_named(value: Any, schema: dict[str, Any], found: list[str]) -> None:
    assert list(flaws(value, schema, SCHEMAS)) == found
