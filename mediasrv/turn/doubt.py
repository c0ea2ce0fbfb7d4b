"""Doubt: how far an utterance is from its end, by its words and its voice together.

It is a place on the scale of ``Level``, from complete to being dictated, and each piece of evidence moves it by the
logarithm of how much likelier it is where speakers go on than where they end. So pieces add up, which is logistic
regression; and a wait that grows with doubt in a straight line is the cheapest one: the turn should be ours as soon as
the caller is less likely to go on just now, times the cost of talking over him, than to have finished, times the cost
of waiting on; and the longer a pause has been, the rarer it is that it ends just now, roughly by the same factor for
each further moment (pauses in speech are log-normal: Campione and Veronis, Speech Prosody 2002).

The weights were fitted to the half of ``native_bench``'s recordings that is for tuning: ends of sentences and of
answers of one to three words (days, months, numbers), and pauses put where people pause in mid-sentence. ``python -m
native_bench.doubt`` fits them again. With today's rules of words it gives unsure words 3.1 and few words 0.1; what is
in use makes more of the voice, and of brevity, and so cuts into fewer pauses at the same p99 of waits at ends (85 of
380, against 180). Words after which something must follow are no matter of weights: they are worth more than a voice,
which sinks at many a pause where more is to come.
"""

from __future__ import annotations

import math

from mediasrv.turn.language import Level

# Natural logarithms of odds, rounded, since another draw of pauses moves them by a tenth: what it is worth that words
# are unsure, not complete; a step in the evidence of the voice, which is the logarithm of its own odds; that few words
# were said until now, which seldom are all; and that many were, which more often are.
LEVEL_NATS = 1.8
VOICE_WEIGHT = 1.6
BRIEF_NATS = 1.15
BRIEF_WORDS = 3
LENGTHY_NATS = 1.0
LENGTHY_WORDS = 7
# Where a voice weighs nothing: then fewer than one end of a sentence in a hundred are as doubtful as unsure words.
NEUTRAL_NATS = -0.5
# Certainty is not to be had from a voice.
LEAST_FINALITY = 0.01
# How far voice and length get by themselves, and how much they may make up for words that are missing, in levels.
MOST_DOUBT = 1.5
MOST_TRUST = 0.5


def doubt(level: Level, words: int, finality: float | None, probability: float | None) -> float:
    """Return the place on the scale of levels of an utterance whose last pause has begun.

    ``finality`` is that of its voice (``turn.prosody``), ``probability`` that of an end by a trained detector, which
    moves it by a level at most; each may be unknown.
    """
    place = float(level)
    if finality is not None:
        least = level - (MOST_TRUST if level > Level.UNSURE else 1.0)
        place = max(least, min(level + voice_nats(words, finality) / LEVEL_NATS, max(level, MOST_DOUBT)))
    if probability is not None:
        place += 1 - 2 * probability
    return max(0.0, min(place, max(level, Level.INCOMPLETE)))


def voice_nats(words: int, finality: float) -> float:
    """Return how much a voice, behind so many words, speaks for more to come; negative: for an end."""
    likely = min(max(finality, LEAST_FINALITY), 1 - LEAST_FINALITY)
    length = BRIEF_NATS * (words <= BRIEF_WORDS) - LENGTHY_NATS * (words >= LENGTHY_WORDS)
    return length + VOICE_WEIGHT * (NEUTRAL_NATS - math.log(likely / (1 - likely)))
