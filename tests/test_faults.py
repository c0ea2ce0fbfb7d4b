"""A caller hears something, whatever breaks: a few calls of the table that ``native_bench.faults`` draws."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from mediasrv.simulator.pacing import Pacing
from native_bench import faults
from native_bench.catalogue import all_ordeals
from native_bench.faults import undergo_all
from tests.hurried import run_hurriedly

EXPECTED = {
    "stt deepgram reset": "answered",
    "stt deepgram reset, then HTTP 401": "apology, goodbye",
    "stt deepgram reset, then HTTP 401, with a second provider": "answered",
    "llm openai HTTP 401": "apology",
    "llm anthropic error in mid-reply": "answered, apology",
    "llm gemini a tool gives what is no data": "answered",
    "tts cartesia reset in mid-reply": "answered",
    "tts speech HTTP 500, once": "answered",
    "realtime openai_realtime HTTP 401 at the start": "apology, goodbye",
    "realtime openai_realtime close 1011 in mid-reply": "answered, apology",
}


@pytest.mark.alone
def test_every_caller_hears_something_and_every_call_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(faults, "Pacing", lambda: Pacing(asyncio.get_running_loop().time))
    wanted = [each for each in all_ordeals() if str(each) in EXPECTED]
    outcomes, left = run_hurriedly(undergo_all(wanted))
    found = {
        str(each): re.sub(r" \d+\.\d s", "", outcome.words) for each, outcome in zip(wanted, outcomes, strict=True)
    }
    assert found == EXPECTED
    assert [outcome.breaches for outcome in outcomes] == [()] * len(wanted)
    assert left == []
    lines = [str(vars(record)) for record in caplog.records]
    for each in wanted:
        assert not any(each.vendor.key in line for line in lines)
        if "401" in each.misfortune.label:
            assert any(f"provider {each.vendor.provider}: HTTP 401" in line for line in lines)
