"""The callee: who, or what, has picked up a call of ours.

Nobody waits for this. The bot speaks as to a human, and what is heard meanwhile tells::

    UNSURE --short hello--> HUMAN --words--> MACHINE | SCREENING --other words--> HUMAN
       +----- words, or a long speech at once ----^         (MACHINE stays)

A mailbox speaks at once and without a pause, a human says one or two words and listens. Words are surer: some are a
mailbox's alone, and of others, which a human may say, it takes two.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.language import Language
from mediasrv.turn.words import words_of

# Speech that began at once, and not in answer to us, and has no pause for so long, is read or recorded.
AT_ONCE_MS = 2000
LONGEST_HELLO_MS = 4000
# Shorter silences are no pauses.
PAUSE_MS = 400
# A human says hello and listens.
SHORTEST_HELLO_MS, SHORT_HELLO_MS, LISTENS_MS = 100, 1600, 800
# After this a machine would have said that it is one, and a human may say what he likes.
KNOWN_AFTER_MS = 30_000
HINTS = 2


class Kind(Enum):
    """Who has picked up."""

    UNSURE = "unsure"
    """Nobody knows yet."""
    HUMAN = "human"
    """Somebody who listens."""
    MACHINE = "machine"
    """An answering machine, a mailbox, or the exchange, which says that nobody answers."""
    SCREENING = "screening"
    """A program that asks for the callee who calls and why, and puts the call through, or not."""


class Callee:
    """Listens to one callee; each method returns whether ``kind`` has changed."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self.kind = Kind.UNSURE
        self._now_ms = 0
        self._began_ms = self._ended_ms = 0

    def hear(self, voiced: bool) -> bool:
        """Take one frame's verdict."""
        self._now_ms += PTIME_MS
        if self._now_ms > KNOWN_AFTER_MS:
            return voiced and self.kind is Kind.UNSURE and self.settle(Kind.HUMAN)
        if not voiced:
            return self._now_ms - self._ended_ms == LISTENS_MS and self._judge_stretch()
        if self._ended_ms == 0 or self._now_ms - self._ended_ms > PAUSE_MS:
            self._began_ms = self._now_ms - PTIME_MS
        self._ended_ms = self._now_ms
        return False

    def _judge_stretch(self) -> bool:
        """Judge the speech that has just ended by its length. Its words, if they tell more, are known by now."""
        length_ms = self._ended_ms - self._began_ms
        if self._began_ms <= AT_ONCE_MS and length_ms >= LONGEST_HELLO_MS:
            return self.kind is not Kind.SCREENING and self.settle(Kind.MACHINE)
        is_hello = SHORTEST_HELLO_MS <= length_ms <= SHORT_HELLO_MS
        return is_hello and self.kind is Kind.UNSURE and self.settle(Kind.HUMAN)

    def read(self, text: str, *, is_final: bool) -> bool:
        """Take the transcript of the present utterance."""
        if self._now_ms > KNOWN_AFTER_MS and self.kind is not Kind.SCREENING:
            return False
        if self.asks_who_calls(text):
            return self.settle(Kind.SCREENING)
        if self._fits(text, self._language.machine, self._language.machine_hints):
            return self.settle(Kind.MACHINE)
        is_answered = self.kind is Kind.SCREENING and is_final and bool(words_of(text))
        return is_answered and not self._says(text, self._language.hold) and self.settle(Kind.HUMAN)

    def asks_who_calls(self, text: str) -> bool:
        """Whether this is what a screening program asks for."""
        return self._fits(text, self._language.screening, self._language.screening_hints)

    def settle(self, kind: Kind) -> bool:
        """Somebody knows."""
        if kind is self.kind or self.kind is Kind.MACHINE:
            return False
        self.kind = kind
        return True

    def _fits(self, text: str, signs: Iterable[str], hints: Iterable[str]) -> bool:
        return self._says(text, signs) > 0 or self._says(text, hints) >= HINTS

    def _says(self, text: str, phrases: Iterable[str]) -> int:
        """How many of the phrases are said."""
        said = f" {' '.join(words_of(text))} "
        return sum(f" {phrase} " in said for phrase in phrases)
