"""Over a real socket the parts of an answer add up to the whole: on the log, in the record, as histograms, on paper."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.observers import Observers
from mediasrv.carriers.options import PlivoOptions
from mediasrv.demo import Narrator, waterfalls
from mediasrv.records.archive import Wanted
from mediasrv.records.tables import PARTS
from mediasrv.server.metrics import Metrics
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import AgentFinished, HangUp, Line, Performance, Speak
from mediasrv.simulator.speech import recorded
from tests.call.stage import SHORT, agent_options, patience
from tests.hurried import run_hurriedly
from tests.records.stage import kept

TOLERANCE_MS = 5
TURNS = 3
AGENT = agent_options(
    greeting="Good day.", stt={"texts": ("One.", "Two.", "Three.")}, turn=patience(), llm={"first_token_ms": 300}
)


async def converse(folder: Path) -> tuple[Conversation, Narrator, Metrics, list[dict[str, int]]]:
    """A call of some turns; the last is what the record holds of them."""
    narrator, metrics = Narrator(), Metrics()
    cue = AgentFinished(quiet_ms=900, patience_ms=6000)
    script = [*[Line(cue, Speak(recorded()[SHORT]))] * TURNS, Line(cue, HangUp())]
    async with kept(folder) as records:
        agency = Agency({"default": AGENT}, observer=Observers(narrator, metrics, records.chronicle))
        options = ServerOptions(port=0, sheds_load=False)
        service = Service(options, PlivoOptions(verify_signatures=False), agency, metrics)
        await service.start()
        try:
            pacing = Pacing(asyncio.get_running_loop().time)
            caller = Caller(carrier_named("plivo"), MULAW_8K, Performance(script, MULAW_8K), pacing, limit_s=50.0)
            call = await caller.call(f"ws://127.0.0.1:{service.port}/plivo/stream")
        finally:
            await service.aclose()
        await records.database.flush()
        (brief,) = await records.archive.calls(Wanted())
        written = await records.archive.call(brief["id"])
    assert written is not None
    return call, narrator, metrics, written["turns"]


@pytest.mark.alone
def test_the_parts_add_up_wherever_they_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    call, narrator, metrics, turns = run_hurriedly(converse(tmp_path))
    figures = report(call)
    logged = [vars(each) for each in caplog.records if each.getMessage() == "turn answered"]
    assert len(figures.turns) == len(logged) == len(turns) == TURNS
    for line, turn, bars, heard in zip(
        logged, turns, waterfalls(figures.turns, narrator.traces), figures.turns, strict=True
    ):
        assert sum(line[part] for part in PARTS) == pytest.approx(line["ms"], abs=TOLERANCE_MS)
        assert sum(turn[part] for part in PARTS) == turn["response_ms"] == pytest.approx(line["ms"], abs=TOLERANCE_MS)
        assert sum(bar.end_ms - bar.start_ms for bar in bars) == pytest.approx(heard.response_ms, abs=TOLERANCE_MS)
        assert min(line[part] for part in PARTS) >= 0
    sums = {
        (sample.name, sample.labels.get("stage")): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }
    parts_s = sum(s for (name, _), s in sums.items() if name == "mediasrv_response_stage_seconds_sum")
    whole_s = sums["mediasrv_response_latency_seconds_sum", None]
    assert 1000 * parts_s == pytest.approx(1000 * whole_s, abs=TOLERANCE_MS)
    assert 1000 * whole_s == pytest.approx(sum(line["ms"] for line in logged), abs=TOLERANCE_MS)
