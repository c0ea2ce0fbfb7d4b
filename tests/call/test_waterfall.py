"""Where the time of an answer went: in whole calls, the parts add up to what the caller's ear had to wait."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from mediasrv.call.options import FallbackOptions
from mediasrv.call.trace import STAGES, TurnTrace
from tests.call.stage import Stage, agent_options, patience, perform

TOLERANCE_MS = 5
FILLER = "One moment, please."
FILLER_SAMPLES = len(FILLER) * 50 * 8

SPECULATES: dict[str, Any] = {}
WAITS: dict[str, Any] = {"turn": patience(speculation=False)}
FILLS: dict[str, Any] = {
    "llm": {"first_token_ms": 2600},
    "fallback": FallbackOptions(
        fillers=(FILLER,), filler_after_ms=1500, first_token_min_ms=4000, first_token_max_ms=4000
    ),
}


async def one_turn(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(8)


def answered(caplog: pytest.LogCaptureFixture, way_s: float, **options: Any) -> tuple[Stage, TurnTrace, dict[str, Any]]:
    """A call with one turn, its trace and its line on the log."""
    caplog.set_level(logging.INFO)
    stage = perform(one_turn, agent_options(**options), way_s=way_s)
    (trace,) = stage.watch.traces
    (record,) = [each for each in caplog.records if each.getMessage() == "turn answered"]
    return stage, trace, vars(record)


@pytest.mark.parametrize("way_s", [0.0, 0.08], ids=["next door", "80 ms away"])
@pytest.mark.parametrize(
    ("options", "ahead"),
    [(SPECULATES, 0), (WAITS, 0), (FILLS, FILLER_SAMPLES), (WAITS | FILLS, FILLER_SAMPLES)],
    ids=["speculating", "waiting", "speculating behind a filler", "waiting behind a filler"],
)
def test_the_parts_on_the_log_add_up_to_what_the_ear_waited_for(
    caplog: pytest.LogCaptureFixture, options: dict[str, Any], ahead: int, way_s: float
) -> None:
    stage, trace, facts = answered(caplog, way_s, **options)
    ear_s = stage.heard_from(trace.last_voice_s, ahead)
    # From the arrival of his voice here to the news that he heard us: the way there and back, as he waits for it too.
    waited_ms = (ear_s + way_s - trace.last_voice_s) * 1000
    parts_ms = [facts[f"{name}_ms"] for name, _ in STAGES]
    assert sum(parts_ms) == pytest.approx(waited_ms, abs=TOLERANCE_MS)
    assert facts["ms"] == pytest.approx(waited_ms, abs=TOLERANCE_MS)
    assert min(parts_ms) >= 0


def test_the_way_to_the_carrier_and_back_is_a_part_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    _, _, facts = answered(caplog, 0.08, **WAITS)
    assert facts["first_audio_ms"] == pytest.approx(80, abs=TOLERANCE_MS)
    assert facts["sent_ms"] == pytest.approx(0, abs=TOLERANCE_MS)
    assert facts["heard_ms"] == pytest.approx(160, abs=TOLERANCE_MS)


def test_what_was_done_before_the_endpoint_takes_none_of_the_callers_time(caplog: pytest.LogCaptureFixture) -> None:
    _, trace, facts = answered(caplog, 0.0, llm={"first_token_ms": 50})
    assert trace.points_s["first_audio"] < trace.points_s["endpoint"]
    assert [facts[f"{name}_ms"] for name in ("final", "first_token", "first_phrase", "first_audio")] == [0, 0, 0, 0]
    assert facts["ms"] == facts["endpoint_ms"] + facts["sent_ms"] + facts["heard_ms"]


def test_behind_a_filler_the_answer_is_what_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    _, _, facts = answered(caplog, 0.0, **WAITS, **FILLS)
    assert facts["first_token_ms"] == pytest.approx(2600, abs=TOLERANCE_MS)
    assert facts["ms"] > 2600


@pytest.mark.parametrize("way_s", [0.0, 0.04], ids=["next door", "40 ms away"])
def test_an_answer_takes_less_than_800_ms(caplog: pytest.LogCaptureFixture, way_s: float) -> None:
    """With providers as quick as good ones: 100 ms to a final, 200 to a first token, 80 to first audio."""
    _, _, facts = answered(caplog, way_s)
    assert facts["ms"] < 800
