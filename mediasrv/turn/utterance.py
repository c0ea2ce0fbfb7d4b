"""What the bot says at a stretch, by its position on the playout axis, and how much of it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Audible:
    """The caller has begun to hear an utterance."""

    utterance: int
    at_s: float
    """When its first sample was heard, in the time of the ledger's ``now``."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How an utterance ended."""

    utterance: int
    text: str
    """The words that reached the caller's ear."""
    complete: bool
    """Whether it was heard to its end."""


Outcome = Audible | Heard
"""What becomes of an utterance: it is heard to begin, unless nothing of it is, and then to end."""


@dataclass(slots=True)
class Phrase:
    """Words on their way to the ear, by position; ``end`` grows while their audio is queued."""

    text: str
    start: int
    end: int

    def text_until(self, ear: int) -> str:
        """The words heard, whole ones by the phrase's mean pace, when the ear is at a position."""
        if ear <= self.start:
            return ""
        if ear >= self.end:
            return self.text
        return self.text[: self._letters(ear) + 1].rpartition(" ")[0].rstrip()

    def word_start(self, position: int) -> int:
        """Where the word begins that is spoken at a position within the phrase; the same position between words."""
        letters = self._letters(position)
        if self.text[letters] == " ":
            return position
        begin = self.text.rfind(" ", 0, letters) + 1
        return self.start + (self.end - self.start) * begin // len(self.text)

    def _letters(self, position: int) -> int:
        """Letters that have been spoken at a position within the phrase."""
        return len(self.text) * (position - self.start) // (self.end - self.start)


@dataclass(slots=True)
class Utterance:
    """One thing the bot says: a greeting, a reply, a prompt; ``end`` grows while its audio is queued."""

    number: int
    start: int
    end: int
    phrases: list[Phrase] = field(default_factory=list)
    closed: bool = False
    """Whether all of its audio is queued."""
    begins_s: float | None = None
    """When its first sample reaches the carrier's speaker by the ledger's model; unknown until it is sent."""
    is_audible: bool = False
    """Whether it was told that the caller hears it."""

    def heard(self, ear: int) -> Heard:
        """The settlement when the ear has come no further than a position."""
        spoken = [words for phrase in self.phrases if (words := phrase.text_until(ear))]
        return Heard(self.number, " ".join(spoken), self.closed and ear >= self.end)

    def word_start(self, position: int) -> int:
        """Where the word begins that is spoken at a position; the same position where none is."""
        for phrase in self.phrases:
            if phrase.start < position < phrase.end:
                return phrase.word_start(position)
        return position

    def parts_at(self, position: int) -> bool:
        """Whether one phrase ends and another begins at a position."""
        return self.start < position and any(phrase.start == position for phrase in self.phrases)
