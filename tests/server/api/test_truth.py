"""The document is true: whatever is asked, each operation answers with a status and a body that it says it may."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.errors import CarrierError, RecordsError
from mediasrv.outbound.request import DialRefused
from mediasrv.server.api.schema import flaws
from tests.patience import WAIT_S
from tests.records.stage import CALLER, converse
from tests.server.api.stage import TOKEN, ApiStage, serving

CALLS = ["live-1", "over-1", "nobody", "%", "a/b", "…"]
JUNK = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=5), st.lists(st.integers(), max_size=1))


class Fickle:
    """A dialer and a carrier's REST API that fail in every way that they may."""

    name = "plivo"

    def __init__(self) -> None:
        self._asked = 0

    def _fail(self) -> None:
        self._asked += 1
        faults = [DialRefused("do-not-call list", "no"), RecordsError("the disk is full"), ZeroDivisionError()]
        if self._asked % 4:
            raise faults[self._asked % 4 - 1]

    async def dial(self, request: object) -> str:
        self._fail()
        return "order-1"

    async def start_recording(self, call_id: str, order: object) -> str:
        raise CarrierError("not now", carrier="plivo")

    async def hang_up(self, call_id: str) -> None:
        raise CarrierError("not now", carrier="plivo")

    async def redirect(self, call_id: str, document_url: str) -> None:
        raise CarrierError("not now", carrier="plivo")

    async def aclose(self) -> None:
        """Nothing is open."""


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of a request may have, and some that it may not."""
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], "other"])
    if "pattern" in schema:
        return st.one_of(st.from_regex(schema["pattern"]), st.just(CALLER), st.text(max_size=5))
    if schema["type"] == "object":
        known = schema.get("properties", {})
        required = {name: fitting(known[name]) for name in schema.get("required", ())}
        optional = {name: fitting(known[name]) for name in known if name not in required}
        return st.fixed_dictionaries(required, optional={**optional, "stranger": JUNK})
    values = {"string": st.text(max_size=8), "boolean": st.booleans(), "integer": st.integers(-5, 200)}
    return st.one_of(values[schema["type"]], JUNK)


def _text(value: Any) -> str:
    return "".join(char for char in str(value) if not 0xD800 <= ord(char) <= 0xDFFF)


@st.composite
def questions(draw: st.DrawFn, document: Mapping[str, Any]) -> tuple[str, str, str, Any, str]:
    """A template, a method, a path with a query, a body and a token."""
    template = draw(st.sampled_from(sorted(document["paths"])))
    method = draw(st.sampled_from(sorted(document["paths"][template])))
    operation = document["paths"][template][method]
    query = {
        each["name"]: _text(draw(fitting(each["schema"])))
        for each in operation["parameters"]
        if each["in"] == "query" and draw(st.integers(0, 3)) == 0
    }
    path = template.replace("{id}", quote(draw(st.sampled_from(CALLS)), safe=""))
    body = None
    if "requestBody" in operation:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        body = draw(st.one_of(fitting(schema), fitting(schema), JUNK))
    token = draw(st.sampled_from([TOKEN] * 9 + [""]))
    return template, method, f"{path}?{urlencode(query)}" if query else path, body, token


@pytest.mark.parametrize("keeps", [True, False], ids=["with records", "without"])
def test_every_operation_answers_as_it_is_described(keeps: bool) -> None:
    async def play() -> set[tuple[str, str, int]]:
        fickle, seen = Fickle(), set[tuple[str, str, int]]()
        with TemporaryDirectory() as folder:
            async with serving(Path(folder) if keeps else None, dialer=fickle, controls={"plivo": fickle}) as stage:
                await prepare(stage)
                _, document, _ = await stage.ask("GET", "/openapi.json")
                loop = asyncio.get_running_loop()

                @settings(max_examples=300, database=None, derandomize=True)
                @given(questions(document))
                def hold(question: tuple[str, str, str, Any, str]) -> None:
                    asked = asyncio.run_coroutine_threadsafe(check(stage, document, question), loop)
                    seen.add(asked.result(timeout=WAIT_S))

                await asyncio.to_thread(hold)
                # However the draws fall, the dialer fails once in each of its ways.
                for _ in range(4):
                    order = ("/calls", "post", "/calls", {"to_number": CALLER}, TOKEN)
                    seen.add(await check(stage, document, order))
        return seen

    seen = asyncio.run(play())
    assert {status for _, _, status in seen} >= {200, 202, 401, 404, 422, 503}
    assert len({(template, method) for template, method, _ in seen}) == 8


async def prepare(stage: ApiStage) -> None:
    """A live call, and one that is over."""
    if stage.records is not None:
        converse(stage.records, "over-1")
    await stage.ring("live-1")


async def check(
    stage: ApiStage, document: Mapping[str, Any], question: tuple[str, str, str, Any, str]
) -> tuple[str, str, int]:
    template, method, path, body, token = question
    if "live-1" not in stage.board.entries:
        await stage.ring("live-1")
    status, answer, _ = await stage.ask(method.upper(), path, body, token=token)
    answers = document["paths"][template][method]["responses"]
    assert str(status) in answers, (question, status, answer)
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    assert list(flaws(answer, schema, document["components"]["schemas"])) == []
    return template, method, status
