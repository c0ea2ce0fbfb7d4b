"""Onset: where a voice begins in its first audio.

Voices begin what they say with 20 to 150 ms of silence or breath, for which whoever waits for an answer would wait as
well. It is cut, up to a soft start. What is there at once is not made too short by it: a voice that is no faster than
the ear would be caught up with in its first word.
"""

from __future__ import annotations

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.audio.level import fade, level_db

SILENT_DB = -50.0
"""What nobody notices on a telephone, dB below full scale."""
MOST_MS = 300
"""A longer silence is meant."""
LEAST_MS = 60
"""Audio that is left of the piece in which the voice begins: the next is under way."""
# Long enough for a level, and shorter than what is left in front of the voice, where breath and lips are heard.
_WINDOW_MS, _BEFORE_MS = 5, 10
_ATTACK_MS = 5


class Onset:
    """Of one utterance in one format."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        self._window, self._before, self._least, self._attack, self._left = (
            samples_in(ms, audio.rate_hz) for ms in (_WINDOW_MS, _BEFORE_MS, LEAST_MS, _ATTACK_MS, MOST_MS)
        )
        self._has_cut = False

    def cut(self, payload: bytes) -> bytes:
        """Return the next piece, whole samples, without what comes before the voice; empty when that is all of it."""
        if not self._left or not payload:
            return payload
        samples = self._audio.samples_of(payload)
        pcm = codec.decode(self._audio.encoding, payload)
        places = range(0, samples, self._window)
        onset = next((at for at in places if level_db(pcm[at : at + self._window]) >= SILENT_DB), None)
        if onset is None and samples < self._left:
            self._left -= samples
            self._has_cut = True
            return b""
        silent = self._left if onset is None else min(onset - self._before, samples - self._least, self._left)
        self._left = 0
        if silent <= 0 and not self._has_cut:
            return payload
        begin = max(silent, 0)
        end = begin + self._attack
        soft = codec.encode(self._audio.encoding, fade(pcm[begin:end], 0.0, 1.0))
        return soft + payload[end * self._audio.bytes_per_sample :]
