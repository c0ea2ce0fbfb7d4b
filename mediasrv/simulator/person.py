"""Who is at the caller's end of the line: a script, or somebody with a microphone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mediasrv.simulator.voice import Span


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does in one ptime."""

    payload: bytes
    """What the mouth gives: one frame, encoded."""
    digits: str = ""
    """Keys pressed."""
    hangs_up: bool = False
    """Whether this frame is the last of the call."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something a person said, for the report."""

    name: str
    """Which clip it was."""
    text: str
    """What was said, where known."""
    voiced: Span
    """From the first to the last voiced sample, in media time."""


class Person(Protocol):
    """One party of a call, in lock-step with the line: a frame in the ear for each frame out of the mouth."""

    said: list[Said]
    """What was said so far, in order; known only of a script."""

    def exchange(self, heard: bytes) -> Act:
        """Live through one ptime: hear one frame, encoded in the stream's format, and give one.

        It is a plain call on the path of every frame and returns at once.
        """

    def leave(self) -> None:
        """The call is over; safe to call twice. Nothing is exchanged any more."""
