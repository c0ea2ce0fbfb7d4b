"""The last seconds of a call's audio."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import binary, integers, lists, one_of, tuples

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.providers.reel import Reel


def numbered(frames: range) -> bytes:
    return b"".join(bytes([number]) * 160 for number in frames)


def test_audio_is_given_in_order_and_once() -> None:
    reel = Reel(MULAW_8K, 1000)
    reel.push(numbered(range(1, 4)))
    assert reel.take(160) + reel.take(1000) == numbered(range(1, 4))
    assert reel.take(160) == b""
    reel.push(numbered(range(4, 5)))
    assert reel.take(160) == numbered(range(4, 5))


def test_what_was_given_can_be_given_again_from_a_whole_frame_on() -> None:
    reel = Reel(MULAW_8K, 1000)
    reel.push(numbered(range(1, 6)))
    reel.take(800)
    reel.rewind(170)
    assert reel.given == 320
    assert reel.take(800) == numbered(range(3, 6))


def test_what_was_not_given_is_told_as_far_as_it_is_kept() -> None:
    reel = Reel(MULAW_8K, 100)
    reel.push(numbered(range(1, 4)))
    assert reel.left_ms == 60
    reel.take(160)
    assert reel.left_ms == 40
    reel.push(numbered(range(4, 60)))
    assert reel.left_ms == 100


def test_old_audio_is_dropped_and_passed_over() -> None:
    reel = Reel(MULAW_8K, 100)
    reel.push(numbered(range(1, 56)))
    reel.push(numbered(range(56, 57)))
    assert reel.take(160) == numbered(range(52, 53))
    assert reel.given == 52 * 160
    reel.rewind(0)
    assert reel.given == 51 * 160


def test_a_position_in_the_future_is_the_end() -> None:
    reel = Reel(MULAW_8K, 100)
    reel.push(numbered(range(1, 3)))
    reel.rewind(100_000)
    assert reel.given == reel.end == 320


def test_positions_and_media_time_are_two_words_for_the_same() -> None:
    reel = Reel(L16_16K, 100)
    reel.push(bytes(640))
    assert reel.end_ms == 20
    assert reel.ms_at(reel.bytes_in(12.5)) == 12.5


@given(lists(one_of(binary(max_size=400), integers(0, 500), tuples(integers(0, 3000)))))
def test_a_reel_agrees_with_a_tape_that_forgets_nothing(steps: list[bytes | int | tuple[int]]) -> None:
    reel, tape, given_so_far = Reel(MULAW_8K, 10), b"", 0
    for step in steps:
        if isinstance(step, bytes):
            reel.push(step)
            tape += step
        elif isinstance(step, int):
            piece = reel.take(step)
            assert piece == tape[reel.given - len(piece) : reel.given]
            assert reel.given >= given_so_far
        else:
            reel.rewind(step[0])
            assert reel.given >= min(step[0], reel.end)
        given_so_far = reel.given
        assert reel.end == len(tape)
