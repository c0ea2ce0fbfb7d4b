"""Figures that are read off live calls: real ears and ledgers, as a call would have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.figures import Figures
from mediasrv.call.observer import Observer
from mediasrv.call.tally import Tally
from mediasrv.providers.base import Recognition, Transcript
from mediasrv.server.metrics import Metrics
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.events import MediaReceived


class Parts:
    """What a call's figures are read off."""

    def __init__(self) -> None:
        self.ear = Ear(MULAW_8K, Effort(Observer()))
        self.ledger, self.outcomes = PlayoutLedger(MULAW_8K), Outcomes()
        self.figures = Figures(self.ear, self.ledger, self.outcomes)

    def lose_packets(self, count: int) -> None:
        now = asyncio.get_running_loop().time()
        self.ear.hear(MediaReceived(bytes(160), 1), now)
        self.ear.hear(MediaReceived(bytes(160), 2 + count), now + 0.02)


def told(metrics: Metrics) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in metrics.render().decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


LOST, UNDERRUNS = 'mediasrv_packets_missed_total{why="lost"}', "mediasrv_playout_underruns_total"


async def test_what_live_calls_count_is_told_before_they_are_over() -> None:
    metrics, calls = Metrics(), [Parts(), Parts()]
    metrics.census.calls = lambda: [call.figures for call in calls]
    assert told(metrics)[LOST] == told(metrics)[UNDERRUNS] == 0
    calls[0].lose_packets(3)
    calls[1].lose_packets(2)
    calls[0].outcomes.late_finals = 4
    assert told(metrics)[LOST] == 5
    assert told(metrics)['mediasrv_voice_outcomes_total{outcome="late finals"}'] == 4


async def test_the_end_of_a_call_changes_no_sum() -> None:
    metrics, call = Metrics(), Parts()
    metrics.census.calls = lambda: [call.figures]
    call.lose_packets(3)
    assert told(metrics)[LOST] == 3
    metrics.tallied("call-1", call.figures.close())
    assert told(metrics)[LOST] == 3
    metrics.census.calls = tuple
    assert told(metrics)[LOST] == 3


async def test_a_call_that_is_between_two_lists_makes_no_sum_go_back() -> None:
    metrics, call = Metrics(), Parts()
    metrics.census.calls = lambda: [call.figures]
    call.lose_packets(3)
    assert told(metrics)[LOST] == 3
    metrics.census.calls = tuple
    assert told(metrics)[LOST] == 3
    metrics.tallied("call-1", call.figures.close())
    metrics.tallied("call-2", Tally(packets_lost=1))
    assert told(metrics)[LOST] == 4


async def test_audio_on_its_way_is_told_by_where_it_waits() -> None:
    metrics, call = Metrics(), Parts()
    metrics.census.calls = lambda: [call.figures]
    number = call.ledger.open()
    call.ledger.queue(number, bytes(8000), "a second")
    call.ledger.due(asyncio.get_running_loop().time())
    waiting = told(metrics)
    here, there = (waiting[f'mediasrv_playout_waiting_seconds{{place="{place}"}}'] for place in ("here", "carrier"))
    assert 0 < here < 1
    assert 0 < there < 1 - here + 1e-6


class Slow(Recognition):
    """Has not been given so much yet."""

    def __init__(self, unsent_s: float) -> None:
        self.unsent_s = unsent_s

    def send(self, payload: bytes) -> None: ...

    def finalize(self, request: int) -> None: ...

    def commit(self) -> None: ...

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        return
        yield


async def test_audio_that_waits_for_recognisers_is_told_of_all_and_of_the_worst() -> None:
    metrics, calls = Metrics(), [Parts(), Parts(), Parts()]
    metrics.census.calls = lambda: [call.figures for call in calls]
    all_of_it, of_one = (f'mediasrv_recognition_waiting_seconds{{of="{of}"}}' for of in ("all", "one"))
    assert (told(metrics)[all_of_it], told(metrics)[of_one]) == (0, 0)
    for call, unsent_s in zip(calls, (0.5, 2.0), strict=False):
        hearing = SimpleNamespace(formats=(MULAW_8K,), listen=lambda _, unsent_s=unsent_s: Slow(unsent_s))
        call.ear.listen(cast(Any, hearing), lambda *verdict: None)
    assert (told(metrics)[all_of_it], told(metrics)[of_one]) == (2.5, 2.0)
    calls[1].figures.close()
    assert told(metrics)[all_of_it] == 0.5


async def test_a_queue_is_as_long_as_it_is_just_now() -> None:
    metrics, waiting = Metrics(), [1, 2, 3]
    metrics.census.watch("records", lambda: len(waiting))
    metrics.census.watch_bytes("recordings", lambda: 1000 * len(waiting))
    assert told(metrics)['mediasrv_queue_length{queue="records"}'] == 3
    waiting.clear()
    assert told(metrics)['mediasrv_queue_bytes{queue="recordings"}'] == 0


async def test_three_hundred_calls_are_counted_together() -> None:
    metrics, calls = Metrics(), [Parts() for _ in range(300)]
    metrics.census.calls = lambda: [call.figures for call in calls]
    for call in calls:
        call.lose_packets(1)
    assert f"{LOST} 300.0" in (await metrics.rendered()).decode()
