"""How calls begin that we make, in virtual time: hello, greeting, and who has picked up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mediasrv.call.options import AgentOptions, CalleeOptions
from mediasrv.errors import ConfigError
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import Clear
from tests.call import agents
from tests.call.stage import Stage, agent_options, patience
from tests.call.stage import perform as perform_inbound

GREETING = "Swift Couriers, we have a parcel for you."
MAILBOX = "You have reached Bob. Please leave a message after the tone."
SCREEN = "Please state your name, and I will see if this person is available."
MESSAGE = "Your parcel is here."


@pytest.fixture(autouse=True)
def log() -> list[Any]:
    agents.LOG.clear()
    return agents.LOG


def perform(act: Callable[[Stage], Any], options: AgentOptions | None = None) -> Stage:
    return perform_inbound(act, options, direction="outbound")


def dialler(*texts: str, callee: CalleeOptions | None = None, **changes: Any) -> AgentOptions:
    return agent_options(
        greeting=changes.pop("greeting", GREETING),
        class_="tests.call.agents:Dialler",
        stt={"texts": texts or ("Hello?",)},
        llm={"replies": ("What can I do for you?",)},
        callee=callee or CalleeOptions(),
        **changes,
    )


async def say_hello(stage: Stage) -> None:
    await stage.be_quiet(0.5)
    await stage.talk(0.6)
    await stage.be_quiet(5)


# -- hello, and the greeting -------------------------------------------------------------------------------------------


def test_a_call_that_we_make_is_known_as_one() -> None:
    stage = perform(lambda stage: stage.be_quiet(1))
    assert stage.call.call.direction == "outbound"
    assert perform_inbound(lambda stage: stage.be_quiet(1)).call.call.direction == "inbound"


def test_without_a_wait_for_hello_the_greeting_is_on_the_wire_at_once() -> None:
    stage = perform(lambda stage: stage.be_quiet(4), dialler())
    assert stage.first_media_after(0) - stage.opened_s < 0.05
    assert stage.watch.words == [("bot", GREETING)]


def test_a_hello_is_answered_by_the_greeting_and_no_model_is_asked() -> None:
    stage = perform(say_hello, dialler(greeting_after_hello_ms=2000))
    assert stage.call.call.transcript == [("caller", "Hello?"), ("bot", GREETING)]
    assert stage.call.call.usage.completion_tokens == 0
    assert stage.watch.prepared == []
    (trace,) = stage.watch.traces
    assert trace.points_s["sent"] == trace.points_s["endpoint"]


def test_after_the_greeting_the_model_answers() -> None:
    async def act(stage: Stage) -> None:
        await say_hello(stage)
        await stage.speak()
        await stage.be_quiet(4)

    stage = perform(act, dialler("Hello?", "Tell me more.", greeting_after_hello_ms=2000))
    expected = [("caller", "Hello?"), ("bot", GREETING), ("caller", "Tell me more."), ("bot", "What can I do for you?")]
    assert stage.watch.words == expected


def test_a_callee_who_says_nothing_is_greeted_after_the_wait() -> None:
    stage = perform(lambda stage: stage.be_quiet(6), dialler(greeting_after_hello_ms=1500))
    assert stage.first_media_after(0) - stage.opened_s == pytest.approx(1.5, abs=0.05)
    assert stage.watch.words == [("bot", GREETING)]


def test_a_callee_who_goes_on_before_the_greeting_is_heard_out() -> None:
    async def act(stage: Stage) -> None:
        await stage.talk(0.6)
        await stage.be_quiet(0.3)
        await stage.talk(1.5)
        await stage.be_quiet(5)

    stage = perform(act, dialler(greeting_after_hello_ms=2000))
    assert stage.call.call.transcript == [("caller", "Hello?"), ("bot", GREETING)]


def test_a_hello_that_nobody_understood_is_greeted_too() -> None:
    async def act(stage: Stage) -> None:
        await say_hello(stage)
        await stage.be_quiet(2)

    stage = perform(act, dialler("", greeting_after_hello_ms=2000))
    assert [text for _, text in stage.watch.words] == [GREETING]


def test_whoever_calls_us_is_greeted_at_once() -> None:
    stage = perform_inbound(lambda stage: stage.be_quiet(4), dialler(greeting_after_hello_ms=2000))
    assert stage.first_media_after(0) - stage.opened_s < 0.05


def test_without_a_greeting_there_is_nothing_to_wait_for() -> None:
    stage = perform(say_hello, dialler(greeting="", greeting_after_hello_ms=2000))
    assert stage.watch.words == [("caller", "Hello?"), ("bot", "What can I do for you?")]


def test_a_greeting_that_cannot_be_said_leaves_the_turn_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(stage: Stage) -> None:
        stage.agency._roles["default"].voice._tts = agents.HangingTts(None)
        stage.agency._roles["default"].voice._rendered.clear()
        await say_hello(stage)
        await stage.be_quiet(30)

    stage = perform(act, dialler(greeting_after_hello_ms=2000, turn=patience(idle_ms=90_000)))
    assert stage.watch.words == [("caller", "Hello?")]


# -- a human -----------------------------------------------------------------------------------------------------------


def test_a_human_waits_for_nothing_and_the_agent_is_told(log: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stage = perform(say_hello, dialler(turn=patience(interruptible_greeting=False)))
    assert stage.first_media_after(0) - stage.opened_s < 0.05
    assert log == ["human"]
    assert "Hello" not in str([vars(record) for record in caplog.records])


def test_nothing_is_looked_for_when_it_is_switched_off_or_somebody_calls_us(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(4)

    perform(act, dialler(MAILBOX, callee=CalleeOptions(detect=False)))
    perform_inbound(act, dialler(MAILBOX))
    assert log == []


# -- a machine ---------------------------------------------------------------------------------------------------------


def test_on_a_mailbox_we_hang_up(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        await stage.speak()
        await stage.be_quiet(3)

    stage = perform(act, dialler(MAILBOX))
    assert log == ["machine"]
    assert stage.watch.causes == ["answering machine"]
    assert "What can I do for you?" not in [text for _, text in stage.watch.words]


def leaving(text: str = MAILBOX) -> AgentOptions:
    return dialler(text, callee=CalleeOptions(machine="leave message", message=MESSAGE))


def test_a_message_is_left_behind_the_beep(log: list[Any]) -> None:
    beeped_s: list[float] = []

    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        await stage.speak()
        await stage.be_quiet(0.6)
        await stage.beep()
        beeped_s.append(stage.now)
        await stage.be_quiet(8)

    stage = perform(act, leaving())
    assert log == ["machine"]
    assert 0 < stage.first_media_after(beeped_s[0]) - beeped_s[0] < 0.2
    assert stage.watch.words[-1] == ("bot", MESSAGE)
    assert stage.watch.causes == ["answering machine"]


def test_without_a_beep_the_message_waits_for_silence() -> None:
    silent_s: list[float] = []

    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        silent_s.append(await stage.speak())
        await stage.be_quiet(0.4)
        silent_s.append(await stage.speak())
        await stage.be_quiet(8)

    stage = perform(act, leaving())
    # The recording's last word dies away before its end.
    assert stage.first_media_after(silent_s[1]) - silent_s[1] == pytest.approx(2.4, abs=0.2)
    assert stage.watch.words[-1] == ("bot", MESSAGE)


def test_a_machine_that_never_falls_silent_is_left_its_message_all_the_same() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(0.5)
        await stage.talk(70)

    stage = perform(act, leaving())
    assert stage.watch.words[-1] == ("bot", MESSAGE)
    assert stage.watch.causes == ["answering machine"]


def test_a_long_speech_at_once_is_a_machine_though_nobody_knows_its_words(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        await stage.talk(5)
        await stage.be_quiet(3)

    stage = perform(act, dialler("Welcome to the house of fun."))
    assert log == ["machine"]
    assert stage.watch.causes == ["answering machine"]


def test_an_operator_may_want_to_talk_to_machines(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(5)

    stage = perform(act, dialler(MAILBOX, greeting="", callee=CalleeOptions(machine="go on")))
    assert log == ["machine"]
    assert stage.watch.words == [("caller", MAILBOX), ("bot", "What can I do for you?")]


def test_the_carrier_may_know_of_a_machine_while_we_speak(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.call.callee_is(Kind.MACHINE)
        stage.call.callee_is(Kind.MACHINE)
        await stage.be_quiet(3)

    stage = perform(act, dialler())
    assert log == ["machine"]
    assert stage.count(Clear) == 1
    assert GREETING.startswith(stage.watch.words[0][1])
    assert stage.watch.causes == ["answering machine"]


def test_the_carrier_may_know_while_a_reply_is_in_the_making(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(1)
        stage.call.callee_is(Kind.MACHINE)
        await stage.be_quiet(6)

    callee = CalleeOptions(machine="leave message", message=MESSAGE)
    options = dialler("Hm, what?", greeting="", callee=callee)
    stage = perform(act, replace(options, llm=dict(options.llm) | {"first_token_ms": 5000}))
    assert stage.watch.words == [("caller", "Hm, what?"), ("bot", MESSAGE)]


def test_a_call_that_has_no_conversation_has_no_callee() -> None:
    async def act(stage: Stage) -> None:
        stage.call.callee_is(Kind.MACHINE)
        await stage.be_quiet(1)
        assert not stage.running.done()

    perform(act, agent_options(class_="tests.call.agents:echo"))


# -- a program in between ----------------------------------------------------------------------------------------------


async def be_screened(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(4)


def test_a_screening_program_is_told_who_calls_and_the_human_behind_it_is_greeted(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await be_screened(stage)
        await stage.talk(1)
        await stage.be_quiet(25)
        await stage.talk(0.6)
        await stage.be_quiet(4)

    callee = CalleeOptions(screening_answer="Swift Couriers, about a parcel.")
    stage = perform(act, dialler(SCREEN, "Thanks, stay on the line.", "Hello?", greeting="", callee=callee))
    assert ("bot", "Swift Couriers, about a parcel.") in stage.watch.words
    assert log == ["screening", "human"]
    stage = perform(act, dialler(SCREEN, "Thanks, stay on the line.", "Hello?", callee=callee))
    heard = [text for side, text in stage.watch.words if side == "bot"]
    assert heard[-2:] == ["Swift Couriers, about a parcel.", GREETING]
    assert stage.call.call.usage.completion_tokens == 0


def test_without_words_of_its_own_a_screening_program_hears_the_greeting() -> None:
    stage = perform(be_screened, dialler(SCREEN, turn=patience(interruptible_greeting=False)))
    assert [text for side, text in stage.watch.words if side == "bot"] == [GREETING, GREETING]


def test_who_is_put_through_to_nobody_is_given_up_after_a_minute() -> None:
    async def act(stage: Stage) -> None:
        await be_screened(stage)
        await stage.be_quiet(90)

    stage = perform(act, dialler(SCREEN, turn=patience(idle_prompts=0)))
    assert stage.watch.causes == ["nobody answered"]
    assert 60 < stage.watch.ended_s - stage.opened_s < 80


def test_the_carrier_may_know_of_screening_and_of_a_human(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.2)
        stage.call.callee_is(Kind.SCREENING)
        await stage.be_quiet(1)
        stage.call.callee_is(Kind.HUMAN)
        await say_hello(stage)

    stage = perform(act, dialler(greeting_after_hello_ms=9000))
    assert log == ["screening", "human"]
    assert stage.call.call.transcript == [("caller", "Hello?"), ("bot", GREETING)]


# -- what an operator may say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"machine": "shout"}, 'callee.machine must be "hang up", "leave message" or "go on"'),
        ({"machine": "leave message"}, "callee.message must say what is left on an answering machine"),
    ],
)
def test_a_choice_that_makes_no_sense_is_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        CalleeOptions(**options)
    with pytest.raises(ConfigError, match="greeting_after_hello_ms must not be less than 0"):
        agent_options(greeting_after_hello_ms=-1)


def test_what_is_said_in_set_words_is_recorded_ahead() -> None:
    callee = CalleeOptions(machine="leave message", message=MESSAGE, screening_answer="A parcel.")
    stage = perform(lambda stage: stage.be_quiet(0.1), dialler(callee=callee))
    phrases = stage.agency._roles["default"].set_phrases
    assert {MESSAGE, "A parcel.", GREETING, *agent_options().idle_prompt} <= set(phrases)
