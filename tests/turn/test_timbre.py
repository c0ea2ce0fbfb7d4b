from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.turn import timbre
from mediasrv.turn.evidence import Traits
from mediasrv.turn.timbre import Timbre
from mediasrv.turn.vad import VoiceDetector
from native_bench import noises
from tests import hearing, noise

Frames = NDArray[np.int16]
SEEDS = range(8)


def loud(level_dbfs: float = -20.0, seed: int = 1) -> Frames:
    """A frame of this level."""
    hiss = noise.white(160, np.random.default_rng(seed))
    return np.round(hiss * 32768 * 10 ** (level_dbfs / 20)).astype(np.int16)


def on_the_line(signal: NDArray[np.float64], seed: int, rate_hz: int = 8000, peak_dbfs: float = -6.0) -> list[Frames]:
    """A sound after a second of a quiet line and before another, as mu-law leaves it, in frames."""
    rng = np.random.default_rng([9, seed])
    silence = np.zeros(rate_hz)
    sound = noises.pcm(np.concatenate([silence, signal, silence]), peak_dbfs).astype(np.float64)
    hiss = np.round(sound + 30 * noise.pink(sound.size, rng))
    pcm = g711.decode_ulaw(g711.encode_ulaw(hiss.clip(-32768, 32767).astype(np.int16)))
    return list(pcm[: pcm.size // (rate_hz // 50) * (rate_hz // 50)].reshape(-1, rate_hz // 50))


def longest_ms(counted_ms: Iterable[int]) -> int:
    """The longest nearly unbroken voice, as the turn machine counts it."""
    longest = voice = since = 0
    for ms in counted_ms:
        voice, since = (voice + ms, 0) if ms else (voice, since + 20)
        voice = voice if since <= 40 else 0
        longest = max(longest, voice)
    return longest


def heard(frames: Iterable[Frames], rate_hz: int = 8000) -> list[int]:
    """What each frame adds, behind the detector of voice."""
    detector, told = VoiceDetector(rate_hz), Timbre(rate_hz)
    return [told.hear(frame, detector.hear(frame)) for frame in frames]


def reached(counted_ms: Iterable[int], needed_ms: int = 120) -> int:
    """The first frame with which this much voice is counted."""
    counts = list(counted_ms)
    return next(place for place in range(len(counts)) if longest_ms(counts[: place + 1]) >= needed_ms)


# -- recorded speech and what is not -----------------------------------------------------------------------------


@pytest.mark.parametrize("snr_db", [30, 20])
def test_recorded_speech_breaks_in_hardly_later_than_voice(snr_db: int) -> None:
    later_ms = []
    for scene in hearing.scenes("pink", snr_db):
        detector = VoiceDetector(8000)
        verdicts = [
            detector.hear(frame) and bool(voice) for frame, voice in zip(scene.frames, scene.voice, strict=True)
        ]
        later_ms.append(20 * (reached(heard(scene.frames)) - reached(20 * verdict for verdict in verdicts)))
    assert np.median(later_ms) == 0
    # A voice of 75 Hz on a line that begins at 200 Hz, in noise, is found at its second breath only.
    assert sum(ms > 60 for ms in later_ms) <= 1


@pytest.mark.parametrize("name", ["breath", "blow", "rustle", "click", "sneeze", "throat"])
def test_what_bodies_and_paper_do_does_not_break_in(name: str) -> None:
    for seed in SEEDS:
        frames = on_the_line(noises.EVENTS[name](np.random.default_rng(seed), 8000), seed)
        assert longest_ms(heard(frames)) < 120


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("name", ["cough", "keyboard"])
def test_a_cough_and_typing_do_not_break_in(name: str, rate_hz: int) -> None:
    stopped = [
        longest_ms(
            heard(on_the_line(noises.EVENTS[name](np.random.default_rng(seed), rate_hz), seed, rate_hz), rate_hz)
        )
        for seed in SEEDS
    ]
    # Synthetic ones are struck harder than most.
    assert sum(ms >= 120 for ms in stopped) <= 2


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("digit", noises.DIGITS)
def test_keys_do_not_break_in(digit: str, rate_hz: int) -> None:
    for duration_ms in (50, 120, 400):
        frames = on_the_line(noises.dtmf(digit, rate_hz, duration_ms), duration_ms, rate_hz)
        assert longest_ms(heard(frames, rate_hz)) < 120


@pytest.mark.parametrize("name", noises.EXCHANGE)
def test_tones_of_the_exchange_do_not_break_in(name: str) -> None:
    assert longest_ms(heard(on_the_line(noises.exchange(name, 8000), 1))) < 60


# -- how it counts -----------------------------------------------------------------------------------------------


class Weigher:
    """Gives the evidence of frame after frame by order, and keeps the traits it was shown."""

    def __init__(self) -> None:
        self.weight = 0.0
        self.shown: list[Traits] = []

    def __call__(self, traits: Traits) -> float:
        self.shown.append(traits)
        return self.weight


@pytest.fixture
def weigher(monkeypatch: pytest.MonkeyPatch) -> Weigher:
    made = Weigher()
    monkeypatch.setattr(timbre, "evidence", made)
    return made


def test_frames_before_the_bar_count_when_it_is_crossed(weigher: Weigher) -> None:
    told = Timbre(8000)
    counts = []
    for weight in (0.0, 0.0, 2.0, 3.0, -9.0, -9.0):
        weigher.weight = weight
        counts.append(told.hear(loud(), True))
    assert counts == [0, 0, 0, 80, 20, 20]
    assert len(weigher.shown) == 4


def test_no_more_than_a_consonant_counts_before_the_evidence(weigher: Weigher) -> None:
    told = Timbre(8000)
    assert [told.hear(loud(), True) for _ in range(12)] == [0] * 12
    weigher.weight = 5.0
    assert told.hear(loud(), True) == 20 * (timbre.CREDIT_FRAMES + 1)


def test_evidence_against_speech_is_forgotten_when_speech_begins(weigher: Weigher) -> None:
    told = Timbre(8000)
    weigher.weight = -9.0
    assert [told.hear(loud(), True) for _ in range(4)] == [0] * 4
    weigher.weight = 2.0
    assert [told.hear(loud(), True) for _ in range(2)] == [0, 120]


def test_a_hole_as_long_as_a_stop_consonants_is_bridged_and_a_longer_one_is_not(weigher: Weigher) -> None:
    for holes, counts in ((2, 20), (3, 0)):
        told = Timbre(8000)
        weigher.weight = 9.0
        assert told.hear(loud(), True) == 20
        assert [told.hear(loud(), False) for _ in range(holes)] == [0] * holes
        weigher.weight = 0.0
        assert told.hear(loud(), True) == counts


def test_faint_frames_do_not_count(weigher: Weigher) -> None:
    told = Timbre(8000)
    weigher.weight = 1.5
    counts = [told.hear(loud(level), True) for level in (-15, -40, -60)]
    assert counts == [0, 0, 20]
    assert [told.hear(loud(level), True) for level in (-20, -40)] == [20, 0]


def test_who_speaks_before_a_background_gives_more_evidence(weigher: Weigher) -> None:
    weigher.weight = 2.0
    for background_dbfs, counts in ((-20, 0), (-40, 40)):
        told = Timbre(8000)
        weigher.weight = timbre.FOREIGN - 0.1
        for _ in range(10):
            told.hear(loud(background_dbfs), True)
        for _ in range(3):
            told.hear(loud(-70), False)
        weigher.weight = 2.0
        assert [told.hear(loud(), True) for _ in range(2)] == [0, counts]


def test_music_is_a_background_while_it_plays(weigher: Weigher) -> None:
    told = Timbre(8000)
    weigher.weight = timbre.FOREIGN - 0.1
    for _ in range(timbre.PATIENCE_FRAMES + 1):
        told.hear(loud(), True)
    weigher.weight = timbre.BAR + 0.1
    assert told.hear(loud(), True) == 0


def test_what_is_in_doubt_is_no_background(weigher: Weigher) -> None:
    told = Timbre(8000)
    for _ in range(2 * timbre.PATIENCE_FRAMES):
        told.hear(loud(), True)
    weigher.weight = timbre.BAR + 0.1
    assert told.hear(loud(), True) == 20 * (timbre.CREDIT_FRAMES + 1)


def test_what_was_speech_is_no_background(weigher: Weigher) -> None:
    told = Timbre(8000)
    for weight in (timbre.FOREIGN - 0.1, timbre.BAR + 0.1):
        weigher.weight = weight
        told.hear(loud(), True)
    for _ in range(3):
        told.hear(loud(-70), False)
    assert told.hear(loud(), True) == 20


def test_a_background_is_forgotten_in_time(weigher: Weigher) -> None:
    told = Timbre(8000)
    weigher.weight = timbre.FOREIGN - 0.1
    told.hear(loud(), True)
    for _ in range(round(timbre.STANDS_OUT_DB / timbre.BACKGROUND_SINKS_DB) + 10):
        told.hear(loud(-70), False)
    weigher.weight = timbre.BAR + 0.1
    assert told.hear(loud(), True) == 20


def test_traits_compare_a_frame_with_those_before_it(weigher: Weigher) -> None:
    told = Timbre(8000)
    times = np.arange(640) / 8000
    voice = np.sum([np.sin(2 * np.pi * 200 * n * times + n * n) / n for n in range(1, 9)], axis=0)
    frames = [loud(-25), loud(-25, seed=2), *noises.pcm(voice / 4, -6.0).reshape(-1, 160)]
    for frame in frames:
        told.hear(frame, True)
    first, last = weigher.shown[0], weigher.shown[-1]
    assert (first.movement, first.rough_frames) == (-1.0, 0)
    assert first.rise_db == pytest.approx(30)
    assert last.f0_hz == pytest.approx(200, rel=0.01)
    assert 0 <= last.movement < 0.1
    assert abs(last.rise_db) < 0.5
    assert last.rough_frames == 2
    told.hear(loud(-20, seed=3), True)
    assert weigher.shown[-1].movement == -1.0
    told.hear(loud(-20, seed=4), True)
    assert weigher.shown[-1].rough_frames == 3


def test_another_rate_is_our_error() -> None:
    with pytest.raises(ValueError, match="not at 44100"):
        Timbre(44100)


# -- deep voices -------------------------------------------------------------------------------------------------


def buzz(hz: int, frames: int) -> list[Frames]:
    """A glottis without a throat."""
    pulses = np.zeros(160 * frames, np.int16)
    pulses[:: 8000 // hz] = 12000
    return list(pulses.reshape(-1, 160))


def test_where_all_voices_were_high_a_deep_one_gives_more_evidence(weigher: Weigher) -> None:
    for known_hz, counts in ((200, False), (80, True)):
        told = Timbre(8000)
        for _ in range(10):
            weigher.weight = 1.0
            for frame in [*buzz(known_hz, 8), *[loud()] * 3]:
                told.hear(frame, bool(np.ptp(frame) == 12000))
        weigher.weight = timbre.BAR / 4
        assert any(told.hear(frame, True) for frame in buzz(80, 5)) is counts
