"""The three levels of writing an agent, and what happens when the operator's code or a provider fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.call.role import CascadeRole
from mediasrv.errors import ConfigError
from mediasrv.providers.scripted import _ScriptedRecognition
from mediasrv.wire.events import Clear, PlayMedia, SendDtmf
from tests.call import agents
from tests.call.stage import LONG, Stage, agent_options, patience, perform
from tests.virtual import run_virtually


@pytest.fixture(autouse=True)
def log() -> list[Any]:
    agents.LOG.clear()
    return agents.LOG


async def one_turn(stage: Stage) -> None:
    await stage.be_quiet(2)
    await stage.speak()
    await stage.be_quiet(8)


def test_a_tool_is_called_and_its_result_is_spoken(log: list[Any]) -> None:
    options = agent_options(
        class_="tests.call.agents:Courier",
        llm={"replies": ('tool:order_status {"order_id":"7"}', "It is in Pune.")},
    )
    stage = perform(one_turn, options)
    assert ("tool", "7", "+15550001", {"order": 7}) in log
    assert stage.watch.words == [("bot", "Swift Couriers."), ("caller", "Hello."), ("bot", "It is in Pune.")]
    roles = [message.role for message in stage.call.call._parts.history.messages]
    assert roles == ["system", "assistant", "user", "assistant", "tool", "assistant"]


def test_a_subclass_sets_what_the_configuration_would() -> None:
    stage = perform(one_turn, agent_options(class_="tests.call.agents:Courier", instructions="ignored"))
    assert stage.call.call._parts.history.messages[0].text == "You help callers of a courier company."


def test_an_agent_hears_of_start_keys_and_end(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(2)
        stage.press("5")
        await stage.be_quiet(1)
        stage.hang_up()
        await stage.running

    perform(act, agent_options(class_="tests.call.agents:Courier"))
    assert log == [("start", "call-1", "plivo", "+15550002"), ("dtmf", "5"), ("end", 1)]


def test_a_tool_may_say_goodbye_and_hang_up_and_the_goodbye_is_heard() -> None:
    options = agent_options(class_="tests.call.agents:Courier", llm={"replies": ("tool:finish {}", "never said")})
    stage = perform(one_turn, options)
    assert stage.watch.words[-1] == ("bot", "Thank you and goodbye.")
    assert stage.watch.causes == ["agent hung up"]


def test_agent_code_that_fails_costs_the_call_nothing() -> None:
    async def act(stage: Stage) -> None:
        await one_turn(stage)
        stage.hang_up()
        begun = stage.now
        await stage.running
        assert stage.now - begun < 10

    stage = perform(act, agent_options(class_="tests.call.agents:Careless"))
    assert stage.watch.words[-1][0] == "bot"
    assert stage.watch.causes == ["caller hung up"]


def test_digits_are_collected_and_sent(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(2)
        for digit in "42#":
            stage.press(digit)
            await stage.be_quiet(0.3)
        await stage.be_quiet(2)

    stage = perform(act, agent_options(class_="tests.call.agents:Menu"))
    assert log == ["42"]
    assert stage.count(SendDtmf) == 1
    assert stage.watch.causes == ["agent hung up"]


CARD = "4929358201647391"
CLOCKS = {"created", "msecs", "relativeCreated", "thread", "process", "lineno", "levelno"}


async def press_card(stage: Stage) -> None:
    for digit in CARD:
        stage.press(digit)
        await stage.be_quiet(0.3)
    await stage.be_quiet(1)


def test_a_key_stops_the_prompt_and_is_not_lost(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.8)
        await press_card(stage)

    stage = perform(act, agent_options(class_="tests.call.agents:Till"))
    assert log == [(CARD, True)]
    assert stage.count(Clear) == 1
    ((side, prompt),) = stage.watch.words
    assert side == "bot"
    assert "Enter the number of your card.".startswith(prompt)
    assert prompt != "Enter the number of your card."


def test_a_key_before_the_prompt_sounds_keeps_it_from_being_said(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.2)
        await press_card(stage)

    stage = perform(act, agent_options(class_="tests.call.agents:Till", tts={"first_audio_ms": 900}))
    assert log == [(CARD, True)]
    assert stage.watch.words == []


def test_what_is_private_is_heard_and_told_by_nobody(
    log: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[bytes] = []
    monkeypatch.setattr(_ScriptedRecognition, "send", lambda _, payload: sent.append(payload))
    caplog.set_level(logging.DEBUG)
    heard = []

    async def act(stage: Stage) -> None:
        await stage.be_quiet(3)
        stage.press(CARD[0])
        await stage.speak()
        for digit in CARD[1:-1]:
            stage.press(digit)
            await stage.be_quiet(0.3)
        assert set(b"".join(sent)) == {0xFF}
        heard.append(len(b"".join(sent)))
        stage.press(CARD[-1])
        await stage.speak()
        await stage.be_quiet(4)
        heard.append(len(b"".join(sent)))

    stage = perform(act, agent_options(class_="tests.call.agents:Till"))
    assert log == [(CARD, True)]
    # The clock of the recogniser ran on, and it hears again.
    assert 0 <= stage._frames - heard[1] / stage.audio.frame_bytes < 3, "the last may wait for more"
    assert len(set(b"".join(sent)[heard[0] :])) > 1
    assert [side for side, _ in stage.watch.words] == ["bot", "caller", "bot"]
    told = [str(value) for record in caplog.records for name, value in vars(record).items() if name not in CLOCKS]
    told += [text for _, text in stage.call.call.transcript]
    assert not [text for text in told if any(CARD[at : at + 4] in text for at in range(13))]
    assert {record.name for record in caplog.records} <= {"asyncio", "mediasrv.call.stopwatch"}


def test_a_coroutine_may_conduct_the_raw_call() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak(LONG)
        await stage.be_quiet(4)

    stage = perform(act, agent_options(class_="tests.call.agents:echo"))
    sent = b"".join(each.payload for _, each in stage.commands if isinstance(each, PlayMedia))
    assert len(sent) == 100 * stage.audio.frame_bytes
    assert stage.watch.causes == ["agent hung up"]
    assert stage.underruns == 0


def test_audio_of_any_rate_is_played_and_its_end_awaited(log: list[Any]) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(2)

    stage = perform(act, agent_options(class_="tests.call.agents:jingle"))
    sent = b"".join(each.payload for _, each in stage.commands if isinstance(each, PlayMedia))
    assert abs(len(sent) - stage.audio.bytes_in(500)) <= 1
    assert log[0].complete


def test_a_conductor_that_fails_ends_its_call_only() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(2)

    stage = perform(act, agent_options(class_="tests.call.agents:broken"))
    assert stage.closed


def test_a_language_model_that_fails_is_apologised_for() -> None:
    stage = perform(one_turn, agent_options(apology="Sorry about that."), llm=agents.FailingLlm(None))
    assert stage.watch.words == [("caller", "Hello."), ("bot", "Sorry about that.")]


def test_a_voice_that_hangs_is_given_up_and_the_rendered_apology_heard() -> None:
    async def act(stage: Stage) -> None:
        voice = stage.agency._roles["default"].voice
        assert voice is not None
        voice._tts = agents.HangingTts(None)
        await one_turn(stage)
        await stage.be_quiet(12)

    stage = perform(act, agent_options(apology="Sorry about that.", turn=patience(idle_ms=60000)))
    assert stage.watch.words == [("caller", "Hello."), ("bot", "Sorry about that.")]


def test_a_recogniser_that_keeps_failing_ends_the_call_with_words() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(10)

    stage = perform(act, agent_options(apology="Sorry about that.", goodbye="Bye."), stt=agents.DeafStt(None))
    assert [text for _, text in stage.watch.words] == ["Sorry about that.", "Bye."]
    assert stage.watch.causes == ["speech-to-text failed"]


def test_a_model_without_an_answer_asks_the_caller_to_repeat() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(4)
        await stage.speak()
        await stage.be_quiet(5)

    options = agent_options(
        llm={"replies": ("  ", "Now I know.")}, repeat_request="Again, please?", turn=patience(idle_ms=60000)
    )
    expected = [("caller", "Hello."), ("bot", "Again, please?"), ("caller", "Hello."), ("bot", "Now I know.")]
    assert perform(act, options).watch.words == expected


def test_a_filler_that_a_tool_says_does_not_make_the_caller_wait_alone() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(12)

    options = agent_options(
        class_="tests.call.agents:Slow",
        llm={"replies": ("tool:look_up {}", "Found it.")},
        turn=patience(idle_ms=2000),
        idle_prompt=("Are you there?",),
    )
    words = perform(act, options).watch.words
    assert words[:3] == [("caller", "Hello."), ("bot", "One moment."), ("bot", "Found it.")]


def test_pressing_keys_is_being_there() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(6):
            await stage.be_quiet(1.5)
            stage.press("1")
        await stage.be_quiet(1)

    assert perform(act, agent_options(turn=patience(idle_ms=2000))).watch.words == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nonsense", "module:Name"),
        ("tests.call.agents:Nobody", "Nobody"),
        ("tests.call.nowhere:Courier", "nowhere"),
        ("tests.call.agents:not_a_coroutine", "neither"),
    ],
)
def test_a_class_that_cannot_be_loaded_says_what_to_do(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Agency({"default": agent_options(class_=path)})


def test_agents_set_up_alike_share_their_providers() -> None:
    agency = Agency({"one": agent_options(), "two": agent_options(), "three": agent_options(llm={"token_ms": 1})})
    roles = {name: role for name, role in agency._roles.items() if isinstance(role, CascadeRole)}
    assert roles["one"].llm is roles["two"].llm
    assert roles["one"].llm is not roles["three"].llm
    assert roles["one"].stt is roles["three"].stt


def test_an_unknown_provider_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        Agency({"default": AgentOptions(stt={"provider": "nonsense"})})


def test_the_agency_starts_and_stops_its_agents() -> None:
    seen: list[str] = []

    class Counting(agents.Courier):
        async def start(self) -> None:
            seen.append("start")

        async def aclose(self) -> None:
            seen.append("stop")

    async def live() -> None:
        agency = Agency({"default": agent_options()})
        agency._roles["default"] = replace(agency._roles["default"], agent=Counting())
        await agency.start()
        await agency.aclose()

    run_virtually(live())
    assert seen == ["start", "stop"]
