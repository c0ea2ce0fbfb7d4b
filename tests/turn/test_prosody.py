from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.turn.cues import QUESTION_FINALITY
from mediasrv.turn.prosody import Prosody
from tests.audio.test_pitch import SPEECH, hiss, recorded, voice

SILENCE = np.zeros(160, np.int16)
MIDDLE_HZ = 150.0
# Less than nearly all ends have.
GOES_ON = 0.2


def glide(octaves: float, end: float = 0.0, seconds: float = 0.6) -> NDArray[np.int16]:
    """A voice that moves so far from the middle during its last 200 ms, fading by ``end`` dB, syllable by syllable."""
    at = np.arange(int(seconds * 8000)) / 8000
    late = np.clip((at - seconds + 0.2) / 0.2, 0, 1)
    syllables = 0.65 + 0.35 * np.sin(2 * np.pi * 5 * at)
    return np.asarray(
        voice(MIDDLE_HZ * 2 ** (octaves * late), seconds=seconds) * syllables * 10 ** (end * late / 20), int
    ).astype(np.int16)


def frames(pcm: NDArray[np.int16]) -> Iterable[NDArray[np.int16]]:
    return pcm[: pcm.size // 160 * 160].reshape(-1, 160)


def heard(prosody: Prosody, pcm: NDArray[np.int16], silent_frames: int = 4) -> float | None:
    """A stretch of voice and the beginning of a pause."""
    for frame in frames(pcm):
        prosody.hear(frame, True)
    for _ in range(silent_frames):
        prosody.hear(SILENCE, False)
    return prosody.finality()


def verdict(pcm: NDArray[np.int16], before: Iterable[NDArray[np.int16]] = ()) -> float:
    """Of a stretch, behind others with pauses between them."""
    prosody = Prosody(8000)
    for stretch in before:
        heard(prosody, stretch, silent_frames=20)
    finality = heard(prosody, pcm)
    assert finality is not None
    return finality


def test_a_voice_that_falls_and_fades_has_finished() -> None:
    assert verdict(glide(-0.6, -20)) > 0.75


def test_a_level_voice_cut_at_full_loudness_goes_on() -> None:
    assert verdict(glide(0.0)) < GOES_ON


def test_a_voice_that_rises_a_little_goes_on() -> None:
    assert verdict(glide(0.2)) < verdict(glide(0.0)) < GOES_ON


@pytest.mark.parametrize("end_db", [0, -10, -20])
def test_the_lower_the_end_the_more_it_is_one(end_db: float) -> None:
    assert sorted(by_height := [verdict(glide(octaves, end_db)) for octaves in (0.2, 0, -0.2, -0.4, -0.6)]) == by_height


@pytest.mark.parametrize("octaves", [0.2, 0, -0.4])
def test_the_softer_the_end_the_more_it_is_one(octaves: float) -> None:
    assert sorted(by_fade := [verdict(glide(octaves, end_db)) for end_db in (0, -6, -12, -20)]) == by_fade


def test_a_steep_rise_to_a_high_end_may_be_a_question() -> None:
    assert verdict(glide(0.8)) == QUESTION_FINALITY


def test_the_same_voice_ends_low_or_high_by_the_range_of_its_speaker() -> None:
    low, high = voice(100, seconds=0.6), voice(200, seconds=0.6)
    plain = verdict(glide(0, -12))
    assert verdict(glide(0, -12), before=[high] * 3) > plain + 0.2
    assert verdict(glide(0, -12), before=[low] * 3) < plain / 2


def test_nothing_is_said_before_any_voice() -> None:
    prosody = Prosody(8000)
    assert prosody.finality() is None
    prosody.hear(SILENCE, False)
    assert prosody.finality() is None


@pytest.mark.parametrize(
    "pcm", [hiss(4800), np.zeros(4800, np.int16), voice(150, seconds=0.1), voice(150, seconds=0.02)[:160]]
)
def test_too_little_pitch_is_no_judgement(pcm: NDArray[np.int16]) -> None:
    assert heard(Prosody(8000), pcm) is None


def test_a_judgement_is_kept_through_the_pause_and_made_anew_after_more_voice() -> None:
    prosody = Prosody(8000)
    first = heard(prosody, glide(-0.6, -20))
    for _ in range(100):
        prosody.hear(SILENCE, False)
        assert prosody.finality() == first
    second = heard(prosody, glide(0.2))
    assert first is not None
    assert second is not None
    assert second < first


def test_what_was_before_a_pause_is_no_part_of_the_stretch_after_it() -> None:
    prosody = Prosody(8000)
    heard(prosody, voice(150), silent_frames=11)
    assert heard(prosody, hiss(1600)) is None
    assert heard(prosody, voice(150), silent_frames=10) is not None
    assert heard(prosody, hiss(1600)) is not None


def test_sixteen_kilohertz_sound_alike() -> None:
    prosody = Prosody(16000)
    for frame in voice(150, 16000, 0.6).reshape(-1, 320):
        prosody.hear(frame, True)
    finality = prosody.finality()
    assert finality is not None
    assert finality == pytest.approx(verdict(voice(150, seconds=0.6)), abs=0.05)


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        Prosody(8000).hear(np.zeros(320, np.int16), True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 25)), min_size=1, max_size=8), st.integers(0, 99))
def test_the_window_is_the_end_of_the_last_stretch(runs: list[tuple[bool, int]], seed: int) -> None:
    verdicts = [voiced for voiced, length in runs for _ in range(length)]
    line = (glide(-0.3, -6, seconds=len(verdicts) / 50) + hiss(160 * len(verdicts), 200, seed)).reshape(-1, 160)
    prosody, stretch, after = Prosody(8000), [SILENCE][:0], [SILENCE][:0]
    for frame, voiced in zip(line.astype(np.int16), verdicts, strict=True):
        prosody.hear(frame, voiced)
        after.append(frame)
        if voiced:
            stretch = (stretch + after if stretch and len(after) <= 11 else [frame])[-30:]
            after = []
    expected = heard(Prosody(8000), np.concatenate([SILENCE[:0], *stretch]), silent_frames=0)
    assert prosody.finality() == expected


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=3200, max_size=16000), st.floats(60, 400), st.floats(0, 1))
def test_a_judgement_is_a_likelihood(noise: bytes, f0_hz: float, part: float) -> None:
    rough = np.frombuffer(noise[: len(noise) // 2 * 2], np.int16)
    finality = heard(
        Prosody(8000), (part * voice(f0_hz, seconds=1)[: rough.size] + (1 - part) * rough).astype(np.int16)
    )
    assert finality is None or 0 <= finality <= 1


CLIPS = sorted(json.loads((SPEECH / "transcripts.json").read_text()))


def narrow(name: str) -> NDArray[np.int16]:
    pcm = recorded(name)
    return np.ascontiguousarray(pcm[: pcm.size // 320 * 320].reshape(-1, 2).mean(axis=1), np.int16)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("at", [0.4, 0.6, 0.8, 1.0])
def test_the_codec_does_not_change_the_judgement_of_recorded_voices(name: str, at: float) -> None:
    pcm = narrow(name)[: int(narrow(name).size * at)]
    coded = g711.decode_ulaw(g711.encode_ulaw(pcm))
    before, after = heard(Prosody(8000), pcm), heard(Prosody(8000), coded)
    assert (before is None) == (after is None)
    if before is not None:
        assert after == pytest.approx(before, abs=0.2)


def test_recorded_voices_cut_in_mid_phrase_mostly_go_on() -> None:
    """Cut at every 20 ms of their middle, whatever is there: also at the ends of words and in consonants."""
    verdicts = []
    for name in CLIPS:
        pcm = narrow(name)
        prosody = Prosody(8000)
        for place, frame in enumerate(frames(pcm)):
            prosody.hear(frame, True)
            if 0.3 < place * 160 / pcm.size < 0.7 and (finality := prosody.finality()) is not None:
                verdicts.append(finality)
    assert len(verdicts) > 200
    assert np.median(verdicts) < GOES_ON
    assert np.mean(np.array(verdicts) > 0.5) < 0.2
