from __future__ import annotations

import numpy as np
import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K
from mediasrv.audio.level import FLOOR_DB
from mediasrv.call.audience import Audience, PlayoutWatcher
from mediasrv.call.levels import Levels
from mediasrv.call.recording import CallRecording
from tests.call.test_recording import BOT, Drawer, talk

LOUD = codec.encode(L16_8K.encoding, np.full(160, 16384, np.int16))


class Watch(PlayoutWatcher):
    def __init__(self) -> None:
        self.log: list[tuple[float, bytes | None]] = []

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        self.log.append((begins_s, payload))

    def audio_cut(self, now: float) -> None:
        self.log.append((now, None))


def test_the_watcher_is_told_what_is_sent_and_what_is_cut() -> None:
    audience, watch = Audience(), Watch()
    audience.watcher = watch
    audience.audio_sent(BOT, 1.0)
    audience.audio_cut(1.01)
    assert watch.log == [(1.0, BOT), (1.01, None)]


def test_a_recording_has_what_was_sent_and_not_what_was_cut() -> None:
    drawer, audience = Drawer(), Audience()
    audience.recording = recording = CallRecording(drawer, "call-1", L16_8K)
    recording.start(0.0)
    audience.audio_sent(BOT * 3, 0.02)
    audience.audio_cut(0.06)
    talk(recording, 6)
    recording.stop(0.12)
    assert np.flatnonzero(drawer.samples[:, 1]).tolist() == list(range(160, 480))


def test_who_watches_learns_how_loud_the_bot_is_until_he_goes() -> None:
    audience = Audience()
    audience.levels = levels = Levels(L16_8K)
    audience.audio_sent(LOUD, 1.0)
    assert levels.take(1.01)[1] == pytest.approx(-6.0, abs=0.2)
    audience.audio_sent(LOUD, 2.0)
    audience.audio_cut(1.9)
    assert levels.take(2.1)[1] == FLOOR_DB
    audience.levels = None
    audience.audio_sent(LOUD, 3.0)
    assert levels.take(3.1)[1] == FLOOR_DB
