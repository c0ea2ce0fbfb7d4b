"""What Prometheus is told: as an observer of calls, and by the rest of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import Metric

from mediasrv.call.observer import Observer
from mediasrv.call.tally import Tally
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.hedge import Fate
from mediasrv.providers.meter import Use
from mediasrv.providers.witness import ProviderRequest
from mediasrv.records.database import Database
from mediasrv.server.census import Census
from mediasrv.server.instruments import BoundedCounter, TurnInstruments

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what ``Metrics.render`` gives."""
_LEAD_BUCKETS_S = (0.0, 0.02, 0.04, 0.06, 0.1, 0.14, 0.2, 0.4)
# A stall of more than 20 ms is a bug.
_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
SLICE_S = 0.001
"""As long as figures are rendered at a stretch: each pause between is a round of the loop, long on a busy one."""


# What is paid for, under the name that is scraped.
_SPENT = {
    Use.PROMPT_TOKENS: ("prompt_tokens", "Tokens that models were shown, as they report it."),
    Use.COMPLETION_TOKENS: ("completion_tokens", "Tokens that models made, as they report it."),
    Use.CHARACTERS: ("tts_characters", "Characters that voices were given to speak."),
    Use.AUDIO_S: ("stt_audio_seconds", "Audio that recognisers were sent."),
}


class _One:
    """What the library renders in the place of a registry."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


class Metrics(Observer):
    """The figures of one server; as an ``Observer`` it also hears what calls have to tell."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = BoundedCounter("mediasrv_calls", "Calls that ended, by cause.", "cause", registry)
        self._refused = BoundedCounter(
            "mediasrv_refused", "Calls and sockets not let in, by reason.", "reason", registry
        )
        self._errors = BoundedCounter(
            "mediasrv_remote_protocol_errors", "Carriers' messages that were skipped, by kind.", "kind", registry
        )
        self._callbacks = BoundedCounter(
            "mediasrv_callbacks", "Carriers' status callbacks, by event.", "event", registry
        )
        self._spent = {
            use: BoundedCounter(f"mediasrv_{name}", meaning, "provider", registry)
            for use, (name, meaning) in _SPENT.items()
        }
        self._forbidden = BoundedCounter("mediasrv_compliance_refusals", "Calls not made, by rule.", "rule", registry)
        self._live = Gauge("mediasrv_live_calls", "Calls with an open stream.", registry=registry)
        self._unknown = Counter("mediasrv_unknown_events", "Carriers' messages of unknown kinds.", registry=registry)
        self.census = Census()
        """What is read off calls and queues."""
        registry.register(self.census)
        self._turns = TurnInstruments(registry)
        self._watch_server(registry)

    def _watch_server(self, registry: CollectorRegistry) -> None:
        self._left_out = BoundedCounter(
            "mediasrv_left_out", "Times that work was left out under load, by kind.", "work", registry
        )
        self._level = Gauge(
            "mediasrv_load_level",
            "0: fit; 1: no speculation; 2: nothing that can be left out; 3: no new call.",
            registry=registry,
        )
        self._records_lost = Gauge("mediasrv_records_lost", "Notes for records that were dropped.", registry=registry)
        self._records_troubled = Gauge(
            "mediasrv_records_troubled", "Whether records cannot be written just now.", registry=registry
        )
        self._lead = Histogram(
            "mediasrv_least_lead_seconds",
            "What the worst fed carrier still had to play when more of an utterance came; below 0 it ran dry.",
            buckets=_LEAD_BUCKETS_S,
            registry=registry,
        )
        self._lookups = Counter(
            "mediasrv_cache_lookups",
            "Speech that was wanted, and was or was not there.",
            ["cache", "found"],
            registry=registry,
        )
        self._recordings_troubled = Gauge(
            "mediasrv_recordings_troubled", "Whether recordings or captures cannot be written.", registry=registry
        )
        self._lag = Histogram(
            "mediasrv_loop_lag_seconds",
            "How late the event loop ran a timer.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self._fleet_lost = Counter(
            "mediasrv_fleet_lost_calls", "Calls that died with other servers of the fleet.", registry=registry
        )
        self._stalls = Counter(
            "mediasrv_loop_stalls", "Stalls of the event loop whose stack was taken.", registry=registry
        )

    def render(self) -> bytes:
        """All figures in the Prometheus text format."""
        return generate_latest(self._registry)

    def watch_records(self, database: Database) -> None:
        """Tell how the records are."""
        self._records_lost.set_function(lambda: database.lost)
        self._records_troubled.set_function(lambda: bool(database.trouble))
        self.census.watch("records", lambda: database.waiting)

    async def rendered(self) -> bytes:
        """The same, a slice at a time: whoever has a frame to send needs not wait for the whole."""
        parts, until_s = [], time.perf_counter() + SLICE_S
        for family in self._registry.collect():
            parts.append(generate_latest(cast(CollectorRegistry, _One(family))))
            if time.perf_counter() >= until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + SLICE_S
        return b"".join(parts)

    def watch_recordings(self, are_troubled: Callable[[], bool]) -> None:
        """Tell how recordings and captures are."""
        self._recordings_troubled.set_function(are_troubled)

    def call_started(self) -> None:
        """A stream opened its call."""
        self._live.inc()

    def call_left(self) -> None:
        """A call's stream is over."""
        self._live.dec()

    def call_ended(self, cause: str) -> None:
        """A call came to its end, all clearing up included."""
        self._calls.add(cause)

    def refused(self, reason: str) -> None:
        """A call or a socket was not let in."""
        self._refused.add(reason)

    def call_forbidden(self, rule: str) -> None:
        """A call of ours was not made, because a rule of calling out forbids it."""
        self._forbidden.add(rule)

    def remote_error(self, kind: str) -> None:
        """A carrier broke its protocol."""
        self._errors.add(kind)

    def unknown_events(self, count: int) -> None:
        """Messages of one stream that were of no kind we know."""
        self._unknown.inc(count)

    def called_back(self, event: str) -> None:
        """A carrier told about a call over HTTP."""
        self._callbacks.add(event)

    def load_level(self, level: int) -> None:
        """The load is such that so much is left out, see ``Level``."""
        self._level.set(level)

    def left_out(self, work: str) -> None:
        self._left_out.add(work)

    def loop_lagged(self, lag_s: float) -> None:
        """A timer ran late by this much."""
        self._lag.observe(lag_s)

    def fed(self, least_lead_s: float) -> None:
        """Carriers were brought more of what is said, when one of them had no more than this left."""
        self._lead.observe(least_lead_s)

    def loop_stalled(self, lasted_s: float) -> None:
        """The loop stood still for so long that it was looked at what it did."""
        self._stalls.inc()

    def calls_lost(self, count: int) -> None:
        """Calls died with another server of the fleet."""
        self._fleet_lost.inc(count)

    def looked_up(self, cache: str, *, found: bool) -> None:
        self._lookups.labels(cache, "yes" if found else "no").inc()

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        self._spent[use].add(provider, amount)

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        if trace.response_ms is not None:
            self._turns.response.observe(trace.response_ms / 1000)
            for stage in trace.waterfall():
                self._turns.stage.labels(stage.name).observe((stage.end_ms - stage.start_ms) / 1000)

    def asked(self, stage: str, provider: str, fate: Fate) -> None:
        self._turns.asked.labels(stage, fate.value).inc()
        if fate is Fate.FAILED:
            self._turns.provider_failures.add(provider)

    def requested(self, call_id: str, request: ProviderRequest) -> None:
        if request.stage == "detector" and request.first_s is not None:
            self._turns.detector.observe(request.first_s - request.began_s)

    def tallied(self, call_id: str, tally: Tally) -> None:
        self.census.add(tally)
        self._turns.jitter.observe(tally.jitter_ms / 1000)
        if tally.echo_delay_ms is not None:
            self._turns.echo.observe(tally.echo_delay_ms / 1000)

    def reply_prepared(self, call_id: str, tokens: int, *, wasted: bool) -> None:
        outcome = "wasted" if wasted else "used"
        self._turns.prepared.labels(outcome).inc()
        self._turns.prepared_tokens.labels(outcome).inc(tokens)

    def false_alarm(self, call_id: str, now: float) -> None:
        self._turns.false_alarms.inc()

    def detector_failed(self, call_id: str) -> None:
        self._turns.detector_failures.inc()

    def barged_in(self, call_id: str, now: float) -> None:
        self._turns.barge_ins.inc()
