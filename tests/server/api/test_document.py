"""The document is whole: every schema that it names is there, and it uses no word that is not checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mediasrv.server.api.document import OPERATIONS, SCHEMAS, document
from mediasrv.server.api.schema import KEYWORDS


def schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """All schemas below one."""
    yield node
    for child in [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]:
        yield from schemas_in(child)


def test_schemas_say_only_what_is_checked_and_name_only_what_is_there() -> None:
    parameters = [schema for operation in OPERATIONS for schema in operation.query.values()]
    for schema in [each for top in [*SCHEMAS.values(), *parameters] for each in schemas_in(top)]:
        assert set(schema) <= KEYWORDS
        if "$ref" in schema:
            assert schema["$ref"].removeprefix("#/components/schemas/") in SCHEMAS
    assert {name for each in OPERATIONS for name in (each.body, each.answer) if name} <= set(SCHEMAS)


def test_every_operation_says_what_it_answers() -> None:
    paths = document("1.2.3")["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        (operation.path, operation.method.lower()) for operation in OPERATIONS
    }
    for operation in OPERATIONS:
        described = paths[operation.path][operation.method.lower()]
        assert {str(operation.status), "401", "403", "429", "500"} <= set(described["responses"])
        assert ("requestBody" in described) == bool(operation.body)
        assert ("404" in described["responses"]) == ("{id}" in operation.path)
