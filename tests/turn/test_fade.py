from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.codec import decode, encode
from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.turn.fade import ATTACK_MS, FADE_MS, fade_in, fade_out
from tests import naive


@given(payload=st.binary(max_size=400))
def test_a_fade_agrees_with_naive(payload: bytes) -> None:
    assert fade_out(payload, MULAW_8K) == naive.die_away(payload)
    attack = MULAW_8K.bytes_in(ATTACK_MS)
    assert fade_in(payload, MULAW_8K) == naive.begin_softly(payload[:attack]) + payload[attack:]


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
def test_a_fade_falls_from_all_to_nothing_and_rises_likewise(audio: AudioFormat) -> None:
    loud = encode(audio.encoding, np.full(audio.rate_hz * FADE_MS // 1000, 30000, np.int16))
    falling = decode(audio.encoding, fade_out(loud, audio))
    rising = decode(audio.encoding, fade_in(loud, audio))
    assert falling[0] == pytest.approx(30000, rel=0.02)
    assert falling[-1] == 0
    assert all(np.diff(falling) <= 0)
    assert rising[0] < 300
    assert all(np.diff(rising) >= 0)
    assert fade_in(loud, audio)[audio.bytes_in(ATTACK_MS) :] == loud[audio.bytes_in(ATTACK_MS) :]
