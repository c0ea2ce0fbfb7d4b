"""Headway: how far a reply's words are ahead of the voice that says them.

A model writes several times faster than anybody speaks. Once a voice has words for a while, those that follow are in no
hurry: whoever reads the model may take many of them at a time, which costs him less than one by one.
"""

from __future__ import annotations

# Nobody speaks so fast, in any script: what is ahead is rather underrated. Quick English has 20 characters a second.
S_PER_CHAR = 0.05


class Headway:
    """One reply's; times are ``now`` in seconds."""

    def __init__(self) -> None:
        self._said_until_s = 0.0

    def give(self, phrase: str, now: float) -> None:
        """The voice is given a phrase, which it says behind those that it has."""
        self._said_until_s = max(self._said_until_s, now) + len(phrase) * S_PER_CHAR

    def ahead_s(self, now: float) -> float:
        """For how long the voice has something to say, whatever comes; below 0 where it has run out of words."""
        return self._said_until_s - now
