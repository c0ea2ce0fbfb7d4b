"""What a caller hears when providers fail at the worst moment, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mediasrv.call.options import AgentOptions
from mediasrv.call.voice import Voice
from tests.call.agents import HangingTts
from tests.call.stage import LONG, Stage, agent_options, patience, perform
from tests.call.trouble import REPLY, crew, everything, sound, troubled

# The whole point: no caller waits longer for a sound.
SILENCE_LIMIT_S = 3.0
APOLOGY, GOODBYE, AGAIN = "Sorry about that.", "Goodbye.", "Say that again?"


def options(**changes: Any) -> AgentOptions:
    changes.setdefault("llm", {"replies": (REPLY,)})
    return agent_options(
        apology=APOLOGY, goodbye=GOODBYE, repeat_request=AGAIN, turn=patience(idle_ms=60_000), **changes
    )


class Turns:
    """A caller who speaks again and again, as long as there is a call."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.waits_s: list[float] = []

    async def __call__(self, stage: Stage) -> None:
        for _ in range(self._count):
            if stage.running.done():
                break
            silent_from_s = await stage.speak()
            if stage.running.done():
                break
            await stage.be_quiet(20)
            self.waits_s.append(stage.first_media_after(silent_from_s) - silent_from_s)
        stage.hang_up()
        await stage.running
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(("stage", "fault"), everything())
def test_a_second_provider_keeps_the_call_going(stage: str, fault: str) -> None:
    turns = Turns(5)
    heard = perform(turns, options(), **{stage: crew(stage, troubled(stage, fault), sound(stage))})
    assert max(turns.waits_s) <= SILENCE_LIMIT_S
    assert heard.watch.causes == ["caller hung up"]
    # One turn may be lost: a recogniser may be found deaf, a model may break off when half of its answer was heard.
    answers = [text for side, text in heard.watch.words if side == "bot" and text.endswith("of them.")]
    assert len(answers) >= 4


@pytest.mark.parametrize(("stage", "fault"), everything())
def test_without_a_second_the_call_ends_with_words(stage: str, fault: str) -> None:
    turns = Turns(6)
    heard = perform(turns, options(), **{stage: crew(stage, troubled(stage, fault))})
    assert max(turns.waits_s, default=0.0) <= SILENCE_LIMIT_S
    if fault == "breaks after an interim":
        # It is understood well enough.
        assert heard.watch.causes == ["caller hung up"]
    else:
        assert heard.watch.causes == ["speech-to-text failed" if stage == "stt" else "providers failed"]
        assert [text for _, text in heard.watch.words[-2:]] == [APOLOGY, GOODBYE]


async def one_turn(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(12)


def test_a_filler_is_heard_and_never_remembered() -> None:
    stage = perform(one_turn, options(llm={"replies": (REPLY,), "first_token_ms": 3500}))
    (trace,) = stage.watch.traces
    assert (trace.response_ms or 0) > 3500
    heard_after_s = stage.first_media_after(trace.last_voice_s) - trace.last_voice_s
    assert heard_after_s == pytest.approx(2.0, abs=0.1)
    assert stage.call.call.transcript == [("caller", "Hello."), ("bot", REPLY)]
    assert [message.role for message in stage.call.call._parts.history.messages] == ["system", "user", "assistant"]


def test_a_slow_tool_is_filled_too() -> None:
    slow = options(class_="tests.call.agents:Sluggish", llm={"replies": ("tool:look_up {}", "Found it.")})
    stage = perform(one_turn, slow)
    (trace,) = stage.watch.traces
    assert stage.first_media_after(trace.last_voice_s) - trace.last_voice_s == pytest.approx(2.0, abs=0.1)
    assert stage.watch.words == [("caller", "Hello."), ("bot", "Found it.")]


def test_the_caller_may_break_into_a_filler() -> None:
    async def act(stage: Stage) -> None:
        said_s = await stage.speak()
        await stage.be_quiet(2.2)
        assert stage.first_media_after(said_s) - said_s < SILENCE_LIMIT_S
        await stage.speak(LONG)
        await stage.be_quiet(12)

    stage = perform(act, options(llm={"replies": ("Never said.", REPLY), "first_token_ms": 3500}))
    assert len(stage.watch.barge_ins) == 1
    assert stage.watch.words == [("caller", "Hello."), ("caller", "Hello."), ("bot", REPLY)]


def test_a_model_without_an_answer_asks_the_caller_to_repeat_behind_the_filler() -> None:
    stage = perform(one_turn, options(llm={"replies": ("  ",), "first_token_ms": 3500}))
    assert stage.watch.words == [("caller", "Hello."), ("bot", AGAIN)]


def test_a_good_reply_between_two_that_fail_keeps_the_call_going() -> None:
    async def act(stage: Stage) -> None:
        role = stage.agency._roles["default"]
        for fault in ("fails", "", "fails", ""):
            stage.call._conversation._llm = troubled("llm", fault) if fault else role.llm  # type: ignore[union-attr]
            await one_turn(stage)

    stage = perform(act, options())
    assert [text for side, text in stage.watch.words if side == "bot"] == [APOLOGY, REPLY] * 2


def test_nobody_is_kept_on_a_line_that_no_voice_is_left_to_speak_on() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(3):
            await one_turn(stage)
            await stage.be_quiet(20)

    mute = Voice(crew("tts", HangingTts(None)))
    stage = perform(act, options(), voice=mute)
    assert stage.watch.causes == ["providers failed"]


def test_a_reply_that_broke_off_before_its_first_phrase_is_asked_for_again() -> None:
    stage = perform(one_turn, options(), llm=crew("llm", troubled("llm", "breaks in a phrase"), sound("llm")))
    assert stage.watch.words == [("caller", "Hello."), ("bot", REPLY)]
