"""Two voices of a call side by side, as somebody in the middle of the line hears them.

The caller's voice sets the pace: each piece of it takes along what the bot was saying in the same moment. What the bot
says is told ahead of time, with the moment at which the caller begins to hear it, and may be cut before it is heard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import samples_in

Frame = NDArray[np.int16]

# A carrier that sends nothing while its caller is mute; anything shorter is jitter, which the next frames make up for.
GAP_MS = 1000
# A carrier holds no more of us than that; what is told beyond it is lost, so that memory has a bound.
AHEAD_MS = 10_000


class Duet:
    """int16 mono in, int16 stereo out; times are ``now`` in seconds."""

    def __init__(self, rate_hz: int, now: float) -> None:
        self._rate_hz = rate_hz
        self._start_s = now
        self._gap = samples_in(GAP_MS, rate_hz)
        self._ahead = samples_in(AHEAD_MS, rate_hz)
        self.length = 0
        """Samples that were given out, of each voice."""
        self._bot = np.zeros(0, np.int16)

    def play(self, pcm: Frame, begins_s: float) -> None:
        """The bot's samples are going to be heard from ``begins_s`` on, behind what was told before."""
        told = self.length + self._bot.size
        pause = max(0, self._position(begins_s) - told)
        room = max(0, self._ahead - self._bot.size)
        # Two pieces of one speech are told with moments that differ by a rounding.
        pause = 0 if self._bot.size and pause <= 1 else pause
        self._bot = np.concatenate([self._bot, np.zeros(min(pause, room), np.int16), pcm[: max(0, room - pause)]])

    def cut(self, now: float) -> None:
        """What was going to be heard from now on is not."""
        self._bot = self._bot[: max(0, self._position(now) - self.length)]

    def hear(self, pcm: Frame, now: float) -> Frame:
        """Take the caller's samples as they arrive; return both voices, shape (n, 2), the caller's first."""
        missing = self._position(now) - pcm.size - self.length
        silence = missing if missing > self._gap else 0
        both = np.zeros((silence + pcm.size, 2), np.int16)
        both[silence:, 0] = pcm
        self._sing(both)
        return both

    def finish(self, now: float) -> Frame:
        """Return what is left at the end, shape (n, 2): what the bot said behind the caller's last frame."""
        self.cut(now)
        both = np.zeros((self._bot.size, 2), np.int16)
        self._sing(both)
        return both

    def _sing(self, both: Frame) -> None:
        voice = self._bot[: len(both)]
        both[: voice.size, 1] = voice
        self._bot = self._bot[voice.size :]
        self.length += len(both)

    def _position(self, at_s: float) -> int:
        return round((at_s - self._start_s) * self._rate_hz)
