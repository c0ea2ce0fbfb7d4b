"""A callee who wants no more calls, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mediasrv.call.options import AgentOptions, CalleeOptions
from mediasrv.errors import ConfigError
from tests.call.stage import Stage, Watch, agent_options, perform

SORRY = "We will not call again. Goodbye."
STOP = "Please stop calling me."


def called(act: Callable[[Stage], Any], options: AgentOptions, direction: str = "outbound") -> Stage:
    return perform(act, options, direction=direction)


def agent(*texts: str, **changes: Any) -> AgentOptions:
    callee = CalleeOptions(opt_out_goodbye=SORRY, opt_out_digit="9", **changes.pop("callee", {}))
    return agent_options(stt={"texts": texts}, llm={"replies": ("What can I do for you?",)}, callee=callee, **changes)


async def speak(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(8)


def opted_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(Watch, "opted_out", lambda self, call_id, how: told.append(how), raising=False)
    return told


def test_who_asks_for_no_more_calls_is_bidden_goodbye_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    told = opted_out(monkeypatch)
    stage = called(speak, agent(STOP))
    assert told == ["speech"]
    assert [words for words in stage.watch.words if words[0] == "bot"] == [("bot", SORRY)]
    assert stage.watch.causes == ["opted out"]


def test_a_caller_is_heard_too_but_his_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told = opted_out(monkeypatch)
    stage = called(speak, agent(STOP), direction="inbound")
    assert told == ["speech"]
    assert ("bot", "What can I do for you?") in stage.watch.words


def test_an_operator_may_not_want_to_hear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = opted_out(monkeypatch)
    called(speak, agent(STOP, callee={"heed_opt_out": False}))
    assert told == []


def test_a_key_says_it_too_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = opted_out(monkeypatch)

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.press("9")
        stage.press("9")
        await stage.be_quiet(6)

    stage = called(act, agent("Hello?", greeting="Hello, a parcel for you, and many more words to come."))
    assert told == ["dtmf"]
    assert stage.watch.words[-1] == ("bot", SORRY)
    assert stage.watch.causes == ["opted out"]


@pytest.mark.parametrize(("digit", "direction"), [("8", "outbound"), ("9", "inbound")])
def test_other_keys_and_other_calls_have_other_meanings(
    monkeypatch: pytest.MonkeyPatch, digit: str, direction: str
) -> None:
    told = opted_out(monkeypatch)

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.press(digit)
        await stage.be_quiet(3)

    called(act, agent("Hello?"), direction=direction)
    assert told == []


@pytest.mark.parametrize("digit", ["99", "x", " "])
def test_what_is_no_key_is_said(digit: str) -> None:
    with pytest.raises(ConfigError, match="opt_out_digit"):
        CalleeOptions(opt_out_digit=digit)
