from __future__ import annotations

import numpy as np
import pytest

from mediasrv.audio import codec, g711, l16
from mediasrv.audio.format import Encoding


@pytest.mark.parametrize(
    ("encoding", "module_decode", "module_encode"),
    [
        (Encoding.MULAW, g711.decode_ulaw, g711.encode_ulaw),
        (Encoding.ALAW, g711.decode_alaw, g711.encode_alaw),
        (Encoding.L16, l16.decode_l16, l16.encode_l16),
    ],
)
def test_each_encoding_has_its_own_pair(encoding: Encoding, module_decode, module_encode) -> None:  # type: ignore[no-untyped-def]
    payload = bytes(range(256))
    pcm = codec.decode(encoding, payload)
    assert np.array_equal(pcm, module_decode(payload))
    assert codec.encode(encoding, pcm) == module_encode(pcm)


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_is_known(encoding: Encoding) -> None:
    pcm = np.array([-20000, -8, 8, 20000], np.int16)
    decoded = codec.decode(encoding, codec.encode(encoding, pcm))
    assert np.all(abs(decoded.astype(int) - pcm) <= abs(pcm.astype(int)) // 16 + 8)


def test_half_a_sample_of_l16_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        codec.decode(Encoding.L16, b"\x00")
