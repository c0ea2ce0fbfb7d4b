"""What the bot says at a stretch, by its position on the playout axis, and how much of it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heard:
    """How an utterance ended."""

    utterance: int
    text: str
    """The words that reached the caller's ear."""
    complete: bool
    """Whether it was heard to its end."""


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
        letters = len(self.text) * (ear - self.start) // (self.end - self.start)
        return self.text[: letters + 1].rpartition(" ")[0].rstrip()


@dataclass(slots=True)
class Utterance:
    """One thing the bot says: a greeting, a reply, a prompt; ``end`` grows while its audio is queued."""

    number: int
    start: int
    end: int
    phrases: list[Phrase] = field(default_factory=list)
    closed: bool = False
    """Whether all of its audio is queued."""

    def heard(self, ear: int) -> Heard:
        """The settlement when the ear has come no further than a position."""
        spoken = [words for phrase in self.phrases if (words := phrase.text_until(ear))]
        return Heard(self.number, " ".join(spoken), self.closed and ear >= self.end)
