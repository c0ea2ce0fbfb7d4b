from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists

from mediasrv.audio.l16 import decode_l16, encode_l16


@given(samples=lists(integers(-32768, 32767), max_size=320))
def test_samples_travel_with_the_low_byte_first(samples: list[int]) -> None:
    payload = struct.pack(f"<{len(samples)}h", *samples)
    assert decode_l16(payload).tolist() == samples
    assert encode_l16(np.array(samples, np.int16)) == payload


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of element size"):
        decode_l16(b"\x00\x01\x02")


def test_decoded_samples_are_ours_to_change() -> None:
    pcm = decode_l16(b"\x01\x00")
    assert pcm.dtype == np.int16
    pcm[0] = -5
    assert encode_l16(pcm) == b"\xfb\xff"
