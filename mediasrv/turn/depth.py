"""Depth: how deep the voices of a call were so far, since a stranger's has to give more evidence.

A chord repeats itself after the common period of its notes, which is a long one: of the music that sounds like speech
when it begins, half seems to have a pitch under 110 Hz, of speech one frame in thirty. But men speak as low as that, so
it counts against nobody while it is not known who speaks, nor where a deep voice was heard.
"""

from __future__ import annotations

from collections.abc import Iterable

DEEP_HZ = 110.0
STRANGER = 0.8
"""Evidence that a deep frame has to make up for, where no voice was deep."""

# What is remembered is a share that forgets: of about so many frames that began to be speech, these few were deep.
KNOWN_FRAMES = 8
FEW_DEEP = 0.2


class Depth:
    """One call's, or one line's."""

    __slots__ = ("_deep_share",)

    def __init__(self) -> None:
        self._deep_share = 1.0

    def know(self, f0s_hz: Iterable[float]) -> None:
        """These were pitches of speech."""
        for f0_hz in f0s_hz:
            self._deep_share += ((f0_hz < DEEP_HZ) - self._deep_share) / KNOWN_FRAMES

    def toll(self, f0_hz: float) -> float:
        """What is to be taken off the evidence of a frame with this pitch, 0 where it has none."""
        return STRANGER if 0 < f0_hz < DEEP_HZ and self._deep_share < FEW_DEEP else 0.0
