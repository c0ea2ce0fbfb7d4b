from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, lists

from mediasrv.audio import g711
from tests import naive

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32768, 32768).astype(np.int16)

# G.711 tables 1a and 2a: decision values and decoder outputs, in the units of the tables. A segment is given by its
# lower decision value, its number of intervals and their width.
ALAW_SEGMENTS = ((0, 32, 2), (64, 16, 4), (128, 16, 8), (256, 16, 16), (512, 16, 32), (1024, 16, 64), (2048, 16, 128))
ULAW_SEGMENTS = (
    (0, 1, 1),
    (1, 15, 2),
    (31, 16, 4),
    (95, 16, 8),
    (223, 16, 16),
    (479, 16, 32),
    (991, 16, 64),
    (2015, 16, 128),
    (4063, 16, 256),
)


def table(segments: tuple[tuple[int, int, int], ...], unit: int) -> list[tuple[int, int, float]]:
    """Positive intervals in 16-bit units: from, up to (exclusive), and the output in their middle."""
    return [
        (unit * (low + i * width), unit * (low + (i + 1) * width), unit * (low + (i + 0.5) * width))
        for low, count, width in segments
        for i in range(count)
    ]


def test_all_ulaw_codes_decode_as_the_reference_does() -> None:
    assert g711.decode_ulaw(ALL_CODES).tolist() == naive.decode_ulaw(ALL_CODES)


def test_all_samples_encode_to_ulaw_as_the_reference_does() -> None:
    assert g711.encode_ulaw(ALL_SAMPLES) == naive.encode_ulaw(ALL_SAMPLES.tolist())


def test_all_alaw_codes_decode_as_the_reference_does() -> None:
    assert g711.decode_alaw(ALL_CODES).tolist() == naive.decode_alaw(ALL_CODES)


def test_all_samples_encode_to_alaw_as_the_reference_does() -> None:
    assert g711.encode_alaw(ALL_SAMPLES) == naive.encode_alaw(ALL_SAMPLES.tolist())


def test_alaw_follows_the_decision_values_of_the_recommendation() -> None:
    intervals = table(ALAW_SEGMENTS, unit=8)
    assert len(intervals) == 128
    for number, (low, high, output) in enumerate(intervals):
        positive, negative = 0x80 | number, number
        inside = np.array([low, high - 1], np.int16)
        assert g711.encode_alaw(inside) == bytes([positive ^ 0x55] * 2)
        assert g711.encode_alaw(~inside) == bytes([negative ^ 0x55] * 2)
        assert g711.decode_alaw(bytes([positive ^ 0x55, negative ^ 0x55])).tolist() == [output, -output]


def test_ulaw_follows_the_decision_values_of_the_recommendation() -> None:
    intervals = table(ULAW_SEGMENTS, unit=4)
    assert len(intervals) == 128
    for number, (low, high, middle) in enumerate(intervals):
        positive, negative = 0xFF - number, 0x7F - number
        # The first interval reaches across zero, so its middle is zero.
        output = middle if number else 0
        inside = np.array([low, min(high, 32768) - 1], np.int64).astype(np.int16)
        assert g711.encode_ulaw(inside) == bytes([positive] * 2)
        assert g711.encode_ulaw(~inside) == bytes([negative] * 2)
        assert g711.decode_ulaw(bytes([positive, negative])).tolist() == [output, -output]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the standard library has no audioop any more")
def test_the_standard_library_agrees_but_for_the_fraction_of_negative_samples_in_ulaw() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    linear = ALL_SAMPLES.tobytes()
    assert g711.decode_ulaw(ALL_CODES).tobytes() == audioop.ulaw2lin(ALL_CODES, 2)
    assert g711.decode_alaw(ALL_CODES).tobytes() == audioop.alaw2lin(ALL_CODES, 2)
    assert g711.encode_alaw(ALL_SAMPLES) == audioop.lin2alaw(linear, 2)
    ours = np.frombuffer(g711.encode_ulaw(ALL_SAMPLES), np.uint8)
    theirs = np.frombuffer(audioop.lin2ulaw(linear, 2), np.uint8)
    differing = ALL_SAMPLES[ours != theirs]
    # Four samples at each of the 127 negative decision values.
    assert differing.size == 4 * 127
    assert differing.max() == -1
    decisions = [-low for low, _, _ in table(ULAW_SEGMENTS, unit=4)[1:]]
    assert sorted(differing.tolist()) == sorted(low + i for low in decisions for i in range(4))


def test_every_code_survives_a_round_trip_but_minus_zero() -> None:
    assert g711.encode_alaw(g711.decode_alaw(ALL_CODES)) == ALL_CODES
    assert g711.encode_ulaw(g711.decode_ulaw(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


def test_what_was_decoded_once_stays_as_it_is() -> None:
    for decode, encode in ((g711.decode_ulaw, g711.encode_ulaw), (g711.decode_alaw, g711.encode_alaw)):
        once = decode(encode(ALL_SAMPLES))
        assert np.array_equal(decode(encode(once)), once)


def test_silence_is_the_code_of_zero() -> None:
    zero = np.zeros(1, np.int16)
    assert g711.encode_ulaw(zero) == g711.ULAW_SILENCE
    assert g711.encode_alaw(zero) == g711.ALAW_SILENCE
    assert g711.decode_ulaw(g711.ULAW_SILENCE).tolist() == [0]


@given(payload=binary(max_size=480))
def test_decoding_agrees_with_naive(payload: bytes) -> None:
    assert g711.decode_ulaw(payload).tolist() == naive.decode_ulaw(payload)
    assert g711.decode_alaw(payload).tolist() == naive.decode_alaw(payload)


@given(samples=lists(integers(-32768, 32767), max_size=480))
def test_encoding_agrees_with_naive(samples: list[int]) -> None:
    pcm = np.array(samples, np.int16)
    assert g711.encode_ulaw(pcm) == naive.encode_ulaw(samples)
    assert g711.encode_alaw(pcm) == naive.encode_alaw(samples)


def test_decoded_samples_are_ours_to_change() -> None:
    pcm = g711.decode_ulaw(b"\x00\x80")
    pcm[0] = 1
    assert pcm.tolist() == [1, 32124]


def test_samples_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError):
        g711.encode_ulaw(np.zeros(4, np.float32))
