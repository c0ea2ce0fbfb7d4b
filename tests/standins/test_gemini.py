"""Google's own client talks to the stand-in, and knows every field that our adapter sends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mediasrv.providers.gemini import GeminiLlm
from native_bench.standins.base import Fault
from native_bench.standins.gemini import KEY, GeminiStandin
from tests.providers.llm import ASKED, CALLS, TOOLS, answered, ask, called, running

genai: Any = pytest.importorskip("google.genai")
errors: Any = pytest.importorskip("google.genai.errors")
types: Any = pytest.importorskip("google.genai.types")
pytestmark = pytest.mark.sdk

MODEL = "gemini-3.6-flash"


def options(url: str = "") -> GeminiLlm.Options:
    return GeminiLlm.Options(url=url, api_key=KEY, max_tokens=90, temperature=0.5, service_tier="priority")


def stream(url: str, messages: Any = ASKED, key: str = KEY) -> Any:
    """What our adapter would ask, asked by their client, which refuses fields that it does not know."""
    body = GeminiLlm(options()).body(messages, TOOLS)
    config = body["generationConfig"] | {key: body[key] for key in ("systemInstruction", "tools", "serviceTier")}
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
    contents = [types.Content.model_validate(each) for each in body["contents"]]
    settings = types.GenerateContentConfig.model_validate(config)
    return client.aio.models.generate_content_stream(model=MODEL, contents=contents, config=settings)


def parts_of(chunks: Any) -> list[Any]:
    return [part for chunk in chunks for part in chunk.candidates[0].content.parts]


async def test_it_reads_the_words_and_their_cost() -> None:
    standin = GeminiStandin()
    async with standin as url:
        chunks = [chunk async for chunk in await stream(url)]
    assert "".join(part.text for part in parts_of(chunks) if part.text and not part.thought) == standin.text
    assert chunks[-1].usage_metadata.prompt_token_count == 40
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert standin.complaints == []


async def test_it_sends_what_we_send() -> None:
    standin = GeminiStandin(calls=CALLS)
    async with standin as url, running(GeminiLlm(options(url))) as ours:
        theirs = [part.function_call for part in parts_of([c async for c in await stream(url)]) if part.function_call]
        calls = called(await ask(ours, tools=TOOLS))
        told = answered(calls, ["It left.", "Rain."])
        await ask(ours, told, TOOLS)
        assert [chunk async for chunk in await stream(url, told)]
    assert [(each.name, each.args) for each in theirs] == [(call.name, json.loads(call.arguments)) for call in calls]
    assert standin.complaints == []
    their_first, our_first, our_last, their_last = map(unified, standin.bodies)
    assert their_first == our_first
    assert their_last == our_last


def unified(value: Any, key: str = "") -> Any:
    """Fields in their second spelling, which is the client's for some, and signatures in one of two alphabets."""
    if isinstance(value, dict):
        camel = {name: re.sub("_([a-z])", lambda match: match[1].upper(), name) for name in value}
        return {camel[name]: unified(inner, camel[name]) for name, inner in value.items()}
    if isinstance(value, list):
        return [unified(each) for each in value]
    return value.translate(str.maketrans("-_", "+/")) if key == "thoughtSignature" else value


@pytest.mark.parametrize(("status", "kind"), [(400, "ClientError"), (429, "ClientError"), (503, "ServerError")])
async def test_it_knows_the_refusals(status: int, kind: str) -> None:
    async with GeminiStandin(faults=[Fault("refuse", status=status, reason="SOME")] * 8) as url:
        with pytest.raises(getattr(errors, kind)):
            [chunk async for chunk in await stream(url)]


async def test_a_wrong_key_is_refused() -> None:
    async with GeminiStandin() as url:
        with pytest.raises(errors.ClientError):
            [chunk async for chunk in await stream(url, key="not-it")]
