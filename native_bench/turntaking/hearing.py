"""What a caller heard, found in the samples: where the bot spoke, where a reply began and ended, where it clicked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.g711 import decode_ulaw, encode_ulaw
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.voice import FULL_SCALE, Span, utterances
from native_bench.turntaking.judgement import Heard
from native_bench.turntaking.material import RATE_HZ, Signal

_HEAD_S = 0.4
# From the end of a reply: the last words, but for what a text's final spaces may make of its length.
_TAIL_S = (0.8, 0.4)
_ALIKE = 0.75
# ITU-T G.711: what mu-law makes of silence, and of the least that is not.
_SILENT = 8
_SILENCE_MS = 20

Pcm = NDArray[np.int16]


class Listener:
    """Knows the reply by heart."""

    def __init__(self, bot: Signal, reply_s: float) -> None:
        """``bot`` is what the voice says from a reply's beginning on, ``reply_s`` how long it does."""
        whole = decode_ulaw(encode_ulaw(np.clip(bot, -32768, 32767).astype(np.int16)))
        head, *tail = (int(RATE_HZ * seconds) for seconds in (_HEAD_S, reply_s - _TAIL_S[0], reply_s - _TAIL_S[1]))
        self._head, self._tail = whole[:head], whole[tail[0] : tail[1]]

    def hear(self, call: Conversation) -> Heard:
        """Listen to a whole call."""
        return Heard(
            rate_hz=RATE_HZ,
            spans=utterances(call.agent, RATE_HZ),
            clears=call.clears,
            heads=places_of(self._head, call.agent),
            tails=places_of(self._tail, call.agent),
        )


def places_of(piece: Pcm, pcm: Pcm) -> list[int]:
    """Where a piece is heard, at whatever level: its first sample there, once for each time."""
    if len(pcm) < len(piece):
        return []
    wanted, heard = piece.astype(np.float64), pcm.astype(np.float64)
    size = 1 << int(len(pcm) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    power = energy[len(piece) :] - energy[: -len(piece)]
    likeness = product[: len(power)] / np.sqrt(np.maximum(power, len(piece) * 100.0) * np.sum(wanted**2))
    places: list[int] = []
    for place in np.flatnonzero(likeness >= _ALIKE):
        if not places or place - places[-1] > len(piece) // 2:
            places.append(int(place))
        elif likeness[place] > likeness[places[-1]]:
            places[-1] = int(place)
    return places


def largest_step_db(pcm: Pcm, begin: int, end: int) -> float | None:
    """The largest step from or to silence, dB below full scale; ``None`` where the voice neither ended nor began."""
    window = pcm[max(0, begin) : end]
    steps = [abs(int(window[place]) - int(window[place - 1])) for place in _edges(window)]
    return 20 * float(np.log10(max(max(steps), 1) / FULL_SCALE)) if steps else None


def silences(pcm: Pcm) -> list[Span]:
    """Stretches of digital silence of some length."""
    silent = np.abs(pcm.astype(np.int32)) <= _SILENT
    changes = np.flatnonzero(np.diff(silent.astype(np.int8))) + 1
    bounds = [0, *changes.tolist(), len(silent)]
    least = RATE_HZ * _SILENCE_MS // 1000
    return [Span(low, high) for low, high in pairwise(bounds) if high - low >= least and silent[low]]


def _edges(pcm: Pcm) -> Sequence[int]:
    """Where these begin and end, within the samples."""
    return [edge for each in silences(pcm) for edge in (each.begin, each.end) if 0 < edge < len(pcm)]
