"""What the tests of language models share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from mediasrv.errors import ProviderError
from mediasrv.net.sse import ServerEvent
from mediasrv.providers.answer import Answer
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolCall, ToolSpec, Usage

L = TypeVar("L", bound=Llm)

ASKED: Sequence[Message] = (
    Message("system", "Be brief."),
    Message("assistant", "Swift Couriers, how can I help?"),
    Message("user", "Where is my order?"),
)
TOOLS: Sequence[ToolSpec] = (
    ToolSpec("status", "Look up an order.", {"type": "object", "properties": {"id": {"type": "string"}}}),
    ToolSpec("weather", "Look outside.", {"type": "object", "properties": {}, "additionalProperties": False}),
)
CALLS = (("status", '{"id":"7","city":"Köln"}'), ("weather", "{}"))


@asynccontextmanager
async def running(llm: L) -> AsyncGenerator[L]:
    """Started, and closed again."""
    await llm.start()
    try:
        yield llm
    finally:
        await llm.aclose()


async def ask(llm: Llm, messages: Sequence[Message] = ASKED, tools: Sequence[ToolSpec] = ()) -> list[Delta]:
    """All of a reply."""
    return [delta async for delta in llm.reply(messages, tools)]


async def failure_of(llm: Llm) -> tuple[str, ProviderError]:
    """What was said before it failed, and how it did."""
    deltas: list[Delta] = []
    try:
        async for delta in llm.reply(ASKED):
            deltas.append(delta)
    except ProviderError as error:
        return said(deltas), error
    raise AssertionError("it did not fail")


def said(deltas: Iterable[Delta]) -> str:
    """The words of a reply."""
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def pieces(deltas: Iterable[Delta]) -> int:
    """In how many pieces its words came."""
    return sum(delta.pieces for delta in deltas if isinstance(delta, TextDelta))


def called(deltas: Iterable[Delta]) -> list[ToolCall]:
    """The calls of a reply."""
    return [delta for delta in deltas if isinstance(delta, ToolCall)]


def usage_of(deltas: Iterable[Delta]) -> Usage:
    """The one report of what a reply cost."""
    (usage,) = (delta for delta in deltas if isinstance(delta, Usage))
    return usage


def answered(calls: Sequence[ToolCall], results: Sequence[str]) -> list[Message]:
    """The conversation after tools were called."""
    told = [Message("tool", text, tool_call_id=call.id) for call, text in zip(calls, results, strict=True)]
    return [*ASKED, Message("assistant", "", tuple(calls)), *told]


def read(answer: Answer, *data: Any, finish: bool = True) -> list[Delta]:
    """What an answer makes of events."""
    deltas = [delta for each in data for delta in answer.read(ServerEvent(each))]
    return deltas + (list(answer.finish()) if finish else [])
