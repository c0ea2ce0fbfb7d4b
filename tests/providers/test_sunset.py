"""Models with an announced end."""

from __future__ import annotations

from datetime import date

import pytest

from mediasrv.providers.sunset import end_of, warn_of_sunset


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("gpt-4o", "2027-01-14"),
        ("gpt-4o-mini", "2027-01-14"),
        ("gpt-4.1-mini", "2027-01-14"),
        ("gpt-4o-mini-tts", "2027-01-06"),
        ("gpt-4o-mini-transcribe", "2027-02-26"),
        ("gpt-4o-transcribe", "2027-02-26"),
        ("gpt-4o-transcribe-diarize", "2027-02-26"),
        ("gpt-4o-mini-realtime-preview", "2027-01-20"),
        ("gpt-4o-realtime-preview", "2027-01-20"),
        ("gpt-audio-mini", "2027-01-20"),
        ("gpt-realtime", "2027-01-20"),
        ("whisper-1", "2027-02-26"),
        ("claude-sonnet-4-5-20250929", "2026-11-30"),
    ],
)
def test_an_announced_end_is_known(model: str, end: str) -> None:
    assert end_of(model) == date.fromisoformat(end)


@pytest.mark.parametrize("model", ["", "gpt-6-luna", "gpt-realtime-2.1", "claude-haiku-4-5", "claude-sonnet-4-6"])
def test_other_models_have_none(model: str) -> None:
    assert end_of(model) is None


@pytest.mark.parametrize(
    ("today", "text"),
    [(date(2027, 1, 13), "model will be switched off"), (date(2027, 1, 14), "model was switched off")],
)
def test_the_operator_is_told(today: date, text: str, caplog: pytest.LogCaptureFixture) -> None:
    warn_of_sunset("gpt-4o", today)
    (record,) = caplog.records
    assert record.getMessage() == text
    assert (vars(record)["model"], vars(record)["end"]) == ("gpt-4o", "2027-01-14")


def test_a_model_that_stays_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_sunset("gpt-6-luna", date(2030, 1, 1))
    assert caplog.records == []
