"""Audio and marks on their way to a carrier that takes no small pieces of audio.

What is added is held back until it makes a piece. A mark waits for the piece that holds all the audio before it, so it
may come back a little late, never early. Where an utterance ends, what is held back is filled up with silence.
"""

from __future__ import annotations

from collections import deque


class Gatherer:
    """Makes pieces of at least ``least_bytes`` and at most ``most_bytes``, each a multiple of ``unit_bytes``."""

    def __init__(self, least_bytes: int, unit_bytes: int, most_bytes: int, silence: bytes) -> None:
        """``least_bytes`` and ``most_bytes`` are multiples of the unit; ``silence`` is one sample, encoded."""
        self._least = least_bytes
        self._unit = unit_bytes
        self._most = most_bytes
        self._silence = silence
        self._held = bytearray()
        # Names, each with what is held before it.
        self._marks: deque[tuple[int, str]] = deque()

    def add(self, payload: bytes) -> list[bytes | str]:
        """Take audio; return the pieces that it completes, and the marks behind them."""
        if not self._held and self._least <= len(payload) <= self._most and not len(payload) % self._unit:
            return [payload]
        self._held += payload
        return self._take()

    def mark(self, name: str, *, ends: bool) -> list[bytes | str]:
        """Take a mark; ``ends`` tells that nothing follows, so that all that is held back goes."""
        self._marks.append((len(self._held), name))
        if ends and self._held:
            missing = max(self._least - len(self._held), -len(self._held) % self._unit)
            self._held += self._silence * (missing // len(self._silence))
        return self._take()

    def clear(self) -> None:
        """Forget what is held back."""
        self._held.clear()
        self._marks.clear()

    def _take(self) -> list[bytes | str]:
        taken: list[bytes | str] = self._reached()
        while len(self._held) >= self._least:
            size = min(len(self._held) // self._unit * self._unit, self._most)
            taken.append(bytes(self._held[:size]))
            del self._held[:size]
            self._marks = deque((max(0, before - size), name) for before, name in self._marks)
            taken += self._reached()
        return taken

    def _reached(self) -> list[bytes | str]:
        names: list[bytes | str] = []
        while self._marks and not self._marks[0][0]:
            names.append(self._marks.popleft()[1])
        return names
