from __future__ import annotations

import numpy as np
import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.audio.resample import Resampler
from mediasrv.audio.transcode import Transcoder

VOICE = np.asarray(8000 * np.sin(np.arange(1600) / 5), np.int16)


def test_audio_in_the_wanted_format_passes_untouched() -> None:
    transcoder = Transcoder(MULAW_8K, AudioFormat(Encoding.MULAW, 8000))
    payload = bytes(range(160))
    assert transcoder.push(payload) is payload
    assert transcoder.flush() == b""


def test_with_equal_rates_only_the_encoding_changes() -> None:
    transcoder = Transcoder(L16_8K, MULAW_8K)
    assert transcoder.push(VOICE.tobytes()) == codec.encode(Encoding.MULAW, VOICE)
    assert transcoder.flush() == b""


@pytest.mark.parametrize("piece_bytes", [2, 320, 3200])
def test_pieces_of_any_size_make_the_same_stream(piece_bytes: int) -> None:
    transcoder = Transcoder(L16_16K, MULAW_8K)
    payload = VOICE.tobytes()
    pieces = [transcoder.push(payload[start : start + piece_bytes]) for start in range(0, len(payload), piece_bytes)]
    resampler = Resampler(16_000, 8000)
    whole = np.concatenate((resampler.push(VOICE), resampler.flush()))
    assert b"".join(pieces) + transcoder.flush() == codec.encode(Encoding.MULAW, whole)
