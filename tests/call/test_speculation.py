"""Replies that are begun before it is sure that the caller has finished, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv import Agent, Call, tool
from mediasrv.call.options import AgentOptions
from mediasrv.providers.scripted import ScriptedStt, _ScriptedRecognition
from mediasrv.turn.finals import RENEWED_MS
from tests.call.stage import LONG, SHORT, Stage, agent_options, patience, perform

RAN_S: list[float] = []


class Clerk(Agent):
    greeting = ""

    @tool
    async def book(self, call: Call) -> str:
        """Book it."""
        RAN_S.append(call._parts.mouth._loop.time())
        await call.say("Let me see.")
        return "booked"


class CarefulClerk(Clerk):
    @tool(side_effects=True)
    async def pay(self, call: Call) -> str:
        """Pay for it."""
        return "paid"


@pytest.fixture(autouse=True)
def ran_s() -> list[float]:
    RAN_S.clear()
    return RAN_S


async def one_turn(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(5)


async def a_pause_in_it(stage: Stage) -> None:
    await stage.speak(SHORT)
    await stage.be_quiet(0.1)
    await stage.speak(LONG)
    await stage.be_quiet(6)


def response_ms(stage: Stage) -> float:
    (trace,) = stage.watch.traces
    assert trace.response_ms is not None
    return trace.response_ms


def endpoint_ms(stage: Stage) -> float:
    (trace,) = stage.watch.traces
    return (trace.points_s["endpoint"] - trace.last_voice_s) * 1000


def test_a_prepared_reply_is_heard_at_the_endpoint() -> None:
    stage = perform(one_turn, agent_options(llm={"first_token_ms": 100}))
    assert stage.watch.prepared[-1:] == [False]
    assert response_ms(stage) == pytest.approx(endpoint_ms(stage), abs=1)
    assert stage.watch.words == [("caller", "Hello."), ("bot", "I see. Tell me more.")]
    assert stage.underruns == 0


def test_the_parts_of_a_prepared_reply_add_up_as_well() -> None:
    stage = perform(one_turn, agent_options())
    (trace,) = stage.watch.traces
    bars = trace.waterfall()
    assert sum(bar.end_ms - bar.start_ms for bar in bars) == pytest.approx(response_ms(stage), abs=1e-6)
    assert trace.points_s["first_token"] < trace.points_s["endpoint"]


@pytest.mark.parametrize("renews", [True, False])
def test_a_final_is_renewed_where_the_recogniser_says_that_it_may(
    monkeypatch: pytest.MonkeyPatch, renews: bool
) -> None:
    asked: list[int] = []
    finalize = _ScriptedRecognition.finalize

    def note(recognition: _ScriptedRecognition, request: int) -> None:
        asked.append(request)
        finalize(recognition, request)

    monkeypatch.setattr(ScriptedStt, "renews_finals", renews)
    monkeypatch.setattr(_ScriptedRecognition, "finalize", note)
    stage = perform(one_turn, agent_options())
    assert stage.watch.words == [("caller", "Hello."), ("bot", "I see. Tell me more.")]
    assert asked.count(asked[-1]) == 1 + renews * len(RENEWED_MS)


def test_speculation_may_be_switched_off() -> None:
    stage = perform(one_turn, agent_options(turn=patience(speculation=False)))
    assert stage.watch.prepared == []
    assert response_ms(stage) > endpoint_ms(stage) + 200


def test_of_a_reply_that_is_dropped_nothing_is_heard_and_nothing_kept() -> None:
    options = agent_options(
        stt={"texts": ("Go on.",), "interim_ms": 1200}, turn=patience(endpoint_ms=1600, speculation_lead_ms=1500)
    )
    stage = perform(a_pause_in_it, options)
    assert stage.watch.prepared[-1:] == [False]
    assert stage.watch.prepared.count(False) == 1 < len(stage.watch.prepared)
    assert stage.call.call.transcript == [("caller", "Go on."), ("bot", "I see. Tell me more.")]
    assert len(stage.watch.traces) == 1


def test_a_pause_without_another_word_behind_it_costs_no_second_reply() -> None:
    options = agent_options(stt={"texts": ("Go on.",)}, turn=patience(endpoint_ms=1600, speculation_lead_ms=1500))
    assert perform(a_pause_in_it, options).watch.prepared == [False]


def test_no_tool_runs_before_the_caller_has_finished(ran_s: list[float]) -> None:
    options = tools_options("Clerk")
    stage = perform(one_turn, options)
    (trace,) = stage.watch.traces
    assert stage.watch.prepared[-1:] == [False]
    assert ran_s == [pytest.approx(trace.points_s["endpoint"], abs=0.05)]
    assert ran_s[0] >= trace.points_s["endpoint"]


def test_a_tool_of_a_prepared_reply_may_speak(ran_s: list[float]) -> None:
    stage = perform(one_turn, tools_options("Clerk"))
    assert [text for side, text in stage.watch.words if side == "bot"] == ["Let me see.", "It is booked."]
    assert len(ran_s) == 1


def test_where_a_tool_has_side_effects_the_model_is_asked_once_a_turn(ran_s: list[float]) -> None:
    stage = perform(one_turn, tools_options("CarefulClerk"))
    assert stage.watch.prepared == []
    assert len(ran_s) == 1


def test_a_prepared_reply_that_fails_is_apologised_for_at_the_endpoint() -> None:
    stage = perform(one_turn, agent_options(llm={"replies": ("tool:unknown {}",)}))
    assert stage.watch.words[0] == ("caller", "Hello.")
    assert any(side == "bot" for side, _ in stage.watch.words)


def tools_options(name: str) -> AgentOptions:
    llm: dict[str, Any] = {"replies": ("tool:book {}", "It is booked.")}
    return agent_options(class_=f"{__name__}:{name}", llm=llm)
