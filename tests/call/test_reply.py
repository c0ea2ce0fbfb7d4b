"""How a reply reads its model: at once as long as the voice has little to say, and now and then after that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, cast

import pytest

from mediasrv.call.draft import Gate
from mediasrv.call.history import History
from mediasrv.call.reply import AMPLE_S, LOOK_S, Reply
from mediasrv.call.tools import Tool, tool, tools_of
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolSpec
from mediasrv.turn.headway import S_PER_CHAR
from tests.virtual import run_virtually

TOKEN_S = 0.015
TEXT = "Well, your parcel has left. It is on the lorry, and it will be with you before the evening. Bye."
WORDS = re.findall(r"\S+ ?", TEXT)


class Writer(Llm):
    """Writes a word every now and then, on and on, or only when it is read."""

    name = "writer"

    def __init__(self, token_s: float = TOKEN_S, *, runs_ahead: bool = True) -> None:
        super().__init__(None)
        self.runs_ahead = runs_ahead
        self.token_s = token_s
        self.reads = 0

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        now = asyncio.get_running_loop().time
        at = 0
        while at < len(WORDS):
            await asyncio.sleep(max(0.0, (at + 1) * self.token_s - now()) if self.runs_ahead else self.token_s)
            written = max(at + 1, min(len(WORDS), round(now() / self.token_s))) if self.runs_ahead else at + 1
            self.reads += 1
            yield TextDelta("".join(WORDS[at:written]), written - at)
            at = written


class Toolbox:
    @tool
    async def look_up(self) -> str:
        """Look it up."""
        return ""


def phrases_of(llm: Llm, tools: Mapping[str, Tool] | None = None) -> tuple[list[tuple[float, str]], TurnTrace]:
    """The phrases, and when each was there."""

    async def act() -> tuple[list[tuple[float, str]], TurnTrace]:
        trace, now = TurnTrace(1), asyncio.get_running_loop().time
        reply = Reply(llm, History(""), tools or {}, cast("Any", None), trace, Gate(), "Where is it?", joins=True)
        return [(now(), phrase) async for phrase in reply.phrases()], trace

    return run_virtually(act())


def test_words_that_are_in_no_hurry_are_read_many_at_a_time() -> None:
    lingering = Writer()
    at_once, _ = phrases_of(Writer(runs_ahead=False))
    found, trace = phrases_of(lingering)
    assert [phrase for _, phrase in found] == [phrase for _, phrase in at_once]
    assert trace.tokens == len(WORDS)
    assert lingering.reads < len(WORDS) * 2 / 3
    voice_has_words_until_s = 0.0
    for (came_s, phrase), (written_s, _) in zip(found, at_once, strict=True):
        if came_s > written_s + 1e-6:
            assert came_s <= written_s + 2 * LOOK_S
            assert came_s <= voice_has_words_until_s - AMPLE_S + LOOK_S + 1e-6
        voice_has_words_until_s = max(voice_has_words_until_s, came_s) + len(phrase) * S_PER_CHAR


@pytest.mark.parametrize("token_s", [0.25, 0.5])
def test_a_slow_model_is_read_as_it_writes(token_s: float) -> None:
    slow = Writer(token_s)
    found, _ = phrases_of(slow)
    at_once, _ = phrases_of(Writer(token_s, runs_ahead=False))
    # Only its end, behind which nothing comes, is known a look later.
    *times_s, end_s = [came_s for came_s, _ in found]
    assert times_s == pytest.approx([came_s for came_s, _ in at_once][:-1])
    assert end_s <= at_once[-1][0] + LOOK_S + 1e-6
    assert slow.reads == len(WORDS)


def test_a_model_that_waits_for_its_reader_is_not_kept_waiting() -> None:
    waiting = Writer(runs_ahead=False)
    found, _ = phrases_of(waiting)
    assert found[-1][0] == pytest.approx(len(WORDS) * TOKEN_S)


def test_a_model_that_may_call_a_tool_is_read_at_once() -> None:
    ready = Writer()
    found, _ = phrases_of(ready, tools_of(Toolbox()))
    assert found[-1][0] == pytest.approx(len(WORDS) * TOKEN_S)
    assert ready.reads == len(WORDS)
