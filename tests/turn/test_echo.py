from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.turn.echo import EchoDetector
from mediasrv.turn.vad import VoiceDetector
from native_bench.echo import LOSSY, PLAIN, EchoPath, echoed
from tests import hearing

Pcm = NDArray[np.int16]
RATE_HZ, FRAME = 8000, 160
LEAD_S, PIECE = 0.2, 480
PATHS = pytest.mark.parametrize("path", [PLAIN, LOSSY], ids=["plain", "lossy"])


def said(*clips: int, level_dbfs: float = -20.0, pause_s: float = 0.6) -> Pcm:
    """A second of silence, then recorded speech with pauses."""
    parts = [np.zeros(RATE_HZ)]
    for clip in clips:
        speech = hearing.clips()[clip]
        parts += [speech / np.std(speech) * 32768 * 10 ** (level_dbfs / 20), np.zeros(int(pause_s * RATE_HZ))]
    return coded(np.concatenate(parts))


def coded(signal: NDArray[np.generic]) -> Pcm:
    pcm = np.clip(np.round(signal.astype(np.float64)), -32768, 32767).astype(np.int16)
    return g711.decode_ulaw(g711.encode_ulaw(pcm))


def line(*voices: Pcm, noise_dbfs: float = -66.0, samples: int | None = None) -> Pcm:
    """Voices at once in noise, through the codec."""
    samples = samples or max(voice.size for voice in voices)
    mixed = np.random.default_rng(3).standard_normal(samples) * 32768 * 10 ** (noise_dbfs / 20)
    for voice in voices:
        mixed[: voice.size] += voice[:samples]
    return coded(mixed)


def hear(detector: EchoDetector, bot: Pcm, heard: Pcm, jitter_s: float = 0.0) -> Iterator[tuple[bool, bool]]:
    """Play the bot's voice a lead ahead; give each frame's verdicts: voice, echo."""
    voice = VoiceDetector(RATE_HZ)
    sent = 0
    for end in range(FRAME, heard.size + 1, FRAME):
        now = end / RATE_HZ
        while sent < min((now + LEAD_S) * RATE_HZ, bot.size):
            if bot[sent : sent + PIECE].any():
                detector.play(bot[sent : sent + PIECE], sent / RATE_HZ)
            sent += PIECE
        frame = heard[end - FRAME : end]
        voiced = voice.hear(frame)
        yield voiced, detector.hear(frame, voiced, now + jitter_s * (end // FRAME % 3))


def verdicts(bot: Pcm, heard: Pcm, jitter_s: float = 0.0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Voice and echo, frame by frame."""
    both = np.array(list(hear(EchoDetector(RATE_HZ), bot, heard, jitter_s)))
    return both[:, 0], both[:, 1]


def longest_run(flags: NDArray[np.bool_]) -> int:
    return max(len(run) for run in "".join("x" if flag else " " for flag in flags).split(" "))


@PATHS
@pytest.mark.parametrize(("delay_ms", "loss_db"), [(100, 10), (237.3, 20), (410, 25), (600, 30)])
def test_our_own_voice_is_recognised_from_its_fifth_frame_on(path: EchoPath, delay_ms: float, loss_db: float) -> None:
    bot = said(0, 1, 3)
    voiced, echo = verdicts(bot, line(echoed(bot, RATE_HZ, delay_ms, loss_db, path)))
    places = np.flatnonzero(voiced)
    assert echo[places[:6]].any()
    first = int(np.argmax(echo))
    assert echo[first:][voiced[first:]].mean() > 0.97
    # Later ones too, when a second has proven what was found.
    assert longest_run((voiced & ~echo)[first + 50 :]) < 5


@pytest.mark.parametrize("caller", [0, 1, 2, 3])
def test_a_caller_where_there_is_no_echo_is_never_one(caller: int) -> None:
    bot = said(2, 4, 0)
    voiced, echo = verdicts(bot, line(said(caller, 5, 1, level_dbfs=-28.0), samples=bot.size))
    assert echo[voiced].mean() <= 0.005
    assert longest_run(echo) < 3


@PATHS
@pytest.mark.parametrize("caller_db", [6, 12, 20])
def test_a_caller_over_the_echo_is_heard_within_two_frames(path: EchoPath, caller_db: int) -> None:
    bot, loss_db = said(0, 2), 20
    alone = echoed(bot, RATE_HZ, 240, loss_db, path)
    caller = np.zeros(bot.size, np.int16)
    speech = said(4, level_dbfs=-20.0 - loss_db + caller_db)[RATE_HZ:]
    begins = 3 * RATE_HZ
    caller[begins : begins + speech.size] = speech[: bot.size - begins]
    _, echo = verdicts(bot, line(alone, caller, samples=bot.size))
    ours, mine = (np.sum(each[: bot.size].astype(float).reshape(-1, FRAME) ** 2, axis=1) for each in (alone, caller))
    # What we said rings on for two frames, and below -53 dBFS nobody is heard for sure.
    masked = np.max([ours, np.roll(ours, 1), np.roll(ours, 2), np.full(ours.size, 2e5)], axis=0)
    above = mine >= 4 * masked
    assert above.sum() >= 10
    assert longest_run(echo & above) <= 2


def test_the_delay_is_told() -> None:
    bot = said(0)
    detector = EchoDetector(RATE_HZ)
    assert detector.delay_ms is None
    list(hear(detector, bot, line(echoed(bot, RATE_HZ, 333, 16))))
    assert detector.delay_ms == pytest.approx(333, abs=1)


def test_a_delay_that_wanders_is_followed() -> None:
    bot = said(0, 2, 0, 3, 0)
    detector = EchoDetector(RATE_HZ)
    heard = line(echoed(bot, RATE_HZ, 300, 16, EchoPath(drift_ms=20.0)))
    delays = []
    for _ in hear(detector, bot, heard):
        delays.append(detector.delay_ms or 300.0)
    assert max(delays) > 312
    assert longest_run(np.array([delay == 300.0 for delay in delays[150:]])) < 5


def test_frames_that_come_unevenly_change_nothing() -> None:
    bot = said(0, 1)
    heard = line(echoed(bot, RATE_HZ, 300, 16))
    assert (verdicts(bot, heard, jitter_s=0.03)[1] == verdicts(bot, heard)[1]).all()


def test_an_echo_that_moves_is_found_anew() -> None:
    bot = said(0, 2, 0)
    moved = echoed(bot, RATE_HZ, 500, 16)
    half = RATE_HZ * 6
    moved[:half] = echoed(bot, RATE_HZ, 200, 16)[:half]
    detector = EchoDetector(RATE_HZ)
    echo = np.array([each[1] for each in hear(detector, bot, line(moved))])
    assert detector.delay_ms == pytest.approx(500, abs=1)
    assert echo[-200:].mean() > 0.4


def test_a_caller_in_the_echo_of_himself_is_no_echo() -> None:
    """What is as loud as what we play is no echo, however like."""
    bot = said(0)
    assert not verdicts(bot, line(echoed(bot, RATE_HZ, 300, 0)))[1].any()


def test_what_was_cut_does_not_come_back() -> None:
    bot = said(0)
    back = line(echoed(bot, RATE_HZ, 300, 16))

    def echoes(cut: bool) -> int:
        detector = EchoDetector(RATE_HZ)
        list(hear(detector, bot[: 3 * RATE_HZ], back[: 3 * RATE_HZ]))
        if cut:
            detector.cut(2.0)
        late = [back[at : at + FRAME] for at in range(3 * RATE_HZ, 3 * RATE_HZ + 12 * FRAME, FRAME)]
        return sum(
            detector.hear(np.clip(each, -32768, 32767).astype(np.int16), True, 3 + k / 50)
            for k, each in enumerate(late, 1)
        )

    assert echoes(cut=False) > echoes(cut=True)


def test_long_after_we_spoke_nothing_is_echo() -> None:
    bot = said(1)
    detector = EchoDetector(RATE_HZ)
    list(hear(detector, bot, line(echoed(bot, RATE_HZ, 300, 16))))
    loud = np.full(FRAME, 5000, np.int16)
    assert not detector.hear(loud, True, bot.size / RATE_HZ + 5)


def test_sixteen_kilohertz_are_heard_as_well() -> None:
    narrow = said(0, 2)
    wide = np.fft.irfft(np.pad(np.fft.rfft(narrow), (0, narrow.size // 2)), 2 * narrow.size) * 2
    bot = np.clip(wide, -32768, 32767).astype(np.int16)
    bot = bot[: bot.size // 320 * 320]
    heard = echoed(bot, 16000, 250, 15)
    detector = EchoDetector(16000)
    detector.play(bot[:16000], 0.0)
    echo = []
    for end in range(320, bot.size, 320):
        if end + 16000 <= bot.size:
            detector.play(bot[end + 15680 : end + 16000], (end + 15680) / 16000)
        loud = bool(np.abs(heard[end - 320 : end]).max() > 100)
        verdict = detector.hear(heard[end - 320 : end], loud, end / 16000)
        echo += [verdict] if loud else []
    assert detector.delay_ms == pytest.approx(250, abs=1)
    assert np.mean(echo[5:]) > 0.95


@pytest.mark.parametrize("samples", [0, 80, 159, 320])
def test_a_frame_of_another_length_is_refused(samples: int) -> None:
    with pytest.raises(ValueError, match="160 samples"):
        EchoDetector(8000).hear(np.zeros(samples, np.int16), True, 1.0)


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="48000"):
        EchoDetector(48000)
