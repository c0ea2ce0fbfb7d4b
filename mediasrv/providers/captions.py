"""Which words begin with which piece of a voice's audio, from the times that the vendor gives for them.

Vendors time words or characters of their own cutting; what is told is always the words that were given to be spoken,
each once and in order. The two are matched by counting letters and digits, which survive whatever a vendor does to
spaces and marks. A word whose time does not come is told when it would be spoken at a usual pace, and at the latest
with the end of the audio, of which a sliver is held back as long as there are words to come.
"""

from __future__ import annotations

from collections import deque

from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.providers.base import Speech

# Each piece with words costs the carrier a mark: short words go with their neighbours.
LEAST_PIECE_MS = 200
# English is spoken at some 14 letters a second; a time that is later than this by the grace is not coming.
PACE_MS = 70
GRACE_MS = 300
_HELD_MS = 5


def letters_in(text: str) -> int:
    """Letters and digits; marks above and below letters do not count."""
    return sum(map(str.isalnum, text))


class Captions:
    """One reply's words and audio, which begin at 0."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        self._width = audio.bytes_per_sample
        self._sliver_bytes = audio.bytes_in(_HELD_MS)
        self._least = samples_in(LEAST_PIECE_MS, audio.rate_hz)
        self._position = 0  # samples that were told
        self._held = b""
        self._untimed: deque[tuple[int, str]] = deque()  # letters before the word, and the word
        self._timed: deque[tuple[int, str]] = deque()  # samples before the word, and the word
        self._letters = self._letters_timed = 0
        self._anchor = (0, 0)  # a sample, and the letters before it
        self._has_begun = False

    @property
    def received_ms(self) -> float:
        """Audio so far."""
        return (self._position + self._audio.samples_of(self._held)) * 1000 / self._audio.rate_hz

    @property
    def has_untold(self) -> bool:
        """Whether there are words that no audio was told to begin with."""
        return bool(self._untimed or self._timed)

    def add(self, phrase: str) -> None:
        """More words are going to be spoken."""
        for word in phrase.split():
            self._untimed.append((self._letters, word))
            self._letters += letters_in(word)

    def time(self, text: str, at_ms: float) -> None:
        """The vendor says that this text, which follows the last one, begins at a time."""
        letters = letters_in(text)
        if not letters:
            return
        at = max(samples_in(round(at_ms), self._audio.rate_hz), self._timed[-1][0] if self._timed else 0)
        self._anchor = (at, self._letters_timed)
        self._letters_timed += letters
        while self._untimed and self._untimed[0][0] < self._letters_timed:
            self._timed.append((at, self._untimed.popleft()[1]))

    def restart(self) -> None:
        """The vendor begins anew: what it is going to time is what is added next."""
        self._letters_timed = self._letters

    def push(self, payload: bytes) -> list[Speech]:
        """Take more audio, and return what may be played."""
        data = self._held + payload
        if not data:
            return []
        if not self._has_begun:
            self._has_begun = True
            self._time_first()
        end_position = self._position + len(data) // self._width
        if self._untimed:
            self._guess(end_position)
        end = len(data) - len(data) % self._width
        if self._untimed or (self._timed and self._timed[-1][0] >= end_position):
            end = max(0, end - self._sliver_bytes)
        self._held = data[end:]
        return self._cut(data[:end])

    def finish(self) -> list[Speech]:
        """No more audio comes: return the rest of it, with the rest of the words."""
        rest = " ".join(word for _, word in (*self._timed, *self._untimed))
        data, self._held = self._held, b""
        self._timed.clear()
        self._untimed.clear()
        self._position += self._audio.samples_of(data)
        data = data[: len(data) - len(data) % self._audio.bytes_per_sample]
        return [Speech(data, rest)] if data or rest else []

    def _time_first(self) -> None:
        """The first audio carries the first word, whatever silence it begins with."""
        if self._timed:
            self._timed[0] = (0, self._timed[0][1])
        elif self._untimed:
            self._timed.append((0, self._untimed.popleft()[1]))

    def _guess(self, end: int) -> None:
        """Time what should have begun before this position and was not timed."""
        at, letters = self._anchor
        while self._untimed:
            wait_ms = (self._untimed[0][0] - letters) * PACE_MS + GRACE_MS
            due = max(at + samples_in(wait_ms, self._audio.rate_hz), self._timed[-1][0] if self._timed else 0)
            if due >= end:
                return
            self._timed.append((due, self._untimed.popleft()[1]))

    def _cut(self, data: bytes) -> list[Speech]:
        pieces: list[Speech] = []
        while data:
            text = self._words_here() if self._timed and self._timed[0][0] <= self._position else ""
            size = len(data)
            if self._timed:
                size = min(size, (self._timed[0][0] - self._position) * self._width)
            pieces.append(Speech(data[:size], text))
            data = data[size:]
            self._position += size // self._width
        return pieces

    def _words_here(self) -> str:
        """The word that begins where we are, and those that do so a little later."""
        words = [self._timed.popleft()[1]]
        while self._timed and self._timed[0][0] < self._position + self._least:
            words.append(self._timed.popleft()[1])
        return " ".join(words)
