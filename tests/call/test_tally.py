from __future__ import annotations

import asyncio

import pytest

from mediasrv.call.figures import Waiting
from mediasrv.call.tally import Tally
from mediasrv.turn.echo import EchoDetector
from mediasrv.turn.outcomes import Outcomes
from mediasrv.wire.events import MediaReceived
from tests.call.stage import Stage, Watch, agent_options, perform


class Listening(Watch):
    """A watch that keeps tallies."""

    def tallied(self, call_id: str, tally: Tally) -> None:
        self.tallies = [*getattr(self, "tallies", []), tally]


def test_a_call_tells_at_its_end_how_its_audio_went() -> None:
    watch = Listening()

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.call.receive(MediaReceived(bytes(160), 53))
        stage.call.receive(MediaReceived(bytes(160), 53))
        stage.hang_up()
        await stage.running

    perform(act, watch=watch)
    (tally,) = watch.tallies
    assert (tally.packets_lost, tally.packets_doubled, tally.packets_late) == (2, 1, 0)
    assert tally.underruns == tally.marks_lost == 0
    assert tally.jitter_ms >= 0
    assert tally.voice == Outcomes()
    assert tally.echo_delay_ms is None


def test_a_call_tells_how_late_our_own_voice_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Listening()
    monkeypatch.setattr(EchoDetector, "delay_ms", 240.0)
    perform(lambda stage: stage.be_quiet(1), watch=watch)
    assert watch.tallies[0].echo_delay_ms == 240.0


def test_what_is_read_off_a_live_call_is_told_at_its_end_and_then_no_more() -> None:
    watch = Listening()
    read: list[Tally] = []
    waiting: list[Waiting] = []

    async def act(stage: Stage) -> None:
        figures, now = stage.call.figures, asyncio.get_running_loop().time
        await stage.be_quiet(0.5)
        waiting.append(figures.waiting(now()))
        await stage.be_quiet(8)
        await stage.speak()
        await stage.be_quiet(8)
        waiting.append(figures.waiting(now()))
        read.append(figures.tally())
        stage.hang_up()
        await stage.running
        read.append(figures.tally())
        waiting.append(figures.waiting(now()))

    perform(act, agent_options(greeting="Good day, this is a greeting of a few seconds."), watch=watch)
    assert read == [watch.tallies[0], Tally()]
    assert read[0].voice.utterances >= 1
    speaking, silent, over = waiting
    assert speaking.here_s > 0.5
    assert 0.1 < speaking.there_s <= 0.3
    assert silent == over == Waiting(0.0, 0.0)
