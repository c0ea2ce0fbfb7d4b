"""The census: figures that are read off what lives when somebody asks, so that nothing is spent on them in between.

What is counted of calls goes on to be counted when they are over; no such sum ever goes back. Queues are as long as
they are just now.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mediasrv.call.figures import Figures
from mediasrv.call.tally import Tally
from mediasrv.turn.outcomes import Outcomes

_Key = tuple[str, str]
"""A counter, and the value of its label."""
_Depth = Callable[[], float]

_COUNTED = {
    "mediasrv_playout_underruns": ("Times that a caller's ear ran dry within an utterance.", ""),
    "mediasrv_marks_lost": ("Marks that carriers never returned.", ""),
    "mediasrv_packets_missed": ("Callers' packets that were no use, by why.", "why"),
    "mediasrv_voice_outcomes": ("What came of callers' voices.", "outcome"),
}
_VOICE = "mediasrv_voice_outcomes"
_OUTCOMES = [(each.name, (_VOICE, each.name.replace("_", " "))) for each in fields(Outcomes)]


class Census(Collector):
    """Of one server; ``calls`` gives those that are live."""

    def __init__(self) -> None:
        self.calls: Callable[[], Iterable[Figures]] = tuple
        self._over: Counter[_Key] = Counter()
        self._told: dict[_Key, int] = dict.fromkeys(_counts_of(Tally()), 0)
        self._queues: dict[str, _Depth] = {}
        self._byte_queues: dict[str, _Depth] = {}

    def add(self, tally: Tally) -> None:
        """A call is over."""
        self._over.update(_counts_of(tally))

    def watch(self, queue: str, length: _Depth) -> None:
        """Tell how many wait in a queue."""
        self._queues[queue] = length

    def watch_bytes(self, queue: str, waiting_bytes: _Depth) -> None:
        """Tell how many bytes do."""
        self._byte_queues[queue] = waiting_bytes

    def collect(self) -> Iterator[Metric]:
        """As the library asks for them."""
        live = list(self.calls())
        yield from self._counters(live)
        yield _playout(live)
        yield _recognition(live)
        lengths = GaugeMetricFamily("mediasrv_queue_length", "What waits, by where.", labels=["queue"])
        for queue, depth in self._queues.items():
            lengths.add_metric([queue], depth())
        yield lengths
        sizes = GaugeMetricFamily("mediasrv_queue_bytes", "What waits for the disk, by for what.", labels=["queue"])
        for queue, depth in self._byte_queues.items():
            sizes.add_metric([queue], depth())
        yield sizes

    def _counters(self, live: Iterable[Figures]) -> Iterator[Metric]:
        counts = self._over.copy()
        for call in live:
            counts.update(_counts_of(call.tally()))
        # A call that leaves has told what it came to, or is about to: meanwhile its counts must not seem to go back.
        self._told = {key: max(told, counts[key]) for key, told in self._told.items()}
        for name, (meaning, label) in _COUNTED.items():
            family = CounterMetricFamily(name, meaning, labels=[label] if label else [])
            for (counter, value), count in self._told.items():
                if counter == name:
                    family.add_metric([value] if label else [], count)
            yield family


def _counts_of(tally: Tally) -> dict[_Key, int]:
    voice = tally.voice
    return {
        ("mediasrv_playout_underruns", ""): tally.underruns,
        ("mediasrv_marks_lost", ""): tally.marks_lost,
        ("mediasrv_packets_missed", "lost"): tally.packets_lost,
        ("mediasrv_packets_missed", "late"): tally.packets_late,
        ("mediasrv_packets_missed", "double"): tally.packets_doubled,
        (_VOICE, "echoes"): tally.echoes,
        **{key: getattr(voice, name) for name, key in _OUTCOMES},
    }


def _playout(live: Sequence[Figures]) -> Metric:
    now = asyncio.get_running_loop().time() if live else 0.0
    waiting = [call.waiting(now) for call in live]
    family = GaugeMetricFamily(
        "mediasrv_playout_waiting_seconds",
        "The bots' audio that callers have not heard: made and still here, or sent and at the carrier.",
        labels=["place"],
    )
    family.add_metric(["here"], sum(each.here_s for each in waiting))
    family.add_metric(["carrier"], sum(each.there_s for each in waiting))
    return family


def _recognition(live: Sequence[Figures]) -> Metric:
    waiting = [call.unsent_s() for call in live]
    family = GaugeMetricFamily(
        "mediasrv_recognition_waiting_seconds",
        "Callers' audio that recognisers have not been given: of all calls, and of the one that waits longest.",
        labels=["of"],
    )
    family.add_metric(["all"], sum(waiting))
    family.add_metric(["one"], max(waiting, default=0.0))
    return family
