from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.audio.onset import LEAST_MS, MOST_MS, Onset

FORMATS = [MULAW_8K, L16_8K, L16_16K]


def quiet(ms: int, audio: AudioFormat) -> bytes:
    return codec.encode(audio.encoding, np.full(audio.samples_of(bytes(audio.bytes_in(ms))), 8, np.int16))


def voice(ms: int, audio: AudioFormat) -> bytes:
    samples = np.arange(audio.samples_of(bytes(audio.bytes_in(ms))))
    return codec.encode(audio.encoding, (8000 * np.cos(samples)).astype(np.int16))


def heard(pieces: Iterable[bytes], audio: AudioFormat) -> list[bytes]:
    onset = Onset(audio)
    return [onset.cut(piece) for piece in pieces]


def ms_of(payload: bytes, audio: AudioFormat) -> float:
    return 1000 * audio.samples_of(payload) / audio.rate_hz


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_silence_before_the_voice_is_cut_up_to_a_soft_start(audio: AudioFormat) -> None:
    (piece,) = heard([quiet(100, audio) + voice(200, audio)], audio)
    assert ms_of(piece, audio) == 210
    assert piece[-audio.bytes_in(195) :] == voice(200, audio)[-audio.bytes_in(195) :]
    assert abs(int(codec.decode(audio.encoding, piece)[0])) <= 8


def test_a_voice_that_begins_at_once_is_left_as_it_is() -> None:
    said = voice(200, MULAW_8K)
    assert heard([said, quiet(100, MULAW_8K)], MULAW_8K) == [said, quiet(100, MULAW_8K)]


def test_pieces_of_nothing_but_silence_are_dropped_and_the_voice_begins_softly() -> None:
    dropped, nothing, piece = heard([quiet(80, MULAW_8K), b"", voice(100, MULAW_8K)], MULAW_8K)
    assert (dropped, nothing) == (b"", b"")
    assert ms_of(piece, MULAW_8K) == 100
    assert abs(int(codec.decode(MULAW_8K.encoding, piece)[0])) <= 8
    assert piece[40:] == voice(100, MULAW_8K)[40:]


def test_a_longer_silence_is_meant() -> None:
    (piece,) = heard([quiet(1000, MULAW_8K)], MULAW_8K)
    assert ms_of(piece, MULAW_8K) == 1000 - MOST_MS
    pieces = heard([quiet(100, MULAW_8K)] * 6, MULAW_8K)
    assert sum(ms_of(each, MULAW_8K) for each in pieces) == 600 - MOST_MS
    late = heard([quiet(400, MULAW_8K) + voice(100, MULAW_8K)], MULAW_8K)
    assert ms_of(late[0], MULAW_8K) == 500 - MOST_MS


def test_the_piece_in_which_the_voice_begins_is_not_made_too_short() -> None:
    (piece,) = heard([quiet(80, MULAW_8K) + voice(20, MULAW_8K)], MULAW_8K)
    assert ms_of(piece, MULAW_8K) == LEAST_MS
    short = quiet(20, MULAW_8K) + voice(20, MULAW_8K)
    assert heard([short], MULAW_8K) == [short]


@given(lists(integers(0, 60), min_size=1, max_size=12), sampled_from(FORMATS))
def test_of_the_voice_itself_nothing_is_lost_however_it_is_cut(sizes: list[int], audio: AudioFormat) -> None:
    whole = quiet(120, audio) + voice(400, audio)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(whole[at : at + audio.bytes_in(size)])
        at += len(pieces[-1])
    out = b"".join(heard([*pieces, whole[at:]], audio))
    assert len(out) >= audio.bytes_in(400)
    assert out.endswith(whole[-audio.bytes_in(390) :])
