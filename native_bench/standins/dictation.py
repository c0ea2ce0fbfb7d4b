"""What a stand-in understands of audio: exact words in made-up audio, plausible ones in real speech.

A frame whose bytes are all alike is one of a made-up word: ``encode("w65 w66")`` says it with bytes 65 and 66, and
``Dictation`` reads them back with their times. So a test sees every word that was lost, doubled or cut on the way. Any
other frame that is loud counts as speech, and every ``WORD_MS`` of that is the next word of a fixed text.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np

from mediasrv.audio.g711 import encode_ulaw

FRAME_MS = 20
WORD_MS = 200
_TEXT = "I would like to know where my order is because it has not come yet and it was due on Monday"
# ITU-T G.711: mu-law codes of magnitude 500 and more of 32,635 have less than this in their inverted lower bits.
_LOUD_CODE = 0x40


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place in the session's audio."""

    text: str
    start_ms: int
    end_ms: int


def encode(words: str, bytes_per_ms: int = 8, word_ms: int = WORD_MS) -> bytes:
    """Audio of made-up words ``wNN``; ``NN`` is the byte, from 1 to 254. A dot is a pause of one frame."""
    frame = bytes_per_ms * FRAME_MS
    pieces = []
    for word in words.split():
        is_pause = word == "."
        pieces.append(bytes([255 if is_pause else int(word[1:])]) * (frame if is_pause else bytes_per_ms * word_ms))
    return b"".join(pieces)


def quiet(duration_ms: int, bytes_per_ms: int = 8) -> bytes:
    """Mu-law silence."""
    return b"\xff" * (bytes_per_ms * duration_ms)


class Dictation:
    """Listens to one session, a frame at a time, however the audio is cut."""

    def __init__(self, bytes_per_ms: int = 8) -> None:
        """``bytes_per_ms``: 8 for G.711, 16 and 32 for linear samples at 8 and 16 kHz."""
        self._bytes_per_ms = bytes_per_ms
        self._frame_bytes = bytes_per_ms * FRAME_MS
        self._rest = b""
        self._fixed = cycle(_TEXT.split())
        self._spoken_ms = 0
        self._code = 0
        self.words: list[Word] = []
        """All words so far; the last may still grow."""
        self.heard_ms = 0
        """All audio so far."""
        self.quiet_ms = 0
        """Silence at its end."""

    def hear(self, payload: bytes) -> None:
        """Take more audio."""
        data = self._rest + payload
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        for at in range(0, whole, self._frame_bytes):
            self._hear_frame(data[at : at + self._frame_bytes])

    def since(self, ms: int) -> list[Word]:
        """Words that begin there or later."""
        return [word for word in self.words if word.start_ms >= ms]

    def settle(self) -> None:
        """A final is wanted: make known all that was heard."""

    def _hear_frame(self, frame: bytes) -> None:
        at, self.heard_ms = self.heard_ms, self.heard_ms + FRAME_MS
        code = self._code_of(frame)
        if code in (0, 0x7F, 0xD5, 0xFF) or (code < 0 and not self._is_loud(frame)):
            self._code = 0
            self.quiet_ms += FRAME_MS
            return
        self.quiet_ms = 0
        if code < 0:
            self._spoken_ms += FRAME_MS
            goes_on = self._code == code and self._spoken_ms % WORD_MS != FRAME_MS
        else:
            goes_on = self._code == code
        self._code = code
        if goes_on and self.words:
            last = self.words.pop()
            self.words.append(Word(last.text, last.start_ms, at + FRAME_MS))
        else:
            self.words.append(Word(next(self._fixed) if code < 0 else f"w{code}", at, at + FRAME_MS))

    def _code_of(self, frame: bytes) -> int:
        """The byte that a made-up word is of, in mu-law or decoded from it; -1 for anything else."""
        if frame.count(frame[0]) == len(frame):
            return frame[0]
        is_decoded = self._bytes_per_ms > 8 and frame == frame[:2] * (len(frame) // 2)
        return encode_ulaw(np.frombuffer(frame[:2], "<i2").astype(np.int16))[0] if is_decoded else -1

    def _is_loud(self, frame: bytes) -> bool:
        """Whether a few samples of a frame are; mu-law, and roughly linear samples by their upper bytes."""
        if self._bytes_per_ms == 8:
            return any((~code & 0x7F) >= _LOUD_CODE for code in frame[::16])
        return any(1 < upper < 254 for upper in frame[1::32])
