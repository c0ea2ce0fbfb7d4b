"""A caller hears something, whatever breaks: a few calls of the table that ``native_bench.faults`` draws."""

from __future__ import annotations

import re

import pytest

from native_bench.faults import all_ordeals, undergo_all

EXPECTED = {
    "stt deepgram reset": "answered",
    "stt deepgram reset, then HTTP 401": "apology, goodbye",
    "stt deepgram reset, then HTTP 401, with a second provider": "answered",
    "llm openai HTTP 401": "apology",
    "llm anthropic error in mid-reply": "answered, apology",
    "tts cartesia reset in mid-reply": "answered",
    "tts speech HTTP 500, once": "answered",
}


@pytest.mark.timeout(90)
async def test_every_caller_hears_something_and_every_call_leaves_nothing() -> None:
    wanted = [each for each in all_ordeals() if str(each) in EXPECTED]
    outcomes, left = await undergo_all(wanted)
    found = {
        str(each): re.sub(r" \d+\.\d s", "", outcome.words) for each, outcome in zip(wanted, outcomes, strict=True)
    }
    assert found == EXPECTED
    assert [outcome.breaches for outcome in outcomes] == [()] * len(wanted)
    assert left == []
