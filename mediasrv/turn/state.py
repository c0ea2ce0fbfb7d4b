"""Who has the floor.

::

    LISTENING --voice--> HEARING --endpoint--> THINKING --first audio--> SPEAKING --all heard--> LISTENING
        ^                  |  ^                   |                          |
        +---- no words ----+  +-- speaks again ---+                          |
        +-----------------------------------------+-- nothing to say         |
                              ^                                              |
                              +------------------ barge-in ------------------+
"""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """Of a call, as the turn machine sees it."""

    LISTENING = auto()
    """Nobody speaks."""
    HEARING = auto()
    """The caller speaks, or pauses."""
    THINKING = auto()
    """The caller has finished and waits for us."""
    SPEAKING = auto()
    """We speak, or hold our breath."""
