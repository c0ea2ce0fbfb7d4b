"""What came of the caller's voice, counted over a call, for those who ask how well noises and voices are told apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Outcomes:
    """One call's, so far."""

    utterances: int = 0
    """Times that he began to speak while we did not."""
    wordless: int = 0
    """Utterances that held no word, says the recogniser: a noise was taken for a voice."""
    late_finals: int = 0
    """Utterances whose final was not there in time."""
    suspicions: int = 0
    """Times that there was voice over ours, and we held our breath."""
    barge_ins: int = 0
    """Times that he took the floor from us."""
    backchannels: int = 0
    """Suspicions that came to nothing, and held words: he let us know that he is listening."""
    noises: int = 0
    """Suspicions that came to nothing, and held none."""
