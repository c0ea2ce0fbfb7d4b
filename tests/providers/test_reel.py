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
    reel.push(numbered(range(1, 55)))
    assert reel.since(0) == numbered(range(1, 55))
    reel.push(numbered(range(55, 56)))
    assert reel.take(160) == numbered(range(51, 52))
    assert reel.given == 51 * 160
    reel.rewind(0)
    assert reel.given == 50 * 160


def test_more_is_kept_from_when_that_is_wanted() -> None:
    reel = Reel(MULAW_8K, 100)
    reel.push(numbered(range(1, 51)))
    reel.keep(200)
    reel.push(numbered(range(51, 60)))
    assert reel.since(0) == numbered(range(1, 60))
    reel.push(numbered(range(60, 61)))
    assert reel.since(0) == numbered(range(51, 61))
    reel.keep(20)
    assert reel.since(0) == numbered(range(51, 61))


def test_all_since_a_position_is_what_came_behind_it() -> None:
    reel = Reel(MULAW_8K, 100)
    reel.push(numbered(range(1, 4)))
    assert reel.since(320) == numbered(range(3, 4))
    assert reel.since(480) == b""
    assert reel.given == 0


def test_whoever_follows_is_called_once_when_there_is_enough() -> None:
    reel, told = Reel(MULAW_8K, 100), list[int]()
    reel.push(numbered(range(1, 3)))
    reel.follow(lambda: told.append(reel.end), 320)
    assert told == []
    for _ in range(3):
        reel.push(numbered(range(1, 2)))
    assert told == [480]


def test_whoever_is_called_may_follow_on() -> None:
    reel, taken = Reel(MULAW_8K, 100), list[bytes]()

    def take() -> None:
        taken.append(reel.take(1000))
        reel.follow(take, 480)

    reel.follow(take, 480)
    for number in range(1, 8):
        reel.push(numbered(range(number, number + 1)))
    assert taken == [numbered(range(1, 4)), numbered(range(4, 7))]


def test_who_follows_no_more_is_not_called() -> None:
    reel, told = Reel(MULAW_8K, 100), list[int]()
    reel.follow(lambda: told.append(1), 160)
    reel.follow(lambda: told.append(2), 320)
    reel.push(numbered(range(1, 2)))
    reel.unfollow()
    for _ in range(100):
        reel.push(numbered(range(1, 2)))
    assert told == []


def test_a_reel_that_is_begun_anew_knows_nothing_of_what_was() -> None:
    reel, told = Reel(MULAW_8K, 100), list[int]()
    reel.push(numbered(range(1, 4)))
    reel.take(160)
    reel.follow(lambda: told.append(1), 160)
    reel.restart()
    assert (reel.end, reel.given, reel.since(0)) == (0, 0, b"")
    reel.push(numbered(range(4, 6)))
    assert reel.take(1000) == numbered(range(4, 6))
    assert told == []


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
