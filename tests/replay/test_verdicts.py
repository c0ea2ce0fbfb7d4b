"""What the ear made of a voice, without the voice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.observer import Observer
from mediasrv.providers.scripted import ScriptedStt
from mediasrv.replay.verdicts import give_verdicts, note_verdicts
from mediasrv.simulator.speech import recorded, take
from mediasrv.wire.events import MediaReceived
from tests.call.stage import SHORT

VOICE = take(recorded()[SHORT], MULAW_8K).frames


def _ear(judged: list[tuple[bool, int, float]] | None) -> Ear:
    """One that tells here what it judges; without a place to tell it, one that listens to nobody."""
    ear = Ear(MULAW_8K, Effort(Observer()))
    if judged is not None:
        ear.listen(ScriptedStt(None), lambda *verdict: judged.append(verdict))
    return ear


def _hear(ear: Ear, frames: Sequence[bytes]) -> list[float | None]:
    """Let it hear, and ask every tenth time how finished that sounded."""
    asked = []
    for number, frame in enumerate(frames, 1):
        ear.hear(MediaReceived(frame, number), number * 0.02)
        if number % 10 == 0:
            asked.append(ear.finality())
    return asked


async def test_silence_is_judged_as_the_voice_was_in_whose_place_it_stands() -> None:
    lines: list[list[Any]] = []
    heard: list[tuple[bool, int, float]] = []
    ear = _ear(heard)
    note_verdicts(ear, lambda *line: lines.append(list(line)))
    finalities = _hear(ear, VOICE)
    assert {voiced for voiced, _, _ in heard} == {True, False}

    given: list[tuple[bool, int, float]] = []
    ear = _ear(given)
    give_verdicts(ear, [["sent", "something else"], *lines])
    assert _hear(ear, [b"\xff" * len(frame) for frame in VOICE]) == finalities
    assert given == heard


async def test_what_is_heard_beyond_the_last_verdict_is_no_voice() -> None:
    given: list[tuple[bool, int, float]] = []
    ear = _ear(given)
    give_verdicts(ear, [["judged", True, 20], ["finality", 0.5]])
    assert _hear(ear, VOICE[:20]) == [0.5, None]
    assert [verdict[:2] for verdict in given[:3]] == [(True, 20), (False, 0), (False, 0)]


@pytest.mark.parametrize("treat", [lambda ear: note_verdicts(ear, print), lambda ear: give_verdicts(ear, [])])
def test_an_ear_that_listens_to_nobody_has_none(treat: Any) -> None:
    ear = _ear(None)
    treat(ear)
    assert "finality" not in vars(ear)
