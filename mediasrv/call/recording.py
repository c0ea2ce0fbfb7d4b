"""A call's own recording: both voices, handed over a second at a time to whoever keeps it.

The ear tells what the caller says, in private moments silence; the mouth tells what he is going to hear, and what he is
not. Nothing is kept of a call that is not recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.duet import Duet
from mediasrv.audio.format import AudioFormat

Frame = NDArray[np.int16]

# The duet is sung in stretches, since a numpy operation costs more than its samples.
STRETCH_MS = 200
# And handed over in longer ones.
PIECE_MS = 1000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that is over."""

    call_id: str
    path: Path
    began_s: float
    """Seconds since the epoch."""
    duration_ms: int
    is_whole: bool
    """Whether nothing of it was lost."""


class Reel(Protocol):
    """One recording."""

    def write(self, audio: bytes) -> None:
        """Append encoded samples, the caller's and the bot's by turns; returns at once."""

    def close(self) -> None:
        """The recording is over."""


class Recorder(Protocol):
    """Who keeps recordings."""

    def open(self, call_id: str, audio: AudioFormat) -> Reel:
        """Begin a recording of two voices in this format; returns at once."""


class CallRecording:
    """Switched on and off by ``start`` and ``stop``; the rest is for the ear and the mouth. ``now`` is in seconds."""

    def __init__(self, recorder: Recorder | None, call_id: str, audio: AudioFormat) -> None:
        """Without a recorder, nothing can be recorded."""
        self._recorder = recorder
        self._call_id = call_id
        self._audio = audio
        self._reel: Reel | None = None
        self._duet = Duet(audio.rate_hz, 0.0)
        self._heard: list[Frame] = []
        self._heard_samples = 0
        self._piece = bytearray()

    @property
    def is_possible(self) -> bool:
        """Whether there is somebody who keeps recordings."""
        return self._recorder is not None

    @property
    def is_on(self) -> bool:
        """Whether the call is being recorded."""
        return self._reel is not None

    def start(self, now: float) -> None:
        """Record from now on; nothing, if that was so before or is not possible."""
        if self._recorder is not None and self._reel is None:
            self._duet = Duet(self._audio.rate_hz, now)
            self._reel = self._recorder.open(self._call_id, self._audio)

    def stop(self, now: float) -> None:
        """Record no more; safe to call twice."""
        if self._reel is not None:
            self._sing(now)
            self._keep(self._duet.finish(now))
            self._hand_over()
            self._reel.close()
            self._reel = None

    def hear(self, pcm: Frame, now: float) -> None:
        """Take what the caller says."""
        if self._reel is not None:
            self._heard.append(pcm)
            self._heard_samples += pcm.size
            if self._heard_samples * 1000 >= STRETCH_MS * self._audio.rate_hz:
                self._sing(now)

    def play(self, payload: bytes, begins_s: float) -> None:
        """Take encoded audio that the caller is going to hear from ``begins_s`` on."""
        if self._reel is not None:
            self._duet.play(codec.decode(self._audio.encoding, payload), begins_s)

    def cut(self, now: float) -> None:
        """What he was going to hear from now on he will not."""
        self._duet.cut(now)

    def _sing(self, now: float) -> None:
        if self._heard:
            self._keep(self._duet.hear(np.concatenate(self._heard), now))
            self._heard.clear()
            self._heard_samples = 0

    def _keep(self, both: Frame) -> None:
        self._piece += codec.encode(self._audio.encoding, both.reshape(-1))
        if len(self._piece) >= 2 * self._audio.bytes_in(PIECE_MS):
            self._hand_over()

    def _hand_over(self) -> None:
        if self._reel is not None and self._piece:
            self._reel.write(bytes(self._piece))
            self._piece.clear()
