"""Echo: our own voice, coming back on the caller's line.

Frames with voice in them are compared with what was played, as long as some of it may still come back::

    no echo known    all delays of 60 to 660 ms: one is found when frame after frame is most like what was played there
    echo known       the delays near it: ``EchoPath`` tells the echo from a caller who speaks

Where no echo is known nothing is held to be one, so a caller can always break in; the price is that the first echo of
a call is voice for 40 to 80 ms. A delay that was found by chance does not last, because an unproven path must match
well, and one that matches nothing is forgotten.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.correlate import FRAME_SAMPLES, RATE_HZ, Band, Correlator, energy
from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.turn.echopath import EchoPath
from mediasrv.turn.played import Played, position_at

RATES_HZ = (8000, 16000)
"""What frames may be sampled at."""

SHORTEST_MS, LONGEST_MS = 60, 660
"""Delays that are searched; a margin of 40 to 60 ms to either side of what networks have, for clocks of ours."""

# An older frame counts for so much less than the next: evidence of some 80 ms.
KEEP = 0.75
# After so many frames without voice what was before counts for nothing.
FORGOTTEN_FRAMES = 9
# Beyond this, frames did not come for a while, and the line's clock is set anew.
CLOCK_TOLERANCE_S = 0.2
# After this nothing of what we played comes back.
AFTERMATH_MS = 700
_CLOCK_TOLERANCE, _AFTERMATH = CLOCK_TOLERANCE_S * RATE_HZ, samples_in(AFTERMATH_MS, RATE_HZ)

# Enough when as many frames as this add up to it; two voices do so in few frames of a thousand.
SURE_FRAMES, SURE_SCORE = 3, 0.55
# Enough when a frame is most like what was played at the very delay that those before it add up to, so many times.
AGREED_FRAMES, AGREED_SCORE = 1, 0.3
AGREEING_SAMPLES, AGREEING_SCORE = 4, 0.2
# What is louder than this, over what was played, is no echo but the caller; what is fainter nobody hears.
LOUDEST_DB, FAINTEST_DB = -6.0, -42.0


class EchoDetector:
    """Tells our own voice from the caller's in one call; both directions are at ``rate_hz``."""

    __slots__ = (
        *("_agreed", "_at", "_band", "_before", "_delay", "_everywhere", "_frame_samples", "_path", "_played"),
        *("_voiced_at", "_voices", "found"),
    )

    def __init__(self, rate_hz: int) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"echo is detected at {RATES_HZ} Hz, not at {rate_hz}")
        self._frame_samples = samples_in(PTIME_MS, rate_hz)
        self._band = Band(rate_hz)
        self._played = Played(rate_hz)
        self._before = np.zeros(self._frame_samples, np.int16)
        self._at = 0
        self._voiced_at = 0
        self._everywhere = Correlator(samples_in(SHORTEST_MS, RATE_HZ), samples_in(LONGEST_MS, RATE_HZ))
        self._path: EchoPath | None = None
        self.found = 0
        """How often an echo was found."""
        self._restart()

    @property
    def delay_ms(self) -> float | None:
        """Delay of the echo behind what the carrier plays, or ``None`` while none is known."""
        return None if self._path is None else 1000 * self._path.delay / RATE_HZ

    def play(self, pcm: NDArray[np.int16], begins_s: float) -> None:
        """Note audio that was sent and begins to sound at the carrier at ``begins_s``; consecutive pieces adjoin.

        Contiguous int16 of whole frames or less, at most 1.5 s ahead of what ``hear`` was told last.
        """
        self._played.play(pcm, begins_s)

    def cut(self, now: float) -> None:
        """Note that a clear went out: what would sound after now does not."""
        self._played.cut(now)

    def hear(self, frame: NDArray[np.int16], voiced: bool, now: float) -> bool:
        """Return whether the voice in the next 20 ms of the line is our own coming back, and nothing more.

        ``frame`` is contiguous int16 that does not change afterwards; without voice in it the answer is False.
        Frames are placed one after the other, so it does not matter that each comes a little sooner or later.
        Raises ``ValueError`` for another length.
        """
        if len(frame) != self._frame_samples:
            raise ValueError(f"a frame has {self._frame_samples} samples, not {frame.size}")
        at = self._at + FRAME_SAMPLES
        if abs(now * RATE_HZ - at) > _CLOCK_TOLERANCE:
            at = position_at(now)
        self._at = at
        before, self._before = self._before, frame
        if not voiced or at - self._played.end > _AFTERMATH:
            return False
        band = self._band.of(np.concatenate((before[before.size - self._band.reach :], frame)))
        quiet_frames = (self._at - self._voiced_at) // FRAME_SAMPLES
        self._voiced_at = self._at
        if self._path is None:
            return self._search(band, quiet_frames)
        return self._follow(self._path, band, quiet_frames)

    def _restart(self) -> None:
        self._everywhere.reset()
        self._voices = self._agreed = 0
        self._delay = 0

    def _search(self, band: NDArray[np.int16], quiet_frames: int) -> bool:
        longest, shortest = self._everywhere.longest, self._everywhere.shortest
        start = self._at - FRAME_SAMPLES
        like = self._everywhere.compare(
            band, self._played.between(start - longest, self._at - shortest), KEEP**quiet_frames
        )
        agrees = abs(like.frame_delay - self._delay) <= AGREEING_SAMPLES and like.frame_score >= AGREEING_SCORE
        self._delay = like.delay
        self._agreed = self._agreed + 1 if agrees else max(self._agreed - 1, 0)
        self._voices = self._voices + 1 if quiet_frames < FORGOTTEN_FRAMES else 1
        sure = self._voices >= SURE_FRAMES and like.score >= SURE_SCORE
        if not sure and (self._agreed < AGREED_FRAMES or like.score < AGREED_SCORE):
            return False
        reference = self._played.between(start - like.delay, self._at - like.delay)
        gain_db = 10 * math.log10((energy(band) + 1) / (energy(reference) + 1))
        if not FAINTEST_DB < gain_db < LOUDEST_DB:
            return False
        self._path = EchoPath(like.delay, gain_db)
        self.found += 1
        return True

    def _follow(self, path: EchoPath, band: NDArray[np.int16], quiet_frames: int) -> bool:
        echo = path.judge(band, self._played, self._at, KEEP**quiet_frames)
        if path.is_lost:
            self._path = None
            self._restart()
        return echo
