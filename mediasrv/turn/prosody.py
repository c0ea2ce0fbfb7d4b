"""How finished the caller sounds: melody, loudness and pace of the last voice before a pause, whatever its words.

A speaker who comes to an end lets the pitch sink to the floor of his range, fades, creaks or breathes out, and slows
down; one who was cut off in mid-phrase does nothing of the kind. Five cues are weighed by logistic regression: four are
lower the more finished it sounds, and the last rise tells how much of the height is its own. Pitch only means
something beside the range of the speaker, which is learned from pause to pause; in the first one the stretch itself
is all there is to compare with.

A question may end in a rise. A phrase that is to go on may as well, only less steeply. So a steep rise to a high end
is no sign of either, and counts as a half at least.

The weights were fitted to the half of ``native_bench``'s recordings that is for tuning: 66 sentences, nearly all of
them prompts of one speaker (Debian's asterisk-core-sounds-en), mu-law coded, without noise and with noise 20 and 10 dB
below the voice, in calls of six. Ends of sentences stood against pauses put where people pause in mid-sentence. Weights
fitted to five sixths of the sentences and tried on the last sixth have an area under the curve of 0.91; all but
one end in a hundred lie above 0.2, and some six in ten of the pauses below. To hear an end is no reason for much
haste: at the pauses that the speaker makes herself where more is to follow, she sinks and slows as at an end (0.71 of
them lie above where 15 % of the ends lie lower). What it is worth for other voices is not
known; ``turn.doubt`` weighs it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import pitch
from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.turn.cues import VoiceRange, listen

WINDOW_MS = 600
"""What is listened to before a pause: its last two or three syllables, and something to compare them with."""
BRIDGED_MS = 200
"""A longer silence is a pause: what was before it says nothing of how the voice after it ends."""


class Prosody:
    """Hears one caller, and tells at a pause how finished the voice before it sounded."""

    __slots__ = (
        *("_bridged_frames", "_finality", "_frames", "_is_judged", "_kept_frames", "_range", "_rate_hz", "_ring"),
        *("_silent_frames", "_window_frames"),
    )

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._window_frames, self._bridged_frames = WINDOW_MS // PTIME_MS, BRIDGED_MS // PTIME_MS
        # The silence after the window is kept as well: it may turn out to lie within a stretch.
        self._kept_frames = self._window_frames + self._bridged_frames
        self._ring = np.zeros((self._kept_frames, samples_in(PTIME_MS, rate_hz)), np.int16)
        self._frames = 0
        self._silent_frames = self._bridged_frames + 1
        self._range = VoiceRange()
        self._finality: float | None = None
        self._is_judged = True

    def hear(self, frame: NDArray[np.int16], voiced: bool) -> None:
        """Take the next 20 ms of the caller, int16 mono, and whether there is voice in them."""
        if voiced:
            if self._silent_frames > self._bridged_frames:
                self._frames = 0
            self._silent_frames = 0
            self._is_judged = False
        else:
            if self._silent_frames > self._bridged_frames:
                # That much silence is not counted further.
                return
            self._silent_frames += 1
            if self._silent_frames > self._bridged_frames:
                return
        self._ring[self._frames % self._kept_frames] = frame
        self._frames += 1

    def finality(self) -> float | None:
        """Return how finished the last voice sounded, from 0 to 1, or ``None`` when there was too little pitch in it.

        Asked for the first time since there was voice, it listens to the last 600 ms, learns their pitch, and takes
        a tenth of a millisecond; the answer is kept until there is more voice.
        """
        if not self._is_judged:
            self._is_judged = True
            cues = listen(pitch.track(self._last_voice(), self._rate_hz), self._range)
            self._finality = None if cues is None else cues.finality
        return self._finality

    def _last_voice(self) -> NDArray[np.int16]:
        """The window, up to the end of the last voiced frame."""
        end = self._frames - min(self._silent_frames, self._bridged_frames)
        start = max(end - self._window_frames, 0)
        return self._ring[np.arange(start, end) % self._kept_frames].ravel()
