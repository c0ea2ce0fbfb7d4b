from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.voicerun import VoiceRun

verdicts = st.text("v.", max_size=200)


def heard(frames: str, run: VoiceRun | None = None) -> VoiceRun:
    """A run after frames: ``v`` is voice, ``.`` is silence."""
    run = run or VoiceRun()
    for frame in frames:
        run.hear(PTIME_MS * (frame == "v"))
    return run


def test_voice_is_as_long_as_its_frames() -> None:
    run = heard("vvvv")
    assert (run.voice_ms, run.silence_ms) == (80, 0)


def test_silence_is_as_long_as_its_frames() -> None:
    assert heard("vvvv.....").silence_ms == 100


def test_the_stream_begins_in_silence() -> None:
    run = heard("...")
    assert (run.voice_ms, run.silence_ms) == (0, 60)


def test_voice_survives_a_hole_of_40_ms() -> None:
    assert heard("vvv..v").voice_ms == 80


def test_a_hole_of_60_ms_ends_a_run_of_voice() -> None:
    assert heard("vvv...").voice_ms == 0
    assert heard("vvv...v").voice_ms == 20


def test_a_blip_of_one_frame_does_not_end_a_silence() -> None:
    run = heard("vvv.....v")
    assert run.silence_ms == 120
    assert heard("....", run).silence_ms == 200


def test_isolated_blips_do_not_add_up() -> None:
    assert heard("vvv" + "...v" * 20).silence_ms == 20 * 80


def test_two_frames_of_voice_end_a_silence() -> None:
    assert heard("vvv.....vv").silence_ms == 0


def test_two_blips_with_a_hole_between_them_are_voice() -> None:
    run = heard("vvv.....v..v")
    assert (run.voice_ms, run.silence_ms) == (40, 0)


def test_after_voice_silence_counts_from_its_last_frame_on() -> None:
    assert heard("vvv.....vv.").silence_ms == 20


def test_restart_forgets_the_voice_so_far() -> None:
    run = heard("vvvvv")
    run.restart()
    assert run.voice_ms == 0
    assert heard("v", run).voice_ms == 20


def test_after_a_restart_one_frame_is_a_blip_again() -> None:
    run = heard("vvvvv")
    run.restart()
    assert heard("v", run).silence_ms == 20
    assert heard("v", run).silence_ms == 0


@given(frames=verdicts)
def test_voice_never_exceeds_the_voiced_frames_since_the_last_long_hole(frames: str) -> None:
    since_hole = frames[frames.rfind("...") + 3 :] if "..." in frames else frames
    assert heard(frames).voice_ms == since_hole.count("v") * PTIME_MS


@given(frames=verdicts)
def test_silence_is_never_shorter_than_the_unvoiced_frames_at_the_end(frames: str) -> None:
    silent = len(frames) - len(frames.rstrip("."))
    assert heard(frames).silence_ms >= silent * PTIME_MS


@given(frames=verdicts)
def test_silence_ends_only_with_a_frame_of_voice(frames: str) -> None:
    run = VoiceRun()
    for frame in frames:
        before_ms = run.silence_ms
        run.hear(PTIME_MS * (frame == "v"))
        assert run.silence_ms == before_ms + PTIME_MS or (run.silence_ms == 0 and frame == "v")
