"""Calls that are run again do what they did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.call import Call
from mediasrv.call.effort import Work
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolSpec
from mediasrv.replay.codec import decode, encode
from mediasrv.replay.file import parsed
from mediasrv.replay.player import Replayed, replay
from mediasrv.wire.events import Clear, Mark, PlayFailed, PlayMedia
from tests.call.stage import LONG, Stage, agent_options, patience
from tests.replay.stage import Kept, captured

LONG_REPLY = "One thing that I can tell you about this is that there is a great deal more to be told of it than this."


async def _talk(stage: Stage) -> None:
    await stage.be_quiet(2.0)
    await stage.speak()
    await stage.be_quiet(4.0)
    stage.hang_up()


async def _barge_in(stage: Stage) -> None:
    await stage.be_quiet(2.0)
    await stage.speak()
    await stage.be_quiet(2.0)
    await stage.talk(2.0)
    await stage.be_quiet(6.0)
    stage.hang_up()


async def _agree(stage: Stage) -> None:
    await stage.be_quiet(2.0)
    await stage.speak()
    await stage.be_quiet(2.0)
    await stage.talk(0.2)
    await stage.be_quiet(8.0)
    stage.hang_up()


async def _press(stage: Stage) -> None:
    await stage.be_quiet(1.0)
    for digit in "12#":
        stage.press(digit)
        await stage.be_quiet(0.3)
    stage.call.receive(PlayFailed("for some reason"))
    await stage.be_quiet(3.0)
    stage.hang_up()


async def _say_nothing(stage: Stage) -> None:
    await stage.be_quiet(60.0)


async def _be_cancelled(stage: Stage) -> None:
    await stage.be_quiet(1.0)
    stage.running.cancel()
    await asyncio.wait([stage.running])


async def _be_told(stage: Stage) -> None:
    async def say(call: Call) -> None:
        heard = await call.say("The line will be closed.")
        await call.say("All of it was heard." if heard.complete else "You broke in.")

    await stage.be_quiet(3.0)
    assert stage.call.instruct(say)
    await stage.be_quiet(6.0)
    stage.call.end("the operator said so")
    assert not stage.call.instruct(say)
    await stage.be_quiet(1.0)


async def _suffer_load(stage: Stage) -> None:
    stage.agency.effort.leave_out([Work.SPECULATION, Work.PROSODY])
    await _talk(stage)


class Failing(Llm):
    """Breaks off, fails, and says something at last."""

    name = "failing"

    def __init__(self) -> None:
        super().__init__(None)
        self._asked = 0

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        self._asked += 1
        await asyncio.sleep(0.1)
        if self._asked % 2:
            raise ProviderError("is down", stage="llm", provider="failing", retryable=False)
        yield TextDelta("Here I am again, and ")
        await asyncio.sleep(0.1)
        yield TextDelta("I will stay.")


async def _talk_twice(stage: Stage) -> None:
    for _ in range(2):
        await stage.be_quiet(2.0)
        await stage.speak()
        await stage.be_quiet(4.0)
    stage.hang_up()


SLOW = {"real_time_factor": 0.8}
CASES: dict[str, tuple[Callable[[Stage], Any], AgentOptions, dict[str, Any]]] = {
    "a talk": (_talk, agent_options(greeting="Hello there."), {}),
    "a barge-in": (_barge_in, agent_options(llm={"replies": (LONG_REPLY,)}, tts=SLOW), {}),
    "a backchannel": (
        _agree,
        agent_options(
            stt={"texts": ("Hello.", "mhm")}, llm={"replies": (LONG_REPLY,)}, turn=patience(barge_in_words=3)
        ),
        {},
    ),
    "interims": (_talk, agent_options(stt={"interim_ms": 200, "texts": ("I would like to know",)}), {}),
    "a turn detector": (_talk, agent_options(detector={"provider": "scripted", "delay_ms": 60}), {}),
    "digits": (_press, agent_options(class_="tests.replay.agents:Desk"), {}),
    "tools": (
        _talk,
        agent_options(class_="tests.replay.agents:Desk", llm={"replies": ('tool:look {"order": "7"}', "It is there.")}),
        {},
    ),
    "tools that speak": (
        _talk,
        agent_options(class_="tests.replay.agents:Desk", llm={"replies": ("tool:tell {}", "That was it.")}),
        {},
    ),
    "tools that fail": (
        _talk,
        agent_options(class_="tests.replay.agents:Desk", llm={"replies": ("tool:fail {}", "It did not work.")}),
        {},
    ),
    "tools that are called wrongly": (
        _talk,
        agent_options(class_="tests.replay.agents:Desk", llm={"replies": ('tool:look {"cat": 1}', "Well.")}),
        {},
    ),
    "a slow model": (_talk, agent_options(llm={"first_token_ms": 3500}), {}),
    "a model that fails": (_talk_twice, agent_options(), {"llm": Failing()}),
    "a silent model": (_talk, agent_options(llm={"replies": ()}), {}),
    "a caller who says nothing": (_say_nothing, agent_options(), {}),
    "a call that is cancelled": (_be_cancelled, agent_options(greeting="Hello there."), {}),
    "an operator's words": (_be_told, agent_options(greeting="Hello there."), {}),
    "a conduct": (_press, agent_options(class_="tests.replay.agents:menu"), {}),
    "an echo": (_talk, agent_options(class_="tests.replay.agents:echo"), {}),
    "load": (_suffer_load, agent_options(fallback=FallbackOptions()), {}),
    "a way of 150 ms": (_barge_in, agent_options(llm={"replies": (LONG_REPLY,)}), {"way_s": 0.15}),
    "a call of ours": (_talk, agent_options(greeting="Hello."), {"direction": "outbound"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_is_run_again_does_the_same(name: str) -> None:
    act, options, others = CASES[name]
    stage, kept = captured(act, options, **others)
    replayed = kept.replay()
    assert replayed.difference is None
    assert replayed.actions == len(stage.commands) + stage.closed
    assert stage.commands
    assert kept.is_over


def test_the_cases_hold_what_they_promise() -> None:
    stage, _ = captured(_barge_in, CASES["a barge-in"][1])
    assert stage.watch.barge_ins
    stage, _ = captured(_agree, CASES["a backchannel"][1])
    assert stage.watch.false_alarms


def _changed(kept: Kept, change: Callable[[list[Any]], list[Any] | None]) -> Replayed:
    header, *lines = (decode(orjson.loads(line)) for line in kept.lines)
    changed = [line for line in map(change, lines) if line is not None]
    return replay(*parsed(b"\n".join(orjson.dumps(encode(line)) for line in [header, *changed])))


def test_the_first_difference_is_told() -> None:
    stage, kept = captured(_talk, agent_options(greeting="Hello there."))
    first = next(command for _, command in stage.commands if isinstance(command, PlayMedia))
    replayed = _changed(kept, lambda line: ["sent", Clear()] if line == ["sent", first] else line)
    assert replayed.difference is not None
    assert (replayed.difference.expected, replayed.difference.got) == (Clear(), first)
    assert replayed.difference.at_s == pytest.approx(stage.commands[0][0] - stage.opened_s, abs=0.1)


def test_one_byte_is_a_difference() -> None:
    _, kept = captured(_talk, agent_options(greeting="Hello there."))

    def scratch(line: list[Any]) -> list[Any]:
        if line[0] == "sent" and isinstance(line[1], PlayMedia):
            return ["sent", PlayMedia(bytes([line[1].payload[0] ^ 1]) + line[1].payload[1:])]
        return line

    assert _changed(kept, scratch).difference is not None


def test_what_is_not_done_any_more_is_a_difference() -> None:
    _, kept = captured(_talk, agent_options(greeting="Hello there."))
    lines = [*kept.lines, orjson.dumps(encode(["sent", Mark("one more")]))]
    difference = replay(*parsed(b"\n".join(lines))).difference
    assert difference is not None
    assert (difference.expected, difference.got) == (Mark("one more"), None)


def test_what_was_not_done_then_is_a_difference() -> None:
    _, kept = captured(_talk, agent_options(greeting="Hello there."))
    difference = _changed(kept, lambda line: None if line == ["closed link"] else line).difference
    assert difference is not None
    assert (difference.expected, difference.got) == (None, "closed link")


def test_a_caller_who_says_something_else_makes_a_difference() -> None:
    _, kept = captured(_talk, agent_options())
    silence = bytes([0xFF]) * 160
    heard = [0]

    def hush(line: list[Any]) -> list[Any]:
        heard[0] += line[0] == "event"
        if line[0] == "event" and hasattr(line[3], "payload"):
            line[3] = type(line[3])(silence, line[3].chunk)
        return line

    assert _changed(kept, hush).difference is not None
    assert heard[0] > 100


def test_all_formats_and_clips_stay_what_they_are() -> None:
    async def hold_forth(stage: Stage) -> None:
        await stage.speak(LONG)
        await stage.be_quiet(3.0)
        stage.hang_up()

    stage, kept = captured(hold_forth, agent_options(), audio=MULAW_8K)
    assert kept.replay().actions == len(stage.commands) + 1
