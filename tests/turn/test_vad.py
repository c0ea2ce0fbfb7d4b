from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import webrtcvad
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.turn.gate import FADING_DB, FADING_FRAMES, FAINTEST_VOICE_DB
from mediasrv.turn.vad import VoiceDetector
from tests import hearing, noise
from tests.noise import Signal
from tests.turn.parts import StepByStep

STEADY = ("white", "pink")
NOISES = pytest.mark.parametrize("kind", hearing.NOISES)
SNRS = pytest.mark.parametrize("snr_db", [40, 20, 10])
LEVELS = pytest.mark.parametrize("level_dbfs", [-26, -16])

# What must be found, and what may be called voice of the noise: a little worse than what is measured.
BOUNDS = {
    ("white", 40): (0.95, 0.02),
    ("pink", 40): (0.95, 0.02),
    ("babble", 40): (0.95, 0.03),
    ("white", 20): (0.94, 0.02),
    ("pink", 20): (0.94, 0.02),
    ("babble", 20): (0.91, 0.09),
    ("white", 10): (0.87, 0.02),
    ("pink", 10): (0.89, 0.02),
    ("babble", 10): (0.76, 0.09),
}


def at(level_dbfs: float, signal: Signal) -> Signal:
    """Scale a signal of unit power."""
    return signal * 32768 * 10 ** (level_dbfs / 20)


def white(level_dbfs: float, ms: int, seed: int = 1, rate_hz: int = 8000) -> Signal:
    return at(level_dbfs, noise.white(ms * rate_hz // 1000, np.random.default_rng(seed)))


def pink(level_dbfs: float, ms: int, seed: int = 1) -> Signal:
    return at(level_dbfs, noise.pink(ms * 8, np.random.default_rng(seed)))


def silence(ms: int) -> Signal:
    return np.zeros(ms * 8)


def hum(level_dbfs: float, ms: int) -> Signal:
    """A voice that says "mmm": harmonics of 120 Hz, weaker as they rise."""
    phase = 2 * np.pi * 120 * np.arange(ms * 8)[:, None] / 8000
    return at(level_dbfs, noise.unit_power(np.sum(np.sin(phase * np.arange(1, 25)) / np.arange(1, 25), axis=1)))


def frames(*signals: Signal, rate_hz: int = 8000) -> list[NDArray[np.int16]]:
    pcm = np.clip(np.round(np.concatenate(signals)), -32768, 32767).astype(np.int16)
    return list(pcm.reshape(-1, rate_hz // 50))


def verdicts(heard: list[NDArray[np.int16]], detector: VoiceDetector | None = None) -> NDArray[np.bool_]:
    detector = detector or VoiceDetector(8000)
    return np.array([detector.hear(frame) for frame in heard])


@cache
def ours(kind: str, snr_db: float, level_dbfs: float) -> hearing.Rates:
    """How well we hear each clip in this noise."""
    return hearing.rate(hearing.ours, hearing.scenes(kind, snr_db, level_dbfs))


def alone(mode: int) -> Callable[[], hearing.Detector]:
    """webrtcvad without our gate."""

    def make() -> hearing.Detector:
        vad = webrtcvad.Vad(mode)
        return lambda frame: bool(vad.is_speech(frame.tobytes(), 8000))

    return make


@pytest.fixture(scope="module")
def clean() -> hearing.Scene:
    """A clip in its own room and hardly any other noise."""
    return hearing.scenes("white", 40)[0]


def pcm(scene: hearing.Scene) -> Signal:
    return np.concatenate(scene.frames).astype(np.float64)


@NOISES
@SNRS
@LEVELS
def test_human_speech_is_told_from_noise(kind: str, snr_db: int, level_dbfs: int) -> None:
    rates = ours(kind, snr_db, level_dbfs)
    found, false = BOUNDS[kind, snr_db]
    assert rates.found >= found
    assert rates.false <= false


@pytest.mark.parametrize("kind", STEADY)
@SNRS
@LEVELS
def test_onsets_and_pauses_are_noticed_soon(kind: str, snr_db: int, level_dbfs: int) -> None:
    rates = ours(kind, snr_db, level_dbfs)
    assert rates.onset_ms[0] <= 60
    assert rates.offset_ms[0] <= 60
    assert rates.offset_ms[1] <= 120


@pytest.mark.parametrize("mode", range(4))
@LEVELS
def test_we_hear_better_than_webrtcvad_alone(mode: int, level_dbfs: int) -> None:
    """By the part of voice found less that of noise called voice."""
    gains = {}
    for kind, snr_db in BOUNDS:
        scenes = hearing.scenes(kind, snr_db, level_dbfs)
        we, they = ours(kind, snr_db, level_dbfs), hearing.rate(alone(mode), scenes)
        gains[kind, snr_db] = (we.found - we.false) - (they.found - they.false)
    assert np.mean(list(gains.values())) > 0.05


@NOISES
def test_loud_noise_is_all_voice_to_webrtcvad_alone_and_not_to_us(kind: str) -> None:
    scenes = hearing.scenes(kind, 10, -16)
    assert hearing.rate(alone(0), scenes).false > 0.95
    assert hearing.rate(hearing.ours, scenes).false < 0.10


def test_sixteen_kilohertz_are_heard_as_well_as_eight(clean: hearing.Scene) -> None:
    narrow = pcm(clean)
    # Zeroes between the samples make images over 4 kHz, which lie outside the telephone band.
    doubled = np.fft.irfft(np.pad(np.fft.rfft(narrow), (0, narrow.size // 2)), 2 * narrow.size) * 2
    rng = np.random.default_rng(4)
    added = at(-46, noise.white(2 * narrow.size, rng))
    heard = verdicts(frames(doubled + added, rate_hz=16000), VoiceDetector(16000))
    assert heard[clean.voice].mean() > 0.93
    assert heard[clean.silence].mean() < 0.02


@pytest.mark.parametrize("level_dbfs", [-70, -50, -30, -15])
def test_a_call_that_begins_in_noise_has_no_voice_in_it(level_dbfs: float) -> None:
    assert not verdicts(frames(white(level_dbfs, 4000))).any()
    assert not verdicts(frames(pink(level_dbfs, 4000))).any()


def test_a_call_that_begins_in_mid_word_is_heard_before_long() -> None:
    found = []
    for scene in hearing.scenes("white", 40):
        first = scene.spurts[0][0] + 4
        heard = verdicts(scene.frames[first:])
        assert heard[:25].any()
        assert heard[scene.silence[first:]].mean() < 0.05
        found.append(heard[50:][scene.voice[first:][50:]].mean())
    assert np.mean(found) > 0.85


def test_speech_right_after_digital_silence_is_heard_at_once(clean: hearing.Scene) -> None:
    first = clean.spurts[0][0]
    heard = verdicts([*frames(silence(1000)), *clean.frames[first:]])
    assert np.flatnonzero(heard)[0] <= 50 + 2


@pytest.mark.parametrize("sound", [white, pink])
def test_noise_that_begins_in_mid_call_is_seen_through_within_300_ms(sound: Callable[..., Signal]) -> None:
    for seed in range(8):
        heard = verdicts(frames(sound(-60, 2000, seed), sound(-36, 3000, seed + 100)))
        assert not heard[:100].any()
        assert not heard[100 + 15 :].any()


def test_speech_in_noise_that_has_just_begun_is_heard(clean: hearing.Scene) -> None:
    speech = pcm(clean)
    start = frames(white(-66, 1000))
    heard = verdicts([*start, *frames(speech + white(-46, speech.size // 8, 5))])[len(start) :]
    assert heard[clean.voice].mean() > 0.92
    assert heard[clean.silence][15:].mean() < 0.02


def test_a_quiet_caller_is_heard_after_loud_noise_has_ended(clean: hearing.Scene) -> None:
    start = frames(white(-36, 3000), white(-66, 1000))
    heard = verdicts([*start, *frames(pcm(clean) * 0.3)])[len(start) :]
    assert heard[clean.voice].mean() > 0.85


def test_a_sudden_crowd_is_background_after_five_seconds() -> None:
    rng = np.random.default_rng(8)
    crowd = at(-40, noise.babble(8000 * 8, hearing.clips(), rng))
    heard = verdicts(frames(white(-65, 2000), crowd))
    assert heard[100 + 250 :].mean() < 0.2


def test_a_tone_is_background_after_three_seconds() -> None:
    places = np.arange(8000 * 5) / 8000
    dial_tone = 3000 * (np.sin(2 * np.pi * 350 * places) + np.sin(2 * np.pi * 440 * places))
    heard = verdicts(frames(white(-60, 1000), dial_tone))
    assert not heard[50 + 140 :].any()


def test_a_caller_who_hums_in_thought_is_still_speaking() -> None:
    heard = verdicts(frames(white(-60, 1000), hum(-30, 1600) + white(-60, 1600, 2), white(-60, 1000, 3)))
    assert heard[50 + 2 : 50 + 80].all()
    assert not heard[50 + 80 + 5 :].any()


def test_digital_silence_is_silence() -> None:
    detector = VoiceDetector(8000)
    assert not verdicts(frames(silence(3000)), detector).any()
    assert detector.level_db == pytest.approx(-120)
    assert detector.floor_db < -65


@pytest.mark.parametrize("codes", [b"\xff", b"\x7f", b"\xff\x7f", b"\xfe\x7e\xff\x7f", b"\xfe\xfe\x7e\x7e\xff"])
def test_an_idle_mulaw_line_is_silence(codes: bytes) -> None:
    rng = np.random.default_rng(2)
    line = g711.decode_ulaw(bytes(rng.choice(np.frombuffer(codes, np.uint8), 160 * 150)))
    assert not verdicts(list(line.reshape(-1, 160))).any()


def test_holes_in_a_noisy_line_are_not_voice() -> None:
    line = white(-40, 10_000)
    for start in range(20_000, 80_000, 8000):
        line[start : start + 1280] = 0
    assert not verdicts(frames(line)).any()


def test_a_line_that_stays_silent_is_a_new_room(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    verdicts(frames(white(-30, 2000)), detector)
    assert detector.floor_db == pytest.approx(-30, abs=4)
    verdicts(frames(silence(200)), detector)
    assert detector.floor_db == pytest.approx(-30, abs=4)
    verdicts(frames(silence(5000)), detector)
    assert detector.floor_db < -60


def test_a_click_is_not_voice() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        line = white(-60, 2000, seed)
        line[8000:8080] += rng.standard_normal(80) * 8000
        assert not verdicts(frames(line)).any()


@pytest.mark.parametrize(("level_dbfs", "swell_db"), [(-60, 3), (-60, 4), (-55, 3)])
def test_a_swell_of_hiss_that_webrtcvad_sees_through_is_not_voice(level_dbfs: float, swell_db: float) -> None:
    for seed in range(4):
        line = white(level_dbfs, 10_000, seed)
        for start in range(16_000, 78_000, 4000):
            line[start : start + 640] *= 10 ** (swell_db / 20)
        assert verdicts(frames(line)).mean() < 0.03


def test_an_offset_of_the_line_changes_nothing(clean: hearing.Scene) -> None:
    plain, offset = (verdicts(frames(pcm(clean) + volts)) for volts in (0, 3000))
    assert (plain[10:] == offset[10:]).mean() > 0.97


@pytest.mark.parametrize(("gain", "found"), [(0.1, 0.75), (0.2, 0.80), (4.0, 0.92), (20.0, 0.92)])
def test_faint_loud_and_clipped_callers_are_heard(gain: float, found: float) -> None:
    """From -46 dBFS to a signal that is little but clipping."""
    for scene in hearing.scenes("white", 40):
        heard = verdicts(frames(pcm(scene) * gain))
        assert heard[scene.voice].mean() > found
        assert heard[scene.silence].mean() < 0.1


def test_someone_far_behind_the_caller_is_not_the_caller(clean: hearing.Scene) -> None:
    near = pcm(clean)
    heard = verdicts(frames(near, near * 10 ** (-32 / 20)))
    assert heard[: len(clean.frames)][clean.voice].mean() > 0.93
    assert heard[len(clean.frames) : len(clean.frames) + 75].mean() < 0.05


def test_a_caller_who_lowers_his_voice_is_still_heard(clean: hearing.Scene) -> None:
    near = pcm(clean)
    heard = verdicts(frames(near, near * 10 ** (-14 / 20)))
    assert heard[len(clean.frames) :][clean.voice].mean() > 0.85


def fading(near: Signal, tail_db: float, tail_ms: int) -> list[bool]:
    """Of the frames of a faint hum behind speech, whether each is its end dying away."""
    detector = VoiceDetector(8000)
    verdicts(frames(near), detector)
    loudness_dbfs = detector.loudness_db
    told = [(detector.hear(frame), detector.fades) for frame in frames(hum(loudness_dbfs + tail_db, tail_ms))]
    assert all(voiced for voiced, fades in told if fades)
    return [fades for _, fades in told]


def spoken(clean: hearing.Scene) -> Signal:
    """Speech up to the end of its last word."""
    return pcm(clean)[: (int(np.flatnonzero(clean.voice)[-1]) + 1) * 160]


def test_a_voice_that_dies_away_fades(clean: hearing.Scene) -> None:
    assert sum(fading(spoken(clean), FADING_DB - 5, 60)) == 3


def test_most_of_a_voice_is_full_and_what_comes_before_its_end_is_not(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    told = [(detector.hear(frame), detector.is_full) for frame in clean.frames]
    full = [is_full for voiced, is_full in told if voiced]
    assert 0.4 < sum(full) / len(full) < 0.9
    ends = [end for _, end in clean.spurts]
    assert sum(told[end - 1][1] for end in ends) < 0.2 * len(ends) + 1


def test_a_voice_that_stays_faint_for_long_is_a_voice(clean: hearing.Scene) -> None:
    told = fading(spoken(clean), FADING_DB - 5, 1000)
    assert any(told[:FADING_FRAMES])
    assert not any(told[FADING_FRAMES:])


def test_a_voice_that_is_hardly_fainter_does_not_fade(clean: hearing.Scene) -> None:
    assert not any(fading(spoken(clean), FADING_DB / 2, 400))


def test_a_faint_voice_behind_silence_does_not_fade(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    verdicts(frames(spoken(clean), silence(400)), detector)
    for frame in frames(hum(detector.loudness_db + FADING_DB - 5, 400)):
        detector.hear(frame)
        assert not detector.fades


def test_what_lasts_only_by_hangover_fades(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    verdicts(frames(spoken(clean)), detector)
    told = [(detector.hear(frame), detector.fades) for frame in frames(silence(100))]
    assert [fades for _, fades in told] == [voiced for voiced, _ in told]


def test_level_and_floor_are_told() -> None:
    detector = VoiceDetector(8000)
    assert detector.floor_db == 0.0
    verdicts(frames(white(-40, 2000)), detector)
    assert detector.level_db == pytest.approx(-40, abs=3)
    assert detector.floor_db == pytest.approx(-40, abs=2)
    detector.hear(frames(at(-20, noise.unit_power(np.sin(np.arange(160)))))[0])
    assert detector.level_db == pytest.approx(-20, abs=3)
    assert detector.floor_db == pytest.approx(-40, abs=2)


def test_loudness_is_forgotten_but_not_below_the_faintest_voice(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    verdicts(clean.frames, detector)
    assert detector.loudness_db > FAINTEST_VOICE_DB + 5
    verdicts(frames(white(-60, 20_000)), detector)
    assert detector.loudness_db == FAINTEST_VOICE_DB


def test_detectors_share_nothing_and_start_anew_after_a_reset(clean: hearing.Scene) -> None:
    detector, other = VoiceDetector(8000), VoiceDetector(8000)
    first = verdicts(clean.frames, detector)
    verdicts(frames(white(-20, 1000)), other)
    again = verdicts(clean.frames, detector)
    assert (first != again).any()
    detector.reset()
    assert (verdicts(clean.frames, detector) == first).all()


def test_a_frame_that_may_not_be_written_to_is_fine(clean: hearing.Scene) -> None:
    frame = np.frombuffer(clean.frames[60].tobytes(), np.int16)
    assert VoiceDetector(8000).hear(frame) is False


def test_verdicts_are_plain_booleans(clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    assert {type(detector.hear(frame)) for frame in clean.frames} == {bool}


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.lists(
        st.tuples(st.sampled_from(["hiss", "hum", "silence", "clip"]), st.floats(-80, 0), st.integers(1, 60)),
        min_size=1,
        max_size=12,
    ),
    rate_hz=st.sampled_from([8000, 16000]),
)
def test_one_step_decides_as_many_do(seed: int, parts: list[tuple[str, float, int]], rate_hz: int) -> None:
    """Parts of a line's sound: what it is, how loud, and how many frames of it."""
    rng = np.random.default_rng(seed)
    detector, slow = VoiceDetector(rate_hz), StepByStep(rate_hz)
    said = [np.tile(frame, rate_hz // 8000).astype(np.float64) for frame in hearing.scenes("white", 40)[0].frames]
    for kind, level_dbfs, count in parts:
        for _ in range(count):
            match kind:
                case "hiss":
                    sound = at(level_dbfs, rng.standard_normal(rate_hz // 50))
                case "hum":
                    sound = hum(level_dbfs, 40)[: rate_hz // 50]
                case "silence":
                    sound = np.zeros(rate_hz // 50)
                case _:
                    sound = said[int(rng.integers(len(said)))]
            frame = np.clip(np.round(sound), -32768, 32767).astype(np.int16)
            assert detector.hear(frame) == slow.hear(frame)
            assert detector.fades == slow.fades
            assert detector.level_db == pytest.approx(slow.level_db, abs=1e-6)
            assert detector.floor_db == pytest.approx(slow.floor_db, abs=1e-6)
            assert detector.loudness_db == pytest.approx(slow.loudness_db, abs=1e-6)


@pytest.mark.parametrize("samples", [0, 80, 159, 161, 320])
def test_a_frame_of_another_length_is_refused_and_leaves_no_trace(samples: int, clean: hearing.Scene) -> None:
    detector = VoiceDetector(8000)
    expected = verdicts(clean.frames)
    verdicts(clean.frames[:70], detector)
    with pytest.raises(ValueError, match="has 160 samples"):
        detector.hear(np.zeros(samples, np.int16))
    assert (verdicts(clean.frames[70:], detector) == expected[70:]).all()


def test_samples_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError):
        VoiceDetector(8000).hear(np.zeros(160))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate_hz", [0, 11025, 24000, 48000])
def test_another_rate_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=str(rate_hz)):
        VoiceDetector(rate_hz)
