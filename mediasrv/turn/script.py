"""What the bot says in a call: its utterances, their words and their audio, on one axis of samples.

The audio is kept beyond what the carrier was sent: whoever is interrupted goes back to the beginning of a word.
"""

from __future__ import annotations

from collections import deque

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import LocalProtocolError
from mediasrv.turn.marks import Marks
from mediasrv.turn.soundtrack import Soundtrack
from mediasrv.turn.utterance import Heard, Phrase, Utterance


class Script:
    """Utterances that are not settled, oldest first; where marks are wanted is told to ``marks``."""

    def __init__(self, audio: AudioFormat, marks: Marks) -> None:
        self.track = Soundtrack(audio)
        self.utterances: deque[Utterance] = deque()
        self._marks = marks
        self._last_number = 0

    def open(self) -> int:
        """Begin an utterance and return its number; raise ``LocalProtocolError`` within another."""
        if self.utterances and not self.utterances[-1].closed:
            raise LocalProtocolError("the bot cannot begin an utterance within another")
        self._last_number += 1
        end = self.track.end
        self.utterances.append(Utterance(self._last_number, end, end))
        self._marks.begin_utterance(self._last_number, end)
        return self._last_number

    def queue(self, number: int, payload: bytes, text: str) -> None:
        """Append encoded audio, whole samples; ``text`` begins a phrase with it. Ignored unless it is open."""
        utterance = self._open_utterance(number)
        if utterance is None:
            return
        if text:
            self._marks.end_phrase(utterance.end)
            utterance.phrases.append(Phrase(text, utterance.end, utterance.end))
        self.track.add(payload)
        utterance.end = self.track.end
        self._marks.grow(utterance.end)
        if utterance.phrases:
            utterance.phrases[-1].end = utterance.end

    def has_audio(self, number: int) -> bool:
        """Whether any audio of the utterance that is open was queued."""
        utterance = self._open_utterance(number)
        return utterance is not None and utterance.start < utterance.end

    def close(self, number: int) -> list[Heard]:
        """All audio of an utterance is queued; one without audio is settled at once. Ignored unless it is open."""
        utterance = self._open_utterance(number)
        if utterance is None:
            return []
        utterance.closed = True
        if utterance.start == utterance.end:
            self.utterances.pop()
            return [utterance.heard(utterance.end)]
        self._marks.end_utterance(utterance.end)
        return []

    def _open_utterance(self, number: int) -> Utterance | None:
        last = self.utterances[-1] if self.utterances else None
        return last if last is not None and last.number == number and not last.closed else None

    # -- positions -----------------------------------------------------------------------------------------------

    def within(self, position: int) -> Utterance | None:
        """The utterance that has begun before a position and goes on after it."""
        return next((each for each in self.utterances if each.start < position < each.end), None)

    def beginning(self, position: int) -> Utterance | None:
        """The utterance that begins at a position."""
        for each in self.utterances:  # Asked with every message.
            if each.start == position:
                return each
        return None

    def word_start(self, position: int) -> int:
        """Where the word begins that is spoken at a position; the same position where none is, or it is too long."""
        utterance = self.within(position)
        start = utterance.word_start(position) if utterance is not None else position
        return start if start >= self.track.start else position

    def clear(self, position: int) -> None:
        """Begin anew at a position."""
        self.utterances.clear()
        self.track.cut(position)
