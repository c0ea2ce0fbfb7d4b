from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from mediasrv.errors import ConfigError
from mediasrv.turn.options import TurnOptions


def test_the_defaults_are_allowed() -> None:
    TurnOptions()


def test_options_do_not_change() -> None:
    options = TurnOptions()
    with pytest.raises(FrozenInstanceError):
        options.onset_ms = 80  # type: ignore[misc]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"onset_ms": 0}, "turn.onset_ms must be more than 0"),
        ({"false_alarm_ms": 0}, "turn.false_alarm_ms must be more than 0"),
        ({"idle_ms": 0}, "turn.idle_ms must be more than 0"),
        ({"final_wait_ms": -1}, "turn.final_wait_ms must not be less than 0"),
        ({"idle_prompts": -1}, "turn.idle_prompts must not be less than 0"),
        ({"final_request_ms": 0}, "turn.final_request_ms must lie between"),
        ({"final_request_ms": 460, "endpoint_ms": 460}, "turn.final_request_ms must lie between"),
        ({"endpoint_dictation_ms": 0}, "turn.endpoint_dictation_ms must be more than 0"),
        ({"patience": 0.2}, "turn.patience must lie between"),
        ({"thinking_onset_ms": 0}, "turn.thinking_onset_ms must be more than 0"),
        ({"utterance_limit_ms": 0}, "turn.utterance_limit_ms must be more than 0"),
        ({"barge_in_words": -1}, "turn.barge_in_words must not be less than 0"),
        ({"speculation_tries": -1}, "turn.speculation_tries must not be less than 0"),
        ({"speculation_waste_percent": 101}, "turn.speculation_waste_percent must lie between 0 and 100"),
        ({"suspicion_ms": 0}, "turn.suspicion_ms, barge_in_ms and backchannel_ms must be"),
        ({"suspicion_ms": 140, "barge_in_ms": 120}, "turn.suspicion_ms, barge_in_ms and backchannel_ms must be"),
        ({"backchannel_ms": 100}, "turn.suspicion_ms, barge_in_ms and backchannel_ms must be"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        TurnOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"onset_ms": 1},
        {"patience": 4},
        {"final_wait_ms": 0},
        {"idle_prompts": 0},
        {"final_request_ms": 379},
        {"suspicion_ms": 120, "barge_in_ms": 120, "backchannel_ms": 120},
        {"speculation_waste_percent": 100},
    ],
)
def test_the_least_that_makes_sense_is_allowed(options: dict[str, Any]) -> None:
    TurnOptions(**options)
