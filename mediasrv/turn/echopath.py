"""A path of echo that is known: how much later our voice comes back on it, how much fainter, and how faithfully.

A frame is echo when it is no louder than what is due on the path, and like what was played. Likeness alone would not
do: in the faint ends of our words noise covers it. Loudness alone would not do either, for a caller may be faint.
So a frame is judged by three things, each known from frames before:

- how far it is over what is due (the reference, so much later and fainter) together with the noise of the line;
- what of it is unlike the reference, against what is usual on this path;
- whether the caller has just been heard over us: then he is believed to go on until we alone are heard again.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.correlate import FRAME_SAMPLES, RATE_HZ, Correlator, Likeness, energy, energy_at
from mediasrv.audio.format import samples_in
from mediasrv.turn.played import Played

LOUD_ENERGY = energy_at(-50.0)
"""What is played more faintly is not expected to be heard coming back."""

# Delays that are looked at, to either side. A jitter buffer on the way, or two clocks, move an echo by less than that
# between two things we say.
NEAR_MS = 12
# What moves slowly is followed slowly, lest a likeness of one vowel with another, a pitch period off, lead us away.
STEP_SAMPLES = 2
AGREEING_SAMPLES = 4

# A frame this much like what was played is echo as long as it is not far over what is due.
LIKE_SCORE, LIKE_DB = 0.35, 6.0
# One that is not is echo when those before it were like it, down to a quarter of the amplitude or so.
KEPT_SCORE, KEPT_DB = 0.12, 4.0
# What is unlike may be this much more than usual, or over the noise.
UNLIKE_RATIO, NOISE_RATIO = 2.0, 2.0
USUAL_UNLIKE = 0.7
# The caller is heard when two frames in turn are this far over what is due, and then believed for so many more unless
# frames add up to this.
CALLER_DB, CALLER_FRAMES, CALLER_SCORE = 8.0, 10, 0.5
# Learning rates of gain and unlikeness, from frames that match.
GAIN_RATE, UNLIKE_RATE = 0.1, 0.05
CLEAR_OF_NOISE = 8.0
# Noise is the faintest voice so far, which may grow by 2 dB a second.
NOISE_GROWTH = 1.01

# Each match makes us surer of the path, each frame without one less sure, until it is lost.
FIRST_TRUST, PROVEN_TRUST, MOST_TRUST = 5, 12, 25
UNPROVEN_SCORE = 0.25


class EchoPath:
    """One path, from the frame in which it was found to the one in which it is lost."""

    def __init__(self, delay: int, gain_db: float) -> None:
        self.delay = delay
        """Samples of 8 kHz."""
        self.gain_db = gain_db
        """Level of the echo over what was played, dB."""
        self._trust = FIRST_TRUST
        self._noise = math.inf
        self._unlike = USUAL_UNLIKE
        self._caller_frames = 0
        self._over_db = 0.0
        self._near = self._centred()

    @property
    def is_lost(self) -> bool:
        """Whether too little has matched for the path to be believed in."""
        return self._trust <= 0

    def due(self, played: Played, at: int) -> float:
        """Energy of what was played 20 ms before ``at`` less the delay, or shortly before, for rooms ring on."""
        start = at - self.delay - FRAME_SAMPLES
        now, before, long_before = (
            energy(played.between(start - back, start - back + FRAME_SAMPLES))
            for back in (0, FRAME_SAMPLES, 2 * FRAME_SAMPLES)
        )
        return max(now, before, long_before / 2)

    def judge(self, frame: NDArray[np.int16], played: Played, at: int, keep: float) -> bool:
        """Return whether the voice in a band-limited frame that ends at ``at`` is echo; older frames count ``keep``."""
        near = self._near
        reference = played.between(at - FRAME_SAMPLES - near.longest, at - near.shortest)
        like = near.compare(frame, reference, keep)
        own, exact = energy(frame), energy(played.between(at - FRAME_SAMPLES - like.frame_delay, at - like.frame_delay))
        played_energy = max(self.due(played, at), exact)
        due = played_energy * 10 ** (self.gain_db / 10)
        self._noise = min(self._noise * NOISE_GROWTH, own)
        over_db = 10 * math.log10((own + 1) / (due + self._noise + 1))
        trusted = self._trusts(like, over_db) and own * (1 - like.frame_score) <= self._usual_rest(due)
        matches = trusted and like.frame_score >= LIKE_SCORE and over_db <= LIKE_DB
        echo = matches or (trusted and like.score >= KEPT_SCORE and over_db <= KEPT_DB)
        if matches:
            self._learn(like, own, exact)
        if echo:
            self._trust = min(self._trust + 1, MOST_TRUST)
        elif played_energy > LOUD_ENERGY:
            self._trust -= 1
        return echo

    def _trusts(self, like: Likeness, over_db: float) -> bool:
        """Whether likeness so far allows for an echo, seeing what else was heard; note the caller's voice."""
        least = CALLER_SCORE if self._caller_frames > 0 else 0.0
        if self._trust < PROVEN_TRUST:
            least = max(least, UNPROVEN_SCORE)
        heard = over_db > CALLER_DB and self._over_db > CALLER_DB
        self._caller_frames = CALLER_FRAMES if heard else max(self._caller_frames - 1, 0)
        self._over_db = over_db
        return like.score >= least

    def _usual_rest(self, due: float) -> float:
        """Energy that may be unlike what was played and yet be echo."""
        return due * self._unlike * UNLIKE_RATIO + self._noise * NOISE_RATIO

    def _learn(self, like: Likeness, own: float, exact: float) -> None:
        if own > CLEAR_OF_NOISE * self._noise:
            self._unlike += UNLIKE_RATE * (1 - like.frame_score - self._unlike)
        self.gain_db += GAIN_RATE * (10 * math.log10((own + 1) / (exact + 1)) - self.gain_db)
        if abs(like.frame_delay - like.delay) <= AGREEING_SAMPLES:
            self.delay += max(-STEP_SAMPLES, min(STEP_SAMPLES, like.delay - self.delay))
        if 2 * abs(self.delay - self._center) > samples_in(NEAR_MS, RATE_HZ):
            self._near = self._centred()

    def _centred(self) -> Correlator:
        self._center = self.delay
        near = samples_in(NEAR_MS, RATE_HZ)
        return Correlator(self.delay - near, self.delay + near)
