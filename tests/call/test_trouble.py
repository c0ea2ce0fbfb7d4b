"""What a caller hears when providers fail at the worst moment, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mediasrv.call.manners import PATIENCE_S
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.call.tools import MAX_RESULT_CHARS
from mediasrv.call.voice import Voice
from mediasrv.providers.scripted import ScriptedLlm
from tests.call.agents import LOG, HangingTts
from tests.call.stage import LONG, Stage, agent_options, patience, perform
from tests.call.trouble import REPLY, TroubledLlm, TroubledStt, TroubledTts, crew, everything, sound, troubled

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
    # The reply is begun in a pause within what is said, and heard of when that is over.
    stage = perform(one_turn, options(llm={"replies": (REPLY,), "first_token_ms": 5000}))
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

    stage = perform(act, options(llm={"replies": ("Never said.", REPLY), "first_token_ms": 5000}))
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


# -- silence within a reply --------------------------------------------------------------------------------------

TALE = " ".join(f"This is sentence number {number}, and it has words." for number in range(8))
FILLERS = [("One moment, please.", "Let me see.", "Just a moment."), ("One moment, please.",), ()]


def longest_silence_s(agent: AgentOptions, **providers: Any) -> tuple[float, str]:
    """Of one turn, with what the bot said last in it."""
    ended_s: list[float] = []

    async def act(stage: Stage) -> None:
        ended_s.append(await stage.speak())
        await stage.be_quiet(45)

    stage = perform(act, agent, **providers)
    return stage.longest_silence_s(ended_s[0]), stage.watch.words[-1][1]


@pytest.mark.parametrize("fillers", FILLERS, ids=len)
@pytest.mark.parametrize("left", [0, 1, 5, 14, 40])
def test_a_model_that_hangs_anywhere_leaves_no_silence(left: int, fillers: tuple[str, ...]) -> None:
    hanging = crew("llm", TroubledLlm("hangs", TALE, left))
    silence_s, last = longest_silence_s(options(fallback=FallbackOptions(fillers=fillers)), llm=hanging)
    assert silence_s <= SILENCE_LIMIT_S
    assert last == APOLOGY


@pytest.mark.parametrize("fillers", FILLERS, ids=len)
@pytest.mark.parametrize("left", [0, 1, 3, 40])
def test_a_voice_that_hangs_anywhere_leaves_no_silence(left: int, fillers: tuple[str, ...]) -> None:
    hanging = crew("tts", TroubledTts("hangs", left))
    agent = options(fallback=FallbackOptions(fillers=fillers), llm={"replies": (TALE,)})
    silence_s, last = longest_silence_s(agent, tts=hanging)
    assert silence_s <= SILENCE_LIMIT_S
    assert last == APOLOGY


@pytest.mark.parametrize("fillers", FILLERS, ids=len)
def test_a_model_that_says_a_word_now_and_then_leaves_no_silence(fillers: tuple[str, ...]) -> None:
    slow = options(fallback=FallbackOptions(fillers=fillers), llm={"replies": (TALE,), "token_ms": 2400})
    assert longest_silence_s(slow)[0] <= SILENCE_LIMIT_S


@pytest.mark.parametrize("fillers", FILLERS, ids=len)
def test_a_tool_that_hangs_leaves_no_silence(fillers: tuple[str, ...]) -> None:
    hapless = options(
        class_="tests.call.agents:Hapless",
        fallback=FallbackOptions(fillers=fillers),
        llm={"replies": ("tool:hang {}", "It did not work.")},
    )
    silence_s, last = longest_silence_s(hapless)
    assert silence_s <= SILENCE_LIMIT_S
    # With fillers enough to wait for it, the model is told; without, the caller.
    assert last == ("It did not work." if len(fillers) > 1 else APOLOGY)


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ("fail", "error: ValueError"),
        ("flood", "word " * (MAX_RESULT_CHARS // 5)),
        ("give_what_is_no_data", "{"),
        ("no_such_tool", "error: there is no tool no_such_tool"),
        ("note", "noted"),
    ],
)
def test_whatever_a_tool_does_the_model_is_told_and_speaks(tool: str, told: str) -> None:
    replies = (f"tool:{tool} {{}}", "That is all.")
    stage = perform(one_turn, options(class_="tests.call.agents:Hapless", llm={"replies": replies}))
    (result,) = (each.text for each in stage.call.call._parts.history.messages if each.role == "tool")
    assert result.startswith(told)
    assert len(result) <= MAX_RESULT_CHARS
    assert stage.watch.words[-1] == ("bot", "That is all.")


def test_a_model_that_only_calls_a_tool_asks_the_caller_to_repeat() -> None:
    stage = perform(one_turn, options(class_="tests.call.agents:Hapless", llm={"replies": ("tool:note {}", " ")}))
    assert stage.watch.words[-1] == ("bot", AGAIN)


@pytest.mark.parametrize("first_token_ms", [300, 2100, 2600, 4000])
def test_a_tool_runs_once_whoever_calls_it(first_token_ms: int) -> None:
    """The second is asked after two seconds, and both of them call."""
    LOG.clear()
    replies = ("tool:note {}", "That is all.")
    slow = ScriptedLlm(ScriptedLlm.Options(replies=replies, first_token_ms=first_token_ms))
    second = ScriptedLlm(ScriptedLlm.Options(replies=replies, first_token_ms=500))
    stage = perform(one_turn, options(class_="tests.call.agents:Hapless"), llm=crew("llm", slow, second))
    assert LOG == ["noted"]
    assert stage.watch.words[-1] == ("bot", "That is all.")


# -- the end of hearing ------------------------------------------------------------------------------------------


def test_no_apology_is_said_into_what_the_caller_says() -> None:
    async def act(stage: Stage) -> None:
        ended_s.append(await stage.speak())
        await stage.be_quiet(10)

    ended_s: list[float] = []
    # It is given up within a second, when the caller has begun.
    stage = perform(act, options(), stt=crew("stt", TroubledStt("fails")))
    assert ended_s[0] < stage.first_media_after(0) <= ended_s[0] + 1.0
    assert [text for _, text in stage.watch.words] == [APOLOGY, GOODBYE]
    assert stage.watch.causes == ["speech-to-text failed"]


def test_a_caller_who_goes_on_and_on_is_told_all_the_same() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(4):
            await stage.speak(LONG)
        await stage.be_quiet(10)

    stage = perform(act, options(), stt=crew("stt", TroubledStt("fails")))
    assert PATIENCE_S <= stage.first_media_after(0) <= PATIENCE_S + 3
    assert stage.watch.causes == ["speech-to-text failed"]
