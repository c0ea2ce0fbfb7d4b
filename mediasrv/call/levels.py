"""How loud the two voices of a call are, for somebody who watches; nothing is measured of a call that nobody does.

A frame costs an append. What came since the last look is measured at the next.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat
from mediasrv.audio.level import FLOOR_DB, level_db

Frame = NDArray[np.int16]

_MOST_HEARD = 100
_MOST_TOLD = 1000


class Levels:
    """Of one call; ``hear``, ``play`` and ``cut`` are for the ear and the mouth. ``now`` is in seconds."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        # Whoever does not look for long learns of the last moments only.
        self._heard: deque[Frame] = deque(maxlen=_MOST_HEARD)
        self._told: deque[tuple[float, bytes]] = deque(maxlen=_MOST_TOLD)

    def hear(self, pcm: Frame, now: float) -> None:
        """Take what the caller says."""
        self._heard.append(pcm)

    def play(self, payload: bytes, begins_s: float) -> None:
        """Take encoded audio that the caller is going to hear from ``begins_s`` on."""
        self._told.append((begins_s, payload))

    def cut(self, now: float) -> None:
        """What he was going to hear from now on he will not."""
        while self._told and self._told[-1][0] >= now:
            self._told.pop()

    def take(self, now: float) -> tuple[float, float]:
        """The caller's and the bot's level, in dB relative to full scale, since this was last asked."""
        caller_db = level_db(np.concatenate(self._heard)) if self._heard else FLOOR_DB
        self._heard.clear()
        said: list[bytes] = []
        while self._told and self._told[0][0] <= now:
            said.append(self._told.popleft()[1])
        bot_db = level_db(codec.decode(self._audio.encoding, b"".join(said))) if said else FLOOR_DB
        return caller_db, bot_db
