"""What Prometheus is told; the only door to its library.

Labels are bounded: a value that is not among the first ``MAX_VALUES`` of its label counts as ``other``, so that no
stranger can grow the process by naming things.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from mediasrv.call.observer import Observer
from mediasrv.call.tally import Tally
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.hedge import Fate
from mediasrv.providers.meter import Use
from mediasrv.records.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what ``Metrics.render`` gives."""
MAX_VALUES = 32
"""Values of a label that are told apart."""

# Denser where the budget lies: 400 to 600 ms from the caller's last sample to ours.
_RESPONSE_BUCKETS_S = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0, 3.0, 5.0)
_STAGE_BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 2.0, 5.0)
_JITTER_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
# A stall of more than 20 ms is a bug.
_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


# What is paid for, under the name that is scraped.
_SPENT = {
    Use.PROMPT_TOKENS: ("prompt_tokens", "Tokens that models were shown, as they report it."),
    Use.COMPLETION_TOKENS: ("completion_tokens", "Tokens that models made, as they report it."),
    Use.CHARACTERS: ("tts_characters", "Characters that voices were given to speak."),
    Use.AUDIO_S: ("stt_audio_seconds", "Audio that recognisers were sent."),
}


class _Tally:
    """A counter with one bounded label."""

    def __init__(self, name: str, meaning: str, label: str, registry: CollectorRegistry) -> None:
        self._counter = Counter(name, meaning, [label], registry=registry)
        self._values: set[str] = set()

    def add(self, value: str, count: float = 1) -> None:
        if value not in self._values:
            if len(self._values) >= MAX_VALUES:
                value = "other"
            self._values.add(value)
        self._counter.labels(value).inc(count)


class Metrics(Observer):
    """The figures of one server; as an ``Observer`` it also hears what calls have to tell."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = _Tally("mediasrv_calls", "Calls that ended, by cause.", "cause", registry)
        self._refused = _Tally("mediasrv_refused", "Calls and sockets not let in, by reason.", "reason", registry)
        self._errors = _Tally(
            "mediasrv_remote_protocol_errors", "Carriers' messages that were skipped, by kind.", "kind", registry
        )
        self._callbacks = _Tally("mediasrv_callbacks", "Carriers' status callbacks, by event.", "event", registry)
        self._spent = {
            use: _Tally(f"mediasrv_{name}", meaning, "provider", registry) for use, (name, meaning) in _SPENT.items()
        }
        self._forbidden = _Tally("mediasrv_compliance_refusals", "Calls not made, by rule.", "rule", registry)
        self._live = Gauge("mediasrv_live_calls", "Calls with an open stream.", registry=registry)
        self._unknown = Counter("mediasrv_unknown_events", "Carriers' messages of unknown kinds.", registry=registry)
        self._watch_turns(registry)
        self._watch_server(registry)

    def _watch_turns(self, registry: CollectorRegistry) -> None:
        self._barge_ins = Counter("mediasrv_barge_ins", "Times that a caller broke in.", registry=registry)
        self._response = Histogram(
            "mediasrv_response_latency_seconds",
            "From the caller's last voiced frame to the first sample of the answer that he heard.",
            buckets=_RESPONSE_BUCKETS_S,
            registry=registry,
        )
        self._stage = Histogram(
            "mediasrv_response_stage_seconds",
            "The parts of that, by what was waited for.",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        self._prepared = Counter(
            "mediasrv_prepared_replies", "Replies begun early, by outcome.", ["outcome"], registry=registry
        )
        self._prepared_tokens = Counter(
            "mediasrv_prepared_reply_tokens", "Pieces of text in them.", ["outcome"], registry=registry
        )
        self._false_alarms = Counter(
            "mediasrv_false_alarms", "Times that we went on after what was no barge-in.", registry=registry
        )
        self._detector_failures = Counter(
            "mediasrv_detector_failures", "Questions that a turn detector did not answer in time.", registry=registry
        )

        self._asked = Counter(
            "mediasrv_provider_requests",
            "Requests made of providers, by what became of them; those overtaken lost to a second request.",
            ["stage", "fate"],
            registry=registry,
        )
        self._provider_failures = _Tally(
            "mediasrv_provider_failures", "Requests that failed, by provider.", "provider", registry
        )
        self._underruns = Counter(
            "mediasrv_playout_underruns", "Times that a caller's ear ran dry within an utterance.", registry=registry
        )
        self._marks_lost = Counter("mediasrv_marks_lost", "Marks that carriers never returned.", registry=registry)
        self._packets = Counter(
            "mediasrv_packets_missed", "Callers' packets that were no use, by why.", ["why"], registry=registry
        )
        self._jitter = Histogram(
            "mediasrv_jitter_seconds",
            "Variation of the arrival of callers' packets, at the end of each call (RFC 3550).",
            buckets=_JITTER_BUCKETS_S,
            registry=registry,
        )

    def _watch_server(self, registry: CollectorRegistry) -> None:
        self._left_out = _Tally(
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

    def loop_stalled(self, lasted_s: float) -> None:
        """The loop stood still for so long that it was looked at what it did."""
        self._stalls.inc()

    def calls_lost(self, count: int) -> None:
        """Calls died with another server of the fleet."""
        self._fleet_lost.inc(count)

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        self._spent[use].add(provider, amount)

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        if trace.response_ms is not None:
            self._response.observe(trace.response_ms / 1000)
            for stage in trace.waterfall():
                self._stage.labels(stage.name).observe((stage.end_ms - stage.start_ms) / 1000)

    def asked(self, stage: str, provider: str, fate: Fate) -> None:
        self._asked.labels(stage, fate.value).inc()
        if fate is Fate.FAILED:
            self._provider_failures.add(provider)

    def tallied(self, call_id: str, tally: Tally) -> None:
        self._underruns.inc(tally.underruns)
        self._marks_lost.inc(tally.marks_lost)
        for why, count in (
            ("lost", tally.packets_lost),
            ("late", tally.packets_late),
            ("double", tally.packets_doubled),
        ):
            self._packets.labels(why).inc(count)
        self._jitter.observe(tally.jitter_ms / 1000)

    def reply_prepared(self, call_id: str, tokens: int, *, wasted: bool) -> None:
        outcome = "wasted" if wasted else "used"
        self._prepared.labels(outcome).inc()
        self._prepared_tokens.labels(outcome).inc(tokens)

    def false_alarm(self, call_id: str, now: float) -> None:
        self._false_alarms.inc()

    def detector_failed(self, call_id: str) -> None:
        self._detector_failures.inc()

    def barged_in(self, call_id: str, now: float) -> None:
        self._barge_ins.inc()
