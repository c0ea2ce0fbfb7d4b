"""Where a voice is in a recording."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.simulator.speech import recorded
from mediasrv.simulator.voice import Span, levels_db, utterances, voiced

RATE = 8000


def tone(duration_ms: int, level: float = -20.0, rate_hz: int = RATE) -> NDArray[np.int16]:
    """A 400 Hz sine of an RMS level in dB relative to full scale."""
    amplitude = 32768 * 10 ** (level / 20) * np.sqrt(2)
    time_s = np.arange(duration_ms * rate_hz // 1000) / rate_hz
    pcm: NDArray[np.int16] = np.round(amplitude * np.sin(2 * np.pi * 400 * time_s)).astype(np.int16)
    return pcm


def silence(duration_ms: int) -> NDArray[np.int16]:
    return np.zeros(duration_ms * RATE // 1000, np.int16)


def test_the_level_of_a_tone_is_its_rms() -> None:
    assert levels_db(tone(100, -33), 80) == pytest.approx(-33, abs=0.1)


def test_digital_silence_has_the_lowest_level() -> None:
    assert list(levels_db(silence(20), 80)) == [-120, -120]


def test_a_clip_is_voiced_from_its_first_to_its_last_loud_window() -> None:
    noise = np.random.default_rng(1).normal(0, 40, 3 * RATE).astype(np.int16)
    noise[RATE : RATE + 4000] += tone(500)
    assert voiced(noise, RATE) == Span(RATE, RATE + 4000)


def test_a_pause_inside_a_clip_does_not_end_it() -> None:
    clip = np.concatenate([silence(100), tone(300), silence(600), tone(200), silence(300)])
    assert voiced(clip, RATE) == Span(800, 9600)


def test_a_silent_clip_is_taken_whole() -> None:
    assert voiced(silence(0), RATE) == Span(0, 0)
    assert voiced(silence(100), RATE) == Span(0, 800)


def test_recorded_speech_is_trimmed_but_not_clipped() -> None:
    for clip in recorded().values():
        span = voiced(clip.pcm, clip.rate_hz)
        inside = clip.pcm[span.begin : span.end]
        assert np.abs(clip.pcm.astype(int)).max() == np.abs(inside.astype(int)).max()
        assert 0.6 * len(clip.pcm) < len(inside) < len(clip.pcm)


def test_utterances_begin_and_end_with_audible_samples() -> None:
    heard = np.concatenate([silence(500), tone(400), silence(1000), tone(300), silence(100)])
    spans = utterances(heard, RATE)
    assert [span.begin for span in spans] == pytest.approx([4000, 15200], abs=2)
    assert [span.end for span in spans] == pytest.approx([7200, 17600], abs=2)


def test_a_short_pause_is_part_of_an_utterance() -> None:
    assert len(utterances(np.concatenate([tone(100), silence(190), tone(100)]), RATE)) == 1
    assert len(utterances(np.concatenate([tone(100), silence(220), tone(100)]), RATE)) == 2


def test_comfort_noise_and_a_click_are_not_speech() -> None:
    noise = np.random.default_rng(2).normal(0, 18, RATE).astype(np.int16)
    noise[4000] = 500
    assert utterances(noise, RATE) == []
    assert utterances(tone(500, -60), RATE) == []
    assert utterances(silence(0), RATE) == []
