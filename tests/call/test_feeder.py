from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K, PTIME_MS
from mediasrv.call.audience import Audience, PlayoutWatcher
from mediasrv.call.effort import Effort, Work
from mediasrv.call.feeder import Feeder
from mediasrv.call.observer import Observer
from mediasrv.call.pacer import Pacer
from mediasrv.turn.playout import DEFAULT_LEAD_MS, STEP_MS, PlayoutLedger
from mediasrv.wire.events import Clear, Command, Mark, PlayMedia
from tests.virtual import run_virtually

SECOND = bytes(range(1, 251)) * 32


class Line(PlayoutWatcher):
    """A ledger, its feeder, and both who take what is sent: the carrier and the audience."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ledger = PlayoutLedger(MULAW_8K)
        self.effort = Effort(Observer())
        self.pacer = Pacer(self.effort)
        self.sent: list[Command] = []
        self.told: list[tuple[float, bytes]] = []
        self.cuts: list[float] = []
        self.marked = 0
        audience = Audience()
        audience.watcher = self
        self.feeder = Feeder(MULAW_8K, self.ledger, self, self.pacer, audience, self.count)

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def close(self) -> None: ...

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        self.told.append((begins_s, payload))

    def audio_cut(self, now: float) -> None:
        self.cuts.append(now)

    def count(self) -> None:
        self.marked += 1

    @property
    def sent_audio(self) -> bytes:
        return b"".join(command.payload for command in self.sent if isinstance(command, PlayMedia))

    def say(self, seconds: int) -> None:
        number = self.ledger.open()
        self.ledger.queue(number, SECOND * seconds, "word " * seconds)
        self.ledger.close(number)
        self.feeder.wake()


def on_line(act: Callable[[Line], Coroutine[Any, Any, None]]) -> Line:
    async def play() -> Line:
        line = Line()
        await act(line)
        line.feeder.aclose()
        return line

    return run_virtually(play())


def test_what_waits_is_sent_as_there_is_room_and_then_no_more() -> None:
    async def act(line: Line) -> None:
        line.say(2)
        assert len(line.sent_audio) == MULAW_8K.bytes_in(DEFAULT_LEAD_MS)
        await asyncio.sleep(1)
        assert len(line.sent_audio) <= len(SECOND) + MULAW_8K.bytes_in(DEFAULT_LEAD_MS)
        await asyncio.sleep(2)
        assert not line.ledger.busy

    line = on_line(act)
    assert line.sent_audio == SECOND * 2
    assert isinstance(line.sent[-1], Mark)


def test_marks_are_looked_after_when_they_are_sent() -> None:
    async def act(line: Line) -> None:
        line.feeder.wake()
        assert line.marked == 0
        line.say(1)
        await asyncio.sleep(2)

    line = on_line(act)
    assert line.marked == sum(isinstance(command, Mark) for command in line.sent) > 1


def test_the_audience_learns_when_each_piece_begins() -> None:
    async def act(line: Line) -> None:
        await asyncio.sleep(3)
        line.say(1)
        await asyncio.sleep(2)

    line = on_line(act)
    begins_s = 3.0
    for told_s, payload in line.told:
        assert told_s == pytest.approx(begins_s)
        begins_s += len(payload) / len(SECOND)
    assert begins_s == pytest.approx(4.0)


def test_the_lead_of_one_who_is_in_mid_speech_is_told() -> None:
    async def act(line: Line) -> None:
        line.say(1)
        await asyncio.sleep(0.5)
        least_s = line.pacer.take_least_lead()
        assert DEFAULT_LEAD_MS - STEP_MS - PTIME_MS <= least_s * 1000 <= DEFAULT_LEAD_MS

    on_line(act)


def test_the_lead_that_a_hold_or_a_beginning_has_left_is_nobodys_fault() -> None:
    async def act(line: Line) -> None:
        line.say(1)
        line.feeder.hold()
        await asyncio.sleep(1)
        assert line.pacer.take_least_lead() == math.inf
        line.feeder.resume(line.loop.time())
        assert line.pacer.take_least_lead() == math.inf
        line.feeder.suspend(line.loop.time())
        await asyncio.sleep(1)
        line.feeder.resume(line.loop.time())
        assert line.pacer.take_least_lead() == math.inf

    on_line(act)


def test_where_stalls_are_to_be_expected_an_utterance_has_all_the_lead_there_may_be() -> None:
    async def act(line: Line) -> None:
        line.feeder.brace()
        assert line.ledger.lead_ms == DEFAULT_LEAD_MS
        line.effort.leave_out([Work.SPECULATION])
        line.feeder.brace()
        assert line.ledger.lead_ms == line.ledger.most_lead_ms

    on_line(act)


def test_a_bot_that_is_suspended_is_not_fed_until_it_goes_on() -> None:
    async def act(line: Line) -> None:
        line.say(2)
        await asyncio.sleep(1)
        line.feeder.suspend(line.loop.time())
        assert line.cuts == [1.0]
        assert Clear() in line.sent
        so_far = len(line.sent)
        line.feeder.suspend(line.loop.time())
        await asyncio.sleep(1)
        assert len(line.sent) == so_far
        line.feeder.resume(line.loop.time())
        assert len(line.sent) > so_far

    assert on_line(act).cuts == [1.0]


def test_when_the_call_is_over_nothing_is_fed() -> None:
    async def act(line: Line) -> None:
        line.say(2)
        line.feeder.aclose()
        await asyncio.sleep(1)

    assert len(on_line(act).sent_audio) == MULAW_8K.bytes_in(DEFAULT_LEAD_MS)
