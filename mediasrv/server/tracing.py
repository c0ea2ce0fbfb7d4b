"""Calls as OpenTelemetry traces: a span a call, in it one a turn, with one for each stage of the answer, and one for
each request of a provider: a recogniser's session, a model's reply, a voice's speech.

The only door to its library. Spans are made when their ends are known, with the times that the call noted, and handed
to the library's own thread, which sends them; the event loop waits for nothing. They carry ids, agents, causes and
durations: no words and no numbers of telephones.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.meter import Use
from mediasrv.providers.witness import Outcome, ProviderRequest

_EXPORT_WITHIN_S = 5.0
_SHUTDOWN_MS = 5000
# Calls that ended in no harm; the others' spans are marked as errors.
_ERRORS = frozenset({"internal error", "cancelled"})
# Who works in a stage, in the words that dashboards group by.
_PROVIDER_OF = {"final": "stt", "first_token": "llm", "first_phrase": "llm", "first_audio": "tts"}


@dataclass(slots=True)
class _Open:
    span: Span
    turns: int = 0
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class Tracing(Observer):
    """Observes the calls of one process."""

    def __init__(self, exporter: SpanExporter, service_name: str = "mediasrv") -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mediasrv")
        self._open: dict[str, _Open] = {}

    @classmethod
    def over_http(cls, endpoint: str, service_name: str) -> Tracing:
        """Send to a collector, OTLP over HTTP; the library's own environment variables add headers and the like."""
        return cls(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_WITHIN_S), service_name)

    def aclose(self) -> None:
        """Send what is left; takes seconds at most, so not on the event loop."""
        self._provider.force_flush(_SHUTDOWN_MS)
        self._provider.shutdown()

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        about = {
            "call.id": call_id,
            "call.stream": stream_id,
            "call.agent": agent,
            "call.carrier": details.carrier,
            "call.direction": details.direction,
        }
        self.ended(call_id, "another stream")
        self._open[call_id] = _Open(self._tracer.start_span("call", attributes=about, start_time=time.time_ns()))

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        call = self._open.get(call_id)
        if call is None or trace.response_ms is None:
            return
        begun_ns = _epoch_ns(trace.last_voice_s)
        within = set_span_in_context(call.span)
        about = {"turn.number": trace.turn, "turn.response_ms": round(trace.response_ms), "turn.tokens": trace.tokens}
        turn = self._tracer.start_span("turn", within, attributes=about, start_time=begun_ns)
        inside = set_span_in_context(turn)
        for stage in trace.waterfall():
            about_stage: dict[str, str | float] = {"stage.meaning": stage.meaning}
            if stage.name in _PROVIDER_OF:
                about_stage["provider.stage"] = _PROVIDER_OF[stage.name]
            if stage.ahead_ms is not None:
                about_stage["stage.ahead_ms"] = round(stage.ahead_ms[1] - stage.ahead_ms[0], 1)
            span = self._tracer.start_span(
                stage.name, inside, attributes=about_stage, start_time=begun_ns + _ns(stage.start_ms)
            )
            span.end(begun_ns + _ns(stage.end_ms))
        turn.end(begun_ns + _ns(trace.response_ms))
        call.turns += 1

    def requested(self, call_id: str, request: ProviderRequest) -> None:
        call = self._open.get(call_id)
        if call is None:
            return
        about: dict[str, str | float] = {
            "provider.stage": request.stage,
            "provider.name": request.provider,
            "provider.outcome": request.outcome.value,
        }
        if request.first_s is not None:
            about["provider.first_ms"] = round(1000 * (request.first_s - request.began_s), 1)
        within = set_span_in_context(call.span)
        began_ns, ended_ns = _epoch_ns(request.began_s), _epoch_ns(request.ended_s)
        span = self._tracer.start_span(f"{request.stage} request", within, attributes=about, start_time=began_ns)
        if request.outcome is Outcome.FAILED:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)

    def barged_in(self, call_id: str, now: float) -> None:
        self._note(call_id, "barge-in", now)

    def false_alarm(self, call_id: str, now: float) -> None:
        self._note(call_id, "false alarm", now)

    def _note(self, call_id: str, event: str, now: float) -> None:
        if call_id in self._open:
            self._open[call_id].span.add_event(event, timestamp=_epoch_ns(now))

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        if call_id in self._open:
            self._open[call_id].spent[f"spent.{provider}.{use.value}"] += amount

    def ended(self, call_id: str, cause: str) -> None:
        call = self._open.pop(call_id, None)
        if call is not None:
            call.span.set_attributes({"call.cause": cause, "call.turns": call.turns, **call.spent})
            if cause in _ERRORS:
                call.span.set_status(Status(StatusCode.ERROR, cause))
            call.span.end(time.time_ns())


def _epoch_ns(loop_s: float) -> int:
    """A moment of the event loop's clock, as spans have it."""
    return time.time_ns() + round((loop_s - asyncio.get_running_loop().time()) * 1e9)


def _ns(duration_ms: float) -> int:
    return round(duration_ms * 1e6)
