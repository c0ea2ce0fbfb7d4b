from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mediasrv.call.link import CallDetails
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.meter import Use
from mediasrv.providers.witness import Outcome, ProviderRequest
from mediasrv.server.tracing import Tracing
from tests.patience import WAIT_S

NUMBER = "+919876543210"
DETAILS = CallDetails("plivo", from_number=NUMBER, to_number=NUMBER, body={"name": "Asha"})


def turn_at(now: float, turn: int = 1) -> TurnTrace:
    """A turn that was answered a moment ago."""
    trace = TurnTrace(turn, last_voice_s=now - 0.6, begun_s=now - 0.5, tokens=5)
    for stage, ago_s in (("endpoint", 0.2), ("final", 0.4), ("first_token", 0.3), ("first_audio", 0.15), ("sent", 0.1)):
        trace.reach(stage, now - ago_s)
    trace.reach("heard", now - 0.05)
    return trace


def a_call(tracing: Tracing, now: float, cause: str = "caller hung up") -> None:
    tracing.began("call-1", "stream-1", "sales", DETAILS)
    tracing.turn_answered("call-1", turn_at(now))
    tracing.barged_in("call-1", now)
    tracing.false_alarm("call-1", now)
    tracing.spent("call-1", "openai", Use.PROMPT_TOKENS, 20)
    tracing.spent("call-1", "openai", Use.PROMPT_TOKENS, 22)
    tracing.said("call-1", "caller", "my secret", now)
    tracing.ended("call-1", cause)


async def spans_of(play: Callable[[Tracing, float], None]) -> dict[str, ReadableSpan]:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter)
    play(tracing, asyncio.get_running_loop().time())
    tracing.aclose()
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_a_call_holds_its_turns_and_a_turn_its_stages() -> None:
    spans = await spans_of(a_call)
    call, turn = spans["call"], spans["turn"]
    assert turn.parent is not None
    assert call.context is not None
    assert turn.context is not None
    assert turn.parent.span_id == call.context.span_id
    stages = {name: span for name, span in spans.items() if name not in ("call", "turn")}
    assert set(stages) == {"endpoint", "final", "first_token", "first_audio", "sent", "heard"}
    assert {span.parent.span_id for span in stages.values() if span.parent} == {turn.context.span_id}
    lasted_ns = sum((span.end_time or 0) - (span.start_time or 0) for span in stages.values())
    assert lasted_ns == pytest.approx((turn.end_time or 0) - (turn.start_time or 0), abs=10_000)
    assert stages["first_token"].attributes is not None
    assert stages["first_token"].attributes["provider.stage"] == "llm"


async def test_spans_lie_where_the_clock_on_the_wall_was() -> None:
    turn = (await spans_of(a_call))["turn"]
    assert turn.end_time == pytest.approx(time.time_ns() - 50e6, abs=2e9)
    assert (turn.end_time or 0) - (turn.start_time or 0) == pytest.approx(550e6, abs=1e6)


async def test_a_call_tells_its_cause_its_events_and_what_it_cost() -> None:
    call = (await spans_of(a_call))["call"]
    assert call.attributes is not None
    assert call.attributes["call.agent"] == "sales"
    assert call.attributes["call.cause"] == "caller hung up"
    assert call.attributes["call.turns"] == 1
    assert call.attributes["spent.openai.prompt_tokens"] == 42
    assert [event.name for event in call.events] == ["barge-in", "false alarm"]
    assert call.status.is_ok


async def test_a_request_of_a_provider_lies_in_its_call_with_its_outcome_and_its_first_answer() -> None:
    def play(tracing: Tracing, now: float) -> None:
        tracing.requested("gone", ProviderRequest("llm", "openai", Outcome.ANSWERED, now - 1, now, now))
        tracing.began("call-1", "stream-1", "sales", DETAILS)
        tracing.requested("call-1", ProviderRequest("llm", "openai", Outcome.CUT, now - 0.5, now - 0.3, now))
        tracing.requested("call-1", ProviderRequest("tts", "aura", Outcome.FAILED, now - 0.5, None, now))
        tracing.ended("call-1", "caller hung up")

    spans = await spans_of(play)
    assert set(spans) == {"call", "llm request", "tts request"}
    llm, tts = spans["llm request"], spans["tts request"]
    assert llm.attributes is not None
    assert tts.attributes is not None
    about = {"stage": "llm", "name": "openai", "outcome": "cut", "first_ms": 200.0}
    assert dict(llm.attributes) == {f"provider.{name}": value for name, value in about.items()}
    assert "provider.first_ms" not in tts.attributes
    assert (llm.status.is_ok, tts.status.is_ok) == (True, False)
    assert (llm.end_time or 0) - (llm.start_time or 0) == pytest.approx(500e6, abs=1e6)
    assert llm.parent is not None
    assert spans["call"].context is not None
    assert llm.parent.span_id == spans["call"].context.span_id


async def test_no_word_and_no_number_is_in_a_span() -> None:
    told = " ".join(span.to_json() for span in (await spans_of(a_call)).values())
    for secret in ("secret", "Asha", NUMBER, NUMBER[1:]):
        assert secret not in told


async def test_a_call_that_failed_is_an_error() -> None:
    spans = await spans_of(lambda tracing, now: a_call(tracing, now, "internal error"))
    assert not spans["call"].status.is_ok


async def test_what_is_told_of_no_open_call_is_let_be() -> None:
    def play(tracing: Tracing, now: float) -> None:
        tracing.turn_answered("gone", turn_at(now))
        tracing.barged_in("gone", now)
        tracing.spent("", "openai", Use.CHARACTERS, 1)
        tracing.ended("gone", "caller hung up")
        tracing.began("call-1", "stream-1", "sales", DETAILS)
        tracing.turn_answered("call-1", TurnTrace(1))
        tracing.ended("call-1", "caller hung up")

    assert set(await spans_of(play)) == {"call"}


async def test_a_call_that_comes_back_has_a_span_for_each_of_its_streams() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter)
    for stream in ("stream-1", "stream-2"):
        tracing.began("call-1", stream, "sales", DETAILS)
    tracing.ended("call-1", "caller hung up")
    tracing.aclose()
    streams = [span.attributes["call.stream"] for span in exporter.get_finished_spans() if span.attributes]
    assert streams == ["stream-1", "stream-2"]


async def test_a_collector_gets_them_over_http() -> None:
    got: list[str] = []

    async def take(request: web.Request) -> web.Response:
        export = ExportTraceServiceRequest.FromString(await request.read())
        for resource in export.resource_spans:
            assert resource.resource.attributes
            got.extend(span.name for scope in resource.scope_spans for span in scope.spans)
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        tracing = Tracing.over_http(f"http://127.0.0.1:{port}/v1/traces", "mediasrv")
        a_call(tracing, asyncio.get_running_loop().time())
        async with asyncio.timeout(WAIT_S):
            await asyncio.to_thread(tracing.aclose)
    finally:
        await runner.cleanup()
    assert got.count("call") == 1
    assert got.count("turn") == 1
