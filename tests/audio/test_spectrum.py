from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio.spectrum import NEEDED_MS, compare
from native_bench import noises
from tests import naive, noise

NEEDED = NEEDED_MS * 8


def hiss(samples: int, seed: int = 1) -> NDArray[np.int16]:
    return np.round(1000 * noise.white(samples, np.random.default_rng(seed))).astype(np.int16)


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(["hiss", "digit", "silence", "onset"]),
    seed=st.integers(0, 1000),
    longer=st.integers(0, 100),
)
def test_a_comparison_agrees_with_naive(kind: str, seed: int, longer: int) -> None:
    pcm = hiss(NEEDED + longer, seed)
    if kind == "digit":
        tone = noises.pcm(noises.dtmf(noises.DIGITS[seed % 16], 8000, 100), -10.0)
        pcm = (tone[: pcm.size] + pcm // 50).astype(np.int16)
    elif kind == "silence":
        pcm[:] = 0
    elif kind == "onset":
        pcm[:400] = 0
    assert compare(pcm, 8000) == pytest.approx(naive.spectrum(pcm.tolist(), 256, 320, range(6, 110)), rel=1e-6)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_key_sits_on_two_frequencies_and_stays_there(rate_hz: int) -> None:
    found = compare(noises.pcm(noises.dtmf("5", rate_hz, 100), -10.0), rate_hz)
    assert found.concentration > 0.99
    assert found.change_db < 0.1


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_noise_sits_nowhere_and_moves(rate_hz: int) -> None:
    found = compare(hiss(rate_hz * NEEDED_MS // 1000), rate_hz)
    assert found.concentration < 0.35
    assert found.change_db > 3


def test_what_only_grows_louder_has_not_changed() -> None:
    tone = noises.exchange("dial us", 8000, 1.0)[:NEEDED] * np.repeat([0.1, 1.0], NEEDED // 2)
    assert compare(noises.pcm(tone, -10.0), 8000).change_db < 1


def test_silence_has_not_changed() -> None:
    assert compare(np.zeros(NEEDED, np.int16), 8000).change_db == 0


def test_frames_may_be_read_only() -> None:
    pcm = hiss(NEEDED)
    assert compare(np.frombuffer(pcm.tobytes(), np.int16), 8000) == compare(pcm, 8000)


def test_another_rate_or_too_few_samples_are_our_error() -> None:
    with pytest.raises(ValueError, match="not at 44100"):
        compare(np.zeros(9999, np.int16), 44100)
    with pytest.raises(ValueError, match="72 ms"):
        compare(np.zeros(NEEDED - 1, np.int16), 8000)
