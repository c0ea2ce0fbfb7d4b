"""Language models: a reply streams and ends, tools are called as offered, and what is not wanted any more stops."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import aclosing

from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolCall, ToolSpec
from mediasrv.providers.conformance import timing
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Finding, check

_SYSTEM = Message("system", "You are on the telephone. Answer in one short sentence.")
CHAT: Sequence[Message] = (_SYSTEM, Message("user", "Hello, who are you?"))
_COUNTING: Sequence[Message] = (_SYSTEM, Message("user", "Count from 1 to 60 in digits, with a comma after each."))
_NO_COUNTING: Sequence[Message] = (_SYSTEM, Message("user", "Say hello, and no number."))
_WEATHER: Sequence[Message] = (_SYSTEM, Message("user", "What is the weather in Pune? Look it up with your tool."))
WEATHER = ToolSpec(
    "weather",
    "Tell the weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
# A greeting has fewer of them.
_MANY_NUMBERS = 4


@check("streams")
async def streams(llm: Llm, trial: Trial) -> Finding:
    """A question is answered in words, and the answer ends."""
    deltas = await _reply(llm, CHAT)
    return Finding(f"{sum(delta.pieces for delta in deltas if isinstance(delta, TextDelta))} pieces")


@check("uses tools")
async def uses_tools(llm: Llm, trial: Trial) -> Finding:
    """Offered a tool, it calls that one with arguments that are an object, and takes the result; or it just talks."""
    deltas = await _reply(llm, _WEATHER, [WEATHER], may_call=True)
    calls = tuple(delta for delta in deltas if isinstance(delta, ToolCall))
    if not calls:
        return Finding("talks instead")
    for call in calls:
        _hold(call)
    if len({call.id for call in calls}) < len(calls):
        raise Amiss("gives two calls the same id")
    results = [Message("tool", '{"weather": "sunny, 31 degrees"}', tool_call_id=call.id) for call in calls]
    asked = Message("assistant", _words(deltas), tool_calls=calls)
    await _reply(llm, [*_WEATHER, asked, *results], [WEATHER], may_call=True)
    return Finding(f"{len(calls)} called")


@check("answers")
async def answers(llm: Llm, trial: Trial) -> Finding:
    """From the request to the first words."""

    async def first_token() -> float:
        watch = timing.Stopwatch()
        async with aclosing(llm.reply(CHAT)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta) and delta.text:
                    return watch.elapsed_ms
        raise Amiss("answers nothing")

    return await timing.first_result("first token", trial, first_token)


@check("stops")
async def stops(llm: Llm, trial: Trial) -> Finding:
    """Closed in mid-reply or cancelled before the first word it stops at once, and the next reply has none of it."""
    reply = llm.reply(_COUNTING)
    async with aclosing(reply):
        await anext(reply, None)
        await timing.close(reply, trial)
    await timing.cancel(_reply(llm, _COUNTING), trial)
    said = _words(await _reply(llm, _NO_COUNTING))
    if len(re.findall(r"\d+", said)) >= _MANY_NUMBERS:
        raise Amiss("goes on with a reply that was stopped")
    return Finding()


async def _reply(
    llm: Llm, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, may_call: bool = False
) -> list[Delta]:
    async with aclosing(llm.reply(messages, tools)) as stream:
        deltas = [delta async for delta in stream]
    calls = sum(isinstance(delta, ToolCall) for delta in deltas)
    if calls and not may_call:
        raise Amiss("calls a tool when none was offered")
    if not _words(deltas).strip() and not calls:
        raise Amiss("answers nothing")
    return deltas


def _words(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def _hold(call: ToolCall) -> None:
    if call.name != WEATHER.name:
        raise Amiss(f"calls {call.name!r}, which was not offered")
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Amiss("calls a tool with arguments that are no JSON object")
