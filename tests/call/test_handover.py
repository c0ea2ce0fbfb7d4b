"""Handing a caller over, seen from the call: what he hears, what the model is told."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from mediasrv import Agent, Call, tool
from mediasrv.audio.level import level_db
from mediasrv.call.control import Earlier, HandoverOrder, HandoverOutcome, Words
from mediasrv.call.handover import hold_music
from tests.call.agents import LOG
from tests.call.stage import Stage, agent_options, perform


class Board:
    """A switchboard at which it rings for a while, with an outcome that is known before."""

    def __init__(self, rings_s: float, outcome: HandoverOutcome) -> None:
        self.rings_s = rings_s
        self.outcome = outcome
        self.orders: list[HandoverOrder] = []
        self.words: Words = ()
        self.was_cancelled = False

    async def hand_over(self, order: HandoverOrder, words: Words) -> HandoverOutcome:
        self.orders.append(order)
        self.words = words
        try:
            await asyncio.sleep(self.rings_s)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return self.outcome


class Receptionist(Agent):
    greeting = "Good day."

    @tool(side_effects=True, limit_s=90)
    async def hand_over(self, call: Call, briefing: str = "") -> str:
        """Hand the caller over to a colleague."""
        outcome = await call.transfer("+919876500001", briefing=briefing, timeout_s=40)
        LOG.append(outcome)
        return outcome.value


WARM = 'tool:hand_over {"briefing": "Ann waits."}'


async def ask_for_a_colleague(stage: Stage) -> None:
    await stage.be_quiet(2)
    stage.asked_s = await stage.speak()  # type: ignore[attr-defined]
    await stage.be_quiet(35)


@pytest.fixture
def log() -> list[Any]:
    LOG.clear()
    return LOG


def handing(board: Board | None, reply: str = WARM) -> Stage:
    llm = {"replies": ("Yes.", reply, "Nobody is there.") if reply == "Yes." else (reply, "Nobody is there.")}
    options = agent_options(class_="tests.call.test_handover:Receptionist", llm=llm)
    return perform(ask_for_a_colleague, options, control=board)


def test_the_caller_hears_music_for_as_long_as_it_rings_and_the_model_learns_what_came_of_it(log: list[Any]) -> None:
    board = Board(30.0, HandoverOutcome.BUSY)
    stage = handing(board)
    assert board.orders == [HandoverOrder(to="+919876500001", briefing="Ann waits.", timeout_s=40)]
    assert log == [HandoverOutcome.BUSY]
    # The tool takes far longer than a silent one may: no apology, no filler, no silence.
    assert [text for side, text in stage.watch.words if side == "bot"] == ["Good day.", "Nobody is there."]
    assert stage.longest_silence_s(stage.asked_s) < 2.0  # type: ignore[attr-defined]
    assert not board.was_cancelled


def test_a_call_that_was_handed_over_is_over(log: list[Any]) -> None:
    stage = handing(Board(3.0, HandoverOutcome.CONNECTED))
    assert stage.watch.causes == ["transferred"]
    assert [text for side, text in stage.watch.words if side == "bot"] == ["Good day."]


def test_without_a_briefing_the_caller_first_hears_what_was_said(log: list[Any]) -> None:
    board = Board(0.1, HandoverOutcome.CONNECTED)
    stage = handing(board, "tool:hand_over {}")
    assert stage.watch.causes == ["transferred"]
    assert [side for side, _ in board.words] == ["bot", "caller"]


def test_a_caller_who_hangs_up_takes_the_order_back(log: list[Any]) -> None:
    board = Board(30.0, HandoverOutcome.CONNECTED)

    async def leave(stage: Stage) -> None:
        await stage.be_quiet(2)
        await stage.speak()
        await stage.be_quiet(5)
        stage.hang_up()
        await stage.be_quiet(1)

    options = agent_options(class_="tests.call.test_handover:Receptionist", llm={"replies": (WARM,)})
    stage = perform(leave, options, control=board)
    assert stage.watch.causes == ["caller hung up"]
    assert board.was_cancelled
    assert log == []


def test_without_an_account_it_does_not_work_and_the_call_goes_on(
    log: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    stage = handing(None)
    assert log == [HandoverOutcome.FAILED]
    assert "not configured" in caplog.text
    assert ("bot", "Nobody is there.") in stage.watch.words


def test_a_caller_who_comes_back_is_told_so_and_the_model_knows_what_was_said_before(log: list[Any]) -> None:
    said = [("bot", "Good day."), ("caller", "My order is seven."), ("bot", "I put you through.")]
    options = agent_options(greeting="Good day.", handover_failed="Nobody is there.", greeting_after_hello_ms=5000)
    stage = perform(
        ask_for_a_colleague,
        options,
        earlier=Earlier(said, HandoverOutcome.NO_ANSWER),
        direction="outbound",
    )
    # Who was greeted before is not waited for.
    assert stage.watch.words[0] == ("bot", "Nobody is there.")
    assert stage.call.call.earlier is not None
    transcript = stage.call.call.transcript
    assert transcript[:2] == said[:2]
    assert transcript[2] == ("bot", "I put you through. Nobody is there.")


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_hold_music_is_soft_and_never_still_for_long(rate_hz: int) -> None:
    music = hold_music(rate_hz)
    assert music.dtype == np.int16
    windows = np.array_split(music, len(music) // (rate_hz // 4))
    assert all(-60 < level_db(window) < -15 for window in windows)
