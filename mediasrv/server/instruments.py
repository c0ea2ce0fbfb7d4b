"""Instruments for Prometheus: counters whose labels are bounded, and all that turns are measured with.

A value that is not among the first ``MAX_VALUES`` of its label counts as ``other``, so that no stranger can grow the
process by naming things.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

MAX_VALUES = 32
"""Values of a label that are told apart."""

# Denser where the budget lies: 400 to 600 ms from the caller's last sample to ours.
_RESPONSE_BUCKETS_S = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0, 3.0, 5.0)
_STAGE_BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 2.0, 5.0)
_DETECTOR_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15)
_ECHO_BUCKETS_S = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
_JITTER_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


class BoundedCounter:
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


class TurnInstruments:
    """What is told of turns, and of the providers that make them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.barge_ins = Counter("mediasrv_barge_ins", "Times that a caller broke in.", registry=registry)
        self.response = Histogram(
            "mediasrv_response_latency_seconds",
            "From the caller's last voiced frame to the first sample of the answer that he heard.",
            buckets=_RESPONSE_BUCKETS_S,
            registry=registry,
        )
        self.stage = Histogram(
            "mediasrv_response_stage_seconds",
            "The parts of that, by what was waited for.",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        self.prepared = Counter(
            "mediasrv_prepared_replies", "Replies begun early, by outcome.", ["outcome"], registry=registry
        )
        self.prepared_tokens = Counter(
            "mediasrv_prepared_reply_tokens", "Pieces of text in them.", ["outcome"], registry=registry
        )
        self.false_alarms = Counter(
            "mediasrv_false_alarms", "Times that we went on after what was no barge-in.", registry=registry
        )
        self.detector_failures = Counter(
            "mediasrv_detector_failures", "Questions that a turn detector did not answer in time.", registry=registry
        )
        self.detector = Histogram(
            "mediasrv_detector_seconds",
            "How long a turn detector thought about a pause.",
            buckets=_DETECTOR_BUCKETS_S,
            registry=registry,
        )

        self.asked = Counter(
            "mediasrv_provider_requests",
            "Requests made of providers, by what became of them; those overtaken lost to a second request.",
            ["stage", "fate"],
            registry=registry,
        )
        self.provider_failures = BoundedCounter(
            "mediasrv_provider_failures", "Requests that failed, by provider.", "provider", registry
        )
        self.echo = Histogram(
            "mediasrv_echo_delay_seconds",
            "How long our voice took to come back, of calls that ended with an echo on the caller's line.",
            buckets=_ECHO_BUCKETS_S,
            registry=registry,
        )
        self.jitter = Histogram(
            "mediasrv_jitter_seconds",
            "Variation of the arrival of callers' packets, at the end of each call (RFC 3550).",
            buckets=_JITTER_BUCKETS_S,
            registry=registry,
        )
