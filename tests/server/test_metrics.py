from __future__ import annotations

import asyncio

import pytest

from mediasrv.call.tally import Tally
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.hedge import Fate
from mediasrv.providers.meter import Use
from mediasrv.providers.witness import Outcome, ProviderRequest
from mediasrv.server.instruments import MAX_VALUES
from mediasrv.server.metrics import Metrics


async def test_what_was_told_is_rendered() -> None:
    metrics = Metrics()
    metrics.call_started()
    metrics.call_started()
    metrics.call_left()
    metrics.call_ended("caller hung up")
    metrics.refused("full")
    metrics.unknown_events(3)
    metrics.called_back("Hangup")
    metrics.loop_lagged(0.003)
    metrics.barged_in("call-1", 1.0)
    metrics.spent("call-1", "openai", Use.PROMPT_TOKENS, 40)
    metrics.spent("call-2", "openai", Use.PROMPT_TOKENS, 2)
    metrics.spent("call-1", "openai", Use.COMPLETION_TOKENS, 9)
    metrics.spent("call-1", "cartesia", Use.CHARACTERS, 120)
    metrics.spent("call-1", "deepgram", Use.AUDIO_S, 12.5)
    trace = TurnTrace(1, last_voice_s=10.0)
    metrics.turn_answered("call-1", trace)
    trace.reach("endpoint", 10.4)
    trace.reach("heard", 10.42)
    metrics.reply_prepared("call-1", 12, wasted=False)
    metrics.reply_prepared("call-1", 5, wasted=True)
    metrics.false_alarm("call-1", 1.0)
    metrics.detector_failed("call-1")
    metrics.looked_up("phrases", found=True)
    metrics.looked_up("shelf", found=False)
    metrics.fed(0.15)
    metrics.turn_answered("call-1", trace)
    lines = metrics.render().decode().splitlines()
    for line in (
        "mediasrv_live_calls 1.0",
        'mediasrv_calls_total{cause="caller hung up"} 1.0',
        'mediasrv_refused_total{reason="full"} 1.0',
        "mediasrv_unknown_events_total 3.0",
        'mediasrv_callbacks_total{event="Hangup"} 1.0',
        'mediasrv_loop_lag_seconds_bucket{le="0.005"} 1.0',
        "mediasrv_barge_ins_total 1.0",
        'mediasrv_prompt_tokens_total{provider="openai"} 42.0',
        'mediasrv_completion_tokens_total{provider="openai"} 9.0',
        'mediasrv_tts_characters_total{provider="cartesia"} 120.0',
        'mediasrv_stt_audio_seconds_total{provider="deepgram"} 12.5',
        "mediasrv_response_latency_seconds_count 1.0",
        'mediasrv_response_latency_seconds_bucket{le="0.4"} 0.0',
        'mediasrv_response_stage_seconds_count{stage="endpoint"} 1.0',
        'mediasrv_response_stage_seconds_bucket{le="0.02",stage="heard"} 1.0',
        'mediasrv_prepared_replies_total{outcome="wasted"} 1.0',
        'mediasrv_prepared_reply_tokens_total{outcome="used"} 12.0',
        "mediasrv_false_alarms_total 1.0",
        "mediasrv_detector_failures_total 1.0",
        'mediasrv_cache_lookups_total{cache="phrases",found="yes"} 1.0',
        'mediasrv_cache_lookups_total{cache="shelf",found="no"} 1.0',
        'mediasrv_least_lead_seconds_bucket{le="0.14"} 0.0',
        'mediasrv_least_lead_seconds_bucket{le="0.2"} 1.0',
        'mediasrv_response_latency_seconds_bucket{le="0.45"} 1.0',
    ):
        assert line in lines


async def test_a_label_has_no_end_of_values_but_a_bound() -> None:
    metrics = Metrics()
    for number in range(MAX_VALUES + 10):
        metrics.called_back(f"event {number}")
    metrics.called_back("event 0")
    text = metrics.render().decode()
    assert 'mediasrv_callbacks_total{event="other"} 10.0' in text
    assert 'mediasrv_callbacks_total{event="event 0"} 2.0' in text
    assert text.count("mediasrv_callbacks_total{") == MAX_VALUES + 1


@pytest.mark.parametrize("slice_s", [0.0, 60.0])
async def test_a_slice_at_a_time_it_is_the_same_text(slice_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediasrv.server.metrics.SLICE_S", slice_s)
    metrics = Metrics()
    metrics.refused("full")
    metrics.looked_up("phrases", found=True)
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    worker = asyncio.create_task(work())
    text = (await metrics.rendered()).decode()
    worker.cancel()
    families = text.count("# TYPE ")
    # Between two slices whoever has something to do has his turn, and not more often.
    assert families > 40
    assert turns == 0 if slice_s else turns > 40
    own = [line for line in text.splitlines() if not line.startswith("process_")]
    assert own == [line for line in metrics.render().decode().splitlines() if not line.startswith("process_")]


async def test_two_servers_in_a_process_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()
    first.refused("full")
    assert b'reason="full"' not in second.render()


async def test_a_calls_tally_and_the_fate_of_requests_are_counted() -> None:
    metrics = Metrics()
    metrics.tallied(
        "call-1", Tally(underruns=2, marks_lost=1, packets_lost=3, packets_late=4, packets_doubled=5, jitter_ms=12.0)
    )
    metrics.tallied("call-2", Tally(echo_delay_ms=240.0))
    metrics.requested("call-1", ProviderRequest("detector", "http", Outcome.ANSWERED, 1.0, 1.04, 1.04))
    metrics.requested("call-1", ProviderRequest("detector", "http", Outcome.FAILED, 1.0, None, 1.15))
    metrics.requested("call-1", ProviderRequest("llm", "openai", Outcome.ANSWERED, 1.0, 1.3, 2.0))
    for fate in (Fate.ANSWERED, Fate.ANSWERED, Fate.OVERTAKEN, Fate.FAILED):
        metrics.asked("llm", "openai", fate)
    metrics.loop_stalled(0.2)
    metrics.calls_lost(3)
    told = metrics.render().decode().splitlines()
    for line in (
        "mediasrv_playout_underruns_total 2.0",
        "mediasrv_marks_lost_total 1.0",
        'mediasrv_packets_missed_total{why="lost"} 3.0',
        'mediasrv_packets_missed_total{why="late"} 4.0',
        'mediasrv_packets_missed_total{why="double"} 5.0',
        "mediasrv_jitter_seconds_sum 0.012",
        'mediasrv_echo_delay_seconds_bucket{le="0.2"} 0.0',
        'mediasrv_echo_delay_seconds_bucket{le="0.25"} 1.0',
        'mediasrv_detector_seconds_bucket{le="0.05"} 1.0',
        "mediasrv_detector_seconds_count 1.0",
        'mediasrv_provider_requests_total{fate="answered",stage="llm"} 2.0',
        'mediasrv_provider_requests_total{fate="overtaken",stage="llm"} 1.0',
        'mediasrv_provider_failures_total{provider="openai"} 1.0',
        "mediasrv_loop_stalls_total 1.0",
        "mediasrv_fleet_lost_calls_total 3.0",
    ):
        assert line in told
