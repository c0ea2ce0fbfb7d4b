"""How loud both voices are, told to who watches."""

from __future__ import annotations

import numpy as np
import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.audio.level import FLOOR_DB
from mediasrv.call.levels import Levels
from tests.call.stage import SHORT, Stage, agent_options, perform

LOUD = np.full(160, 16384, np.int16)
LOUD_DB = pytest.approx(-6.0, abs=0.2)


def told(audio: AudioFormat, *begins_s: float) -> Levels:
    levels = Levels(audio)
    for begin_s in begins_s:
        levels.play(codec.encode(audio.encoding, LOUD), begin_s)
    return levels


def test_who_looks_learns_what_was_heard_since_he_last_did() -> None:
    levels = Levels(MULAW_8K)
    levels.hear(LOUD, 0.02)
    levels.hear(LOUD, 0.04)
    caller_db, bot_db = levels.take(0.05)
    assert caller_db == LOUD_DB
    assert bot_db == FLOOR_DB
    assert levels.take(0.06) == (FLOOR_DB, FLOOR_DB)


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
def test_the_bot_is_loud_when_he_is_heard_and_not_when_his_words_are_sent(audio: AudioFormat) -> None:
    levels = told(audio, 1.0, 1.02)
    assert levels.take(0.9)[1] == FLOOR_DB
    assert levels.take(1.0)[1] == LOUD_DB
    assert levels.take(1.1)[1] == LOUD_DB
    assert levels.take(1.2)[1] == FLOOR_DB


def test_what_was_cut_is_not_loud() -> None:
    levels = told(MULAW_8K, 1.0, 1.02, 1.04)
    levels.cut(1.02)
    assert levels.take(1.01)[1] == LOUD_DB
    assert levels.take(2.0)[1] == FLOOR_DB
    levels.cut(3.0)


def test_who_never_looks_costs_no_memory() -> None:
    levels = Levels(MULAW_8K)
    for number in range(5000):
        levels.hear(LOUD, number * 0.02)
        levels.play(b"\x00" * 160, number * 0.02)
    assert len(levels._heard) + len(levels._told) < 2000


def test_both_voices_of_a_call_are_measured_while_somebody_watches() -> None:
    seen: list[tuple[float, float]] = []

    async def act(stage: Stage) -> None:
        levels = stage.call.watch()
        await stage.be_quiet(0.5)
        seen.append(levels.take(stage.now))
        await stage.be_quiet(2.0)
        levels.take(stage.now)
        await stage.speak(SHORT)
        seen.append(levels.take(stage.now))
        stage.call.unwatch()
        await stage.speak(SHORT)
        seen.append(levels.take(stage.now))

    perform(act, agent_options(greeting="Good day to you all."))
    (hiss_db, greeting_db), (voice_db, _), after = seen
    assert hiss_db < -50 < -40 < greeting_db
    assert voice_db > -45
    assert after[0] == FLOOR_DB
