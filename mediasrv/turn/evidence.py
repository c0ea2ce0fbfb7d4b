"""What each trait of a voiced frame says for speech, or against it.

Evidence is the logarithm of how much likelier the trait is in the first 240 ms of an utterance than in anything else
that a voice detector takes for voice. The traits are not independent, so their weights were fitted together, by
logistic regression over the steps of the scales (an additive model: Hastie and Tibshirani, Statistical Science 1,
1986), then rounded, and eased by hand for voices under 110 Hz, of which there were few.

They were fitted to one half of 1,700 utterances of some 40 speakers in 14 languages at 20 and 30 dB SNR, of 121
recorded coughs of 16 people, of recorded typing, hold music and instruments, and of the sounds of
``native_bench.noises``; the other half told how well they do.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

# Less is friction, breath or a blow.
APERIODIC_STRENGTH = 0.6
# Aperiodic frames this far under the present one are its own consonant; louder ones are the burst of a cough.
ROUGH_DEPTH_DB = 8.0
FIRST_RISE_DB = 30.0
"""The rise of the first frame of a run, which has nothing before it."""


class Traits(NamedTuple):
    """What there is to say about a frame."""

    level_db: float
    """Level, dB of full scale; says nothing by itself."""
    strength: float
    """How much it repeats itself with the period of a voice, 0 to 1."""
    f0_hz: float
    """Its fundamental; 0 where it has none."""
    movement: float
    """Semitones since the frame before; -1 where one of the two has no pitch. Speech glides, notes stand or jump."""
    change_db: float
    """How far its spectrum has moved in 40 ms, whatever its level."""
    concentration: float
    """Part of its power on two frequencies."""
    rise_db: float
    """Over the loudest of the last frames of the run."""
    rough_frames: int
    """Aperiodic frames just before it that are not much fainter."""


class Scale(NamedTuple):
    """Weights between rising edges: the first below the first edge, the last from the last edge on."""

    edges: tuple[float, ...]
    weights: tuple[float, ...]

    def weigh(self, value: float) -> float:
        """The evidence of a value."""
        return self.weights[bisect_right(self.edges, value)]


# fmt: off
STRENGTH = Scale((0.4, 0.6, 0.7, 0.8, 0.9, 0.95), (-1.1, -0.9, -0.5, -0.4, 0.0, 0.4, 1.5))
F0_HZ = Scale((1.0, 66.0, 110.0, 300.0, 350.0), (-0.1, -1.2, 0.4, 0.6, -0.2, -0.4))
MOVEMENT = Scale((0.0, 0.03, 0.1, 0.3, 1.5, 4.0), (-0.1, -1.7, -0.6, 0.2, 0.9, 0.5, -0.6))
CHANGE_DB = Scale((1.0, 2.5, 4.0, 5.5, 7.0), (-1.8, -1.1, -0.7, 0.3, 0.8, 1.2))
CONCENTRATION = Scale((0.6, 0.8, 0.95, 0.99), (0.2, 0.4, -0.1, -0.4, -1.3))
RISE_DB = Scale((-15.0, -6.0, -2.0, 0.0, 6.0), (-0.3, -0.2, -0.5, -0.2, 0.3, 0.1))
ROUGH_FRAMES = Scale((1.0, 2.0, 4.0, 7.0, 11.0), (1.5, 1.1, 0.6, -0.4, -1.7, -1.8))
# fmt: on
PRIOR = -1.1
# The end of a syllable speaks neither for speech nor against it.
FAINT_DB = -15.0


def evidence(traits: Traits) -> float:
    """Return how much a frame speaks for speech: negative against it."""
    total = (
        PRIOR
        + STRENGTH.weigh(traits.strength)
        + F0_HZ.weigh(traits.f0_hz)
        + MOVEMENT.weigh(traits.movement)
        + CHANGE_DB.weigh(traits.change_db)
        + CONCENTRATION.weigh(traits.concentration)
        + RISE_DB.weigh(traits.rise_db)
        + ROUGH_FRAMES.weigh(traits.rough_frames)
    )
    if traits.strength < APERIODIC_STRENGTH:
        total = min(total, 0.0)
    return max(total, 0.0) if traits.rise_db < FAINT_DB else total
