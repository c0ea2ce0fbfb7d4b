"""A stand-in that knows by heart what its callers will say, and hears which of it they are saying.

Each thing that can be said begins with a *cue*: a frame of the line's noise that no other has. Where a cue comes in the
audio, its words follow at the times at which they are spoken, counted in the samples that have come: so no clock and no
second channel takes part, and what is lost or late on the way to the recogniser is lost or late here. A word is known
``lag_ms`` of audio after its end, or at once when a final is asked for, which brings out all that was heard.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson

from native_bench.standins.dictation import FRAME_MS, Dictation, Word

LAG_MS = 150
"""What a streaming recogniser is behind."""

Script = Mapping[bytes, Sequence[Word]]
"""Words by the cue that they follow; times from the end of the cue."""


def write_script(path: Path, script: Iterable[tuple[bytes, Sequence[Word]]]) -> None:
    """Keep a script in a file."""
    rows = [
        (b64encode(cue).decode(), [(each.text, each.start_ms, each.end_ms) for each in said]) for cue, said in script
    ]
    path.write_bytes(orjson.dumps(rows))


@cache
def read_script(path: str) -> Script:
    """Read a script back, once for all sessions."""
    rows = orjson.loads(Path(path).read_bytes())
    return {b64decode(cue): [Word(*word) for word in said] for cue, said in rows}


class Recital(Dictation):
    """Listens to one session."""

    def __init__(self, script: Script, bytes_per_ms: int = 8, lag_ms: int = LAG_MS) -> None:
        super().__init__(bytes_per_ms)
        self._script = script
        self._lag_ms = lag_ms
        self._coming: list[Word] = []

    def settle(self) -> None:
        self._know(self.heard_ms)

    def since(self, ms: int) -> list[Word]:
        """Words that end behind this place; one that began before it begins here."""
        return [Word(word.text, max(word.start_ms, ms), word.end_ms) for word in self.words if word.end_ms > ms]

    def _hear_frame(self, frame: bytes) -> None:
        self.heard_ms += FRAME_MS
        for word in self._script.get(frame, ()):
            self._coming.append(Word(word.text, self.heard_ms + word.start_ms, self.heard_ms + word.end_ms))
        self._know(self.heard_ms - self._lag_ms)
        is_speech = any(word.start_ms < self.heard_ms for word in self._coming if word.end_ms >= self.heard_ms)
        self.quiet_ms = 0 if is_speech else self.quiet_ms + FRAME_MS

    def _know(self, until_ms: int) -> None:
        while self._coming and self._coming[0].end_ms <= until_ms:
            self.words.append(self._coming.pop(0))
