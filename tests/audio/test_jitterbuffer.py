from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, floats, integers, lists, sampled_from, tuples
from numpy.typing import NDArray

from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.audio.jitterstatistics import JitterStatistics

FRAME = 160
PTIME_S = 0.02


def frame(number: int, size: int = FRAME) -> NDArray[np.int16]:
    """A loud frame that can be told from others."""
    return np.full(size, 1000 + number, np.int16)


def quiet(number: int) -> NDArray[np.int16]:
    return np.full(FRAME, number, np.int16)


class Listener:
    """Pushes packets and pops at every deadline, as a shell would, and keeps what is played with its times."""

    def __init__(self, buffer: JitterBuffer) -> None:
        self.buffer = buffer
        self.played: list[tuple[float, NDArray[np.int16]]] = []

    def push(self, chunk: int | None, pcm: NDArray[np.int16], now: float) -> None:
        self.until(now)
        self.played += [(now, each) for each in self.buffer.push(chunk, pcm, now)]

    def until(self, now: float) -> None:
        while (due := self.buffer.deadline()) is not None and due <= now:
            self.played += [(due, each) for each in self.buffer.pop(due)]

    @property
    def numbers(self) -> list[int]:
        """Of the frames in the order they were played; -1 for one that was made up or joined to one."""
        return [int(each[0]) - 1000 if np.all(each == each[0]) and each[0] else -1 for _, each in self.played]


def undelayed() -> JitterBuffer:
    return JitterBuffer(8000, FRAME, max_delay_ms=0)


def push_all(buffer: JitterBuffer, *chunks: int | None) -> list[list[NDArray[np.int16]]]:
    return [buffer.push(chunk, frame(i), i * PTIME_S) for i, chunk in enumerate(chunks)]


# Without delay.


def test_in_order_each_packet_comes_back_at_once_and_untouched() -> None:
    buffer = undelayed()
    for number in range(5):
        pcm = frame(number)
        (played,) = buffer.push(number, pcm, number * PTIME_S)
        assert played is pcm
    assert buffer.statistics.jitter_ms == pytest.approx(0, abs=1e-9)
    buffer.statistics.jitter_ms = 0.0
    assert buffer.statistics == JitterStatistics()
    assert buffer.deadline() is None
    assert buffer.pop(100.0) == []


def test_a_missing_packet_is_made_up_when_the_next_one_comes() -> None:
    buffer = undelayed()
    played = push_all(buffer, 1, 2, 4, 5)
    assert [len(each) for each in played] == [1, 1, 2, 1]
    assert played[2][0].size == FRAME
    assert (buffer.statistics.lost, buffer.statistics.concealed) == (1, 1)


def test_every_packet_of_a_gap_is_made_up_in_its_own_length() -> None:
    buffer = undelayed()
    push_all(buffer, 1)
    played = buffer.push(6, frame(6, 80), 0.1)
    assert [each.size for each in played] == [80] * 5
    assert buffer.statistics.lost == 4


def test_a_reordered_packet_is_late_because_its_place_has_been_filled() -> None:
    buffer = undelayed()
    played = push_all(buffer, 1, 3, 2, 4)
    assert [len(each) for each in played] == [1, 2, 0, 1]
    assert (buffer.statistics.late, buffer.statistics.lost, buffer.statistics.concealed) == (1, 1, 1)


def test_a_duplicate_is_dropped() -> None:
    buffer = undelayed()
    played = push_all(buffer, 1, 2, 2, 3, 1)
    assert [len(each) for each in played] == [1, 1, 0, 1, 0]
    assert (buffer.statistics.duplicate, buffer.statistics.late) == (2, 0)


@pytest.mark.parametrize("size", [1 << 16, 1 << 32])
def test_a_count_that_wraps_loses_nothing(size: int) -> None:
    buffer = undelayed()
    assert [len(each) for each in push_all(buffer, size - 2, size - 1, 0, 1)] == [1, 1, 1, 1]
    assert buffer.statistics.resynced == 0


@pytest.mark.parametrize("target", [60_000_000, 4000, 100])
def test_a_leap_of_the_count_conceals_nothing(target: int) -> None:
    buffer = undelayed()
    played = push_all(buffer, 1000, 1001, target, target + 1)
    assert [len(each) for each in played] == [1, 1, 1, 1]
    assert (buffer.statistics.resynced, buffer.statistics.lost, buffer.statistics.concealed) == (1, 0, 0)


def test_a_gap_of_a_second_is_concealed_and_a_longer_one_is_a_leap() -> None:
    buffer = undelayed()
    assert len(push_all(buffer, 1, 51)[1]) == 50
    buffer = undelayed()
    assert len(push_all(buffer, 1, 52)[1]) == 1


def test_a_source_that_starts_over_is_heard_again_within_four_packets() -> None:
    buffer = undelayed()
    played = push_all(buffer, *range(1, 31), *range(1, 11))
    assert [len(each) for each in played[30:]] == [0] * 3 + [1] * 7
    assert buffer.statistics.resynced == 1


def test_a_carrier_that_does_not_count_is_taken_at_its_order() -> None:
    buffer = undelayed()
    assert [len(each) for each in push_all(buffer, None, None, None)] == [1, 1, 1]
    assert buffer.statistics.lost == 0


def test_an_empty_packet_has_its_place() -> None:
    buffer = undelayed()
    push_all(buffer, 1)
    (played,) = buffer.push(2, np.empty(0, np.int16), 0.02)
    assert played.size == 0
    assert buffer.push(4, frame(4), 0.06)[0].size == FRAME


@given(lists(tuples(integers(0, 80), booleans()), max_size=60))
def test_without_delay_media_time_is_kept_whatever_comes(arrivals: list[tuple[int, bool]]) -> None:
    buffer = undelayed()
    played = 0
    for i, (chunk, counted) in enumerate(arrivals):
        pieces = buffer.push(chunk if counted else None, frame(i), i * PTIME_S)
        assert all(piece.size == FRAME for piece in pieces)
        assert len(pieces) <= 51
        played += len(pieces)
    statistics = buffer.statistics
    assert statistics.concealed == statistics.lost
    assert played == len(arrivals) - statistics.duplicate - statistics.late + statistics.concealed


class Plodding(JitterBuffer):
    """The same without its short way."""

    def follow(self, count: int | None, pcm: NDArray[np.int16], now: float) -> bool:
        return False


@given(
    leaps=lists(
        tuples(sampled_from([1] * 8 + [0, 2, -1, -3, 3, 100, -500, None]), sampled_from([FRAME] * 8 + [70, 320, 0])),
        max_size=80,
    ),
    late_s=lists(floats(0, 0.1), min_size=80, max_size=80),
)
def test_the_short_way_plays_and_counts_what_the_long_way_does(
    leaps: list[tuple[int | None, int]], late_s: list[float]
) -> None:
    short, long = undelayed(), Plodding(8000, FRAME, max_delay_ms=0)
    newest = 1000
    for i, (leap, size) in enumerate(leaps):
        newest += leap or 0
        count = None if leap is None else newest
        pcm = np.random.default_rng(i).integers(-9000, 9000, size, np.int16)
        now = i * PTIME_S + late_s[i]
        played, expected = (buffer.push(count, pcm, now) for buffer in (short, long))
        assert [each.tolist() for each in played] == [each.tolist() for each in expected]
        assert short.statistics == long.statistics


# Jitter.


def test_jitter_is_that_of_the_rfc() -> None:
    buffer = undelayed()
    arrivals = [0.0, 0.020, 0.050, 0.055, 0.080]
    expected = 0.0
    for earlier, later in pairwise(arrivals):
        expected += (abs((later - earlier) * 1000 - 20) - expected) / 16
    for number, now in enumerate(arrivals):
        buffer.push(number, frame(number), now)
    assert buffer.statistics.jitter_ms == pytest.approx(expected)


def test_a_lost_packet_is_no_jitter() -> None:
    buffer = undelayed()
    for number in (1, 2, 5, 6):
        buffer.push(number, frame(number), number * PTIME_S)
    assert buffer.statistics.jitter_ms == pytest.approx(0, abs=1e-9)


def test_a_leap_of_the_count_is_no_jitter() -> None:
    buffer = undelayed()
    for number, now in ((1, 0.0), (2, 0.02), (9000, 3.0), (9001, 3.02)):
        buffer.push(number, frame(0), now)
    assert buffer.statistics.jitter_ms == pytest.approx(0, abs=1e-9)


# With delay.


def test_with_a_delay_packets_are_played_one_by_one_in_their_own_time() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=60))
    for number, now in enumerate([0.0, 0.031, 0.032, 0.075, 0.08]):
        listener.push(number, frame(number), now)
    listener.until(0.14)
    assert listener.numbers == [0, 1, 2, 3, 4]
    assert [time for time, _ in listener.played] == pytest.approx([0.06, 0.08, 0.10, 0.12, 0.14])
    assert listener.buffer.statistics.concealed == 0


def test_reordered_packets_are_played_in_order() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=60))
    for step, number in enumerate([0, 2, 1, 4, 3]):
        listener.push(number, frame(number), step * PTIME_S)
    listener.until(0.14)
    assert listener.numbers == [0, 1, 2, 3, 4]
    assert listener.buffer.statistics.lost == 0


def test_a_packet_that_misses_its_turn_is_made_up() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=40))
    for number in (0, 1, 3, 4):
        listener.push(number, frame(number), number * PTIME_S)
    listener.until(0.12)
    assert listener.numbers == [0, 1, -1, -1, 4]
    assert (listener.buffer.statistics.lost, listener.buffer.statistics.concealed) == (1, 1)


def test_a_duplicate_is_not_played_twice() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=40))
    for step, number in enumerate([0, 1, 1, 2]):
        listener.push(number, frame(number), step * PTIME_S)
    listener.until(0.08)
    assert listener.numbers == [0, 1, 2]
    assert listener.buffer.statistics.duplicate == 1


def test_late_packets_are_dropped_and_lengthen_the_delay_until_none_is_late() -> None:
    listener = Listener(JitterBuffer(8000, FRAME))
    for number in range(40):
        # From the tenth on, the network takes 30 ms longer.
        listener.push(number, frame(number), number * PTIME_S + (0.03 if number >= 10 else 0.0))
    listener.until(1.0)
    statistics = listener.buffer.statistics
    assert 1 <= statistics.late <= 4
    assert statistics.concealed > statistics.lost
    twentieth = listener.numbers.index(20)
    assert listener.numbers[twentieth : twentieth + 20] == list(range(20, 40))
    assert [later - earlier for (earlier, _), (later, _) in pairwise(listener.played)] == pytest.approx(
        [PTIME_S] * (len(listener.played) - 1)
    )


def test_the_delay_grows_no_longer_than_allowed() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, max_delay_ms=40))
    arrivals = sorted((number * PTIME_S + (0.09 if number == 5 else 0.0), number) for number in range(30))
    for now, number in arrivals:
        listener.push(number, frame(number), now)
    assert listener.buffer.statistics.late == 1
    delays = [time - number * PTIME_S for (time, _), number in zip(listener.played, listener.numbers, strict=True)]
    heard = [delay for delay, number in zip(delays, listener.numbers, strict=True) if number >= 0]
    assert heard[0] == pytest.approx(0.02)
    assert heard[-1] == pytest.approx(0.04)
    assert max(heard) < 0.041
    assert len(heard) >= 24


def after_a_jittery_time(then: Callable[[int], NDArray[np.int16]], min_delay_ms: int = 0) -> JitterBuffer:
    """Half a second of packets of which every other one takes 100 ms longer, then seconds of punctual ones."""
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=min_delay_ms, max_delay_ms=400))
    jittery = [(number * PTIME_S + 0.1 * (number % 2), number) for number in range(25)]
    for now, number in sorted(jittery):
        listener.push(number, frame(number), now)
    lost = listener.buffer.statistics.lost
    for number in range(25, 400):
        listener.push(number, then(number), max(number * PTIME_S, jittery[-2][0]))
    assert listener.buffer.statistics.lost == lost
    return listener.buffer


def test_quiet_packets_are_left_out_when_the_delay_is_longer_than_it_need_be() -> None:
    buffer = after_a_jittery_time(lambda number: quiet(number % 3))
    assert buffer.statistics.trimmed >= 2
    # What still waits is the delay of a network without jitter, and less than the two packets that trim it.
    assert len(buffer.pop(399 * PTIME_S + 0.06)) <= 3
    assert buffer.statistics.overflow == 0


def test_quiet_packets_are_left_out_no_longer_than_the_delay_is_too_long() -> None:
    buffer = after_a_jittery_time(lambda number: quiet(10 + number % 60), min_delay_ms=60)
    assert buffer.statistics.trimmed >= 1
    waiting = [each for each in buffer.pop(399 * PTIME_S + 1) if np.all(each == each[0]) and each[0]]
    assert 3 <= len(waiting) <= 5


def test_loud_packets_are_never_left_out() -> None:
    buffer = after_a_jittery_time(frame)
    assert buffer.statistics.trimmed == 0
    assert buffer.statistics.overflow == 0


def test_more_than_the_longest_delay_is_not_kept() -> None:
    buffer = JitterBuffer(8000, FRAME, max_delay_ms=100)
    for number in range(20):
        buffer.push(number, frame(number), 0.0)
    assert buffer.statistics.overflow == 14
    listener = Listener(buffer)
    listener.until(0.13)
    assert listener.numbers == [14, 15, 16, 17, 18, 19]


def test_what_was_missing_before_an_overflow_is_lost() -> None:
    buffer = JitterBuffer(8000, FRAME, max_delay_ms=20)
    for number in (0, 3, 4, 5):
        buffer.push(number, frame(number), 0.0)
    assert (buffer.statistics.overflow, buffer.statistics.lost) == (2, 2)


def test_when_nothing_comes_the_made_up_audio_ends_and_playing_with_it() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=20))
    listener.push(0, frame(0), 0.0)
    listener.until(10.0)
    assert listener.numbers == [0, -1, -1, -1]
    assert listener.buffer.deadline() is None


def test_after_idling_the_next_packet_waits_for_its_delay_again() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=60))
    listener.push(0, frame(0), 0.0)
    listener.push(10, frame(10), 5.0)
    listener.push(11, frame(11), 5.02)
    listener.until(5.09)
    assert [time for time, _ in listener.played[-2:]] == pytest.approx([5.06, 5.08])
    assert listener.numbers[-1] == 11
    assert listener.buffer.statistics.lost == 9


def test_packets_that_a_stall_held_up_are_played_after_it_and_not_dropped() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=20))
    listener.push(0, frame(0), 0.0)
    for number in range(1, 4):
        listener.push(number, frame(number), 0.5)
    listener.until(0.57)
    assert listener.numbers[-2:] == [2, 3]
    assert listener.buffer.statistics.late == 0


def test_a_leap_of_the_count_goes_on_where_the_stream_was() -> None:
    listener = Listener(JitterBuffer(8000, FRAME, min_delay_ms=40))
    for step, number in enumerate([0, 1, 9000, 9001]):
        listener.push(number, frame(step), step * PTIME_S)
    listener.until(0.1)
    assert listener.numbers == [0, 1, 2, 3]
    assert listener.buffer.statistics.resynced == 1


@pytest.mark.parametrize(("least", "most"), [(-1, 100), (101, 100)])
def test_a_delay_that_cannot_be_is_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        JitterBuffer(8000, FRAME, min_delay_ms=least, max_delay_ms=most)


@given(lists(tuples(integers(-3, 6), floats(0, 0.2), booleans()), max_size=80))
def test_with_delay_frames_follow_one_another_in_time_and_memory_is_bounded(
    arrivals: list[tuple[int, float, bool]],
) -> None:
    listener = Listener(JitterBuffer(8000, FRAME, max_delay_ms=100))
    now, chunk = 0.0, 100
    for i, (step, wait, counted) in enumerate(arrivals):
        now, chunk = now + wait, chunk + step
        listener.push(chunk if counted else None, frame(i) if i % 3 else quiet(0), now)
        assert len(listener.buffer.pop(now)) == 0
    times = [time for time, _ in listener.played]
    assert all(later - earlier > PTIME_S - 1e-6 for earlier, later in pairwise(times))
    listener.until(now + 10)
    assert listener.buffer.deadline() is None
    # The longest delay, a second of gap, and the made-up end.
    assert len(listener.played) - len(times) <= 5 + 50 + 4
