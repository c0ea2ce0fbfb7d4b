"""The carrier's play queue, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.codec import decode, encode
from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat, Encoding
from mediasrv.simulator.playout import CAPACITY_MS, UNDERRUN_MS, Gap, Playout
from mediasrv.wire.events import CarrierFailed, Clear, Event, Mark, MarkReached, PlayMedia, PlayoutCleared, SendDtmf
from tests.naive import PlayQueue

STARTED = 86_400.123456
RATE = 8000


def at(samples: float) -> float:
    """The moment at which media time is so many samples."""
    return STARTED + samples / RATE


def media(samples: int, first: int = 1) -> PlayMedia:
    """Samples that count up from ``first``, so that each can be told from the others."""
    return PlayMedia(np.arange(first, first + samples, dtype="<i2").tobytes())


def heard(playout: Playout, begin: int, end: int) -> list[int]:
    return [int(sample) for sample in decode(playout.audio.encoding, playout.heard(begin, end))]


@pytest.fixture
def playout() -> Playout:
    return Playout(L16_8K, STARTED)


def test_audio_is_heard_from_the_moment_it_comes(playout: Playout) -> None:
    playout.receive(media(4), at(10))
    assert heard(playout, 8, 16) == [0, 0, 1, 2, 3, 4, 0, 0]


def test_audio_that_comes_early_waits_its_turn(playout: Playout) -> None:
    playout.receive(media(3), at(0))
    playout.receive(media(3, first=7), at(1))
    assert heard(playout, 0, 8) == [1, 2, 3, 7, 8, 9, 0, 0]


def test_any_window_of_what_was_heard_can_be_asked_for(playout: Playout) -> None:
    for begin, first in ((0, 1), (10, 11), (20, 21)):
        playout.receive(media(5, first), at(begin))
    whole = heard(playout, 0, 40)
    for begin in range(40):
        for end in range(begin, 40):
            assert heard(playout, begin, end) == whole[begin:end]


@pytest.mark.parametrize("audio", [MULAW_8K, AudioFormat(Encoding.ALAW, 8000), L16_8K])
def test_nothing_sent_is_heard_as_silence_in_each_encoding(audio: AudioFormat) -> None:
    silence = Playout(audio, STARTED).heard(0, 160)
    assert silence == encode(audio.encoding, np.zeros(160, np.int16))


def test_half_a_sample_and_no_samples_are_not_played(playout: Playout) -> None:
    assert playout.receive(PlayMedia(b"\x01"), at(0)) == []
    playout.receive(PlayMedia(b"\x05\x00\x07"), at(0))
    playout.receive(media(1, first=6), at(0))
    assert heard(playout, 0, 3) == [5, 6, 0]
    assert playout.sent_samples == 2


def test_a_mark_in_an_empty_queue_is_acknowledged_at_once(playout: Playout) -> None:
    assert playout.receive(Mark("a"), at(7)) == [MarkReached("a")]
    assert playout.marks == [("a", 7)]
    assert playout.deadline() is None


def test_a_mark_is_acknowledged_when_all_before_it_has_been_heard(playout: Playout) -> None:
    playout.receive(media(160), at(0))
    assert playout.receive(Mark("a"), at(0)) == []
    playout.receive(media(160), at(5))
    assert playout.receive(Mark("b"), at(6)) == []
    assert playout.tick(at(159)) == []
    assert playout.tick(at(160)) == [MarkReached("a")]
    assert playout.tick(at(500)) == [MarkReached("b")]
    assert playout.marks == [("a", 160), ("b", 320)]


def test_a_mark_is_due_exactly_at_its_deadline(playout: Playout) -> None:
    playout.receive(media(333), at(1))
    playout.receive(Mark("a"), at(1))
    deadline = playout.deadline()
    assert deadline == pytest.approx(at(334))
    assert playout.tick(deadline or 0.0) == [MarkReached("a")]


def test_marks_that_came_due_are_acknowledged_before_the_answer_to_a_command(playout: Playout) -> None:
    playout.receive(media(10), at(0))
    playout.receive(Mark("a"), at(0))
    assert playout.receive(Clear(), at(10)) == [MarkReached("a"), PlayoutCleared()]


def test_a_clear_drops_what_was_not_heard_and_its_marks_for_ever(playout: Playout) -> None:
    playout.receive(media(100), at(0))
    playout.receive(media(100), at(0))
    playout.receive(Mark("a"), at(0))
    assert playout.receive(Clear(), at(40)) == [PlayoutCleared()]
    assert playout.tick(at(10_000)) == []
    assert playout.deadline() is None
    assert heard(playout, 0, 200) == [*range(1, 41), *[0] * 160]
    assert (playout.sent_samples, playout.dropped_samples) == (200, 160)
    assert playout.clears == [40]


def test_a_carrier_that_returns_marks_on_a_clear_returns_the_dropped_ones() -> None:
    playout = Playout(L16_8K, STARTED, returns_marks_on_clear=True)
    playout.receive(media(100), at(0))
    playout.receive(Mark("a"), at(0))
    playout.receive(Mark("b"), at(0))
    assert playout.receive(Clear(), at(40)) == [PlayoutCleared(), MarkReached("a"), MarkReached("b")]
    assert playout.marks == []


def test_a_clear_of_an_empty_queue_is_acknowledged_too(playout: Playout) -> None:
    assert playout.receive(Clear(), at(3)) == [PlayoutCleared()]
    playout.receive(media(2), at(5))
    playout.receive(Clear(), at(90))
    assert playout.dropped_samples == 0
    assert heard(playout, 4, 8) == [0, 1, 2, 0]


def test_audio_after_a_clear_is_heard_at_once(playout: Playout) -> None:
    playout.receive(media(100), at(0))
    playout.receive(Clear(), at(40))
    playout.receive(media(3, first=500), at(40))
    assert heard(playout, 39, 45) == [40, 500, 501, 502, 0, 0]


def test_a_hole_in_an_utterance_is_an_underrun(playout: Playout) -> None:
    playout.receive(media(160), at(0))
    playout.receive(media(160), at(200))
    playout.receive(media(160), at(360))
    assert playout.gaps == [Gap(160, 40, marked=False)]


def test_a_hole_behind_a_mark_is_told_apart(playout: Playout) -> None:
    playout.receive(media(160), at(0))
    playout.receive(Mark("end"), at(0))
    playout.receive(media(160), at(200))
    playout.receive(media(160), at(400))
    assert playout.gaps == [Gap(160, 40, marked=True), Gap(360, 40, marked=False)]


def test_a_second_of_silence_parts_two_utterances(playout: Playout) -> None:
    longest = RATE * UNDERRUN_MS // 1000
    playout.receive(media(160), at(500))
    playout.receive(media(160), at(660 + longest))
    assert playout.gaps == []


def test_silence_after_a_clear_is_no_underrun(playout: Playout) -> None:
    playout.receive(media(160), at(0))
    playout.receive(Clear(), at(80))
    playout.receive(media(160), at(200))
    assert playout.gaps == []


def test_audio_that_does_not_fit_is_refused_whole(playout: Playout) -> None:
    capacity = RATE * CAPACITY_MS // 1000
    playout.receive(PlayMedia(bytes(2 * capacity)), at(0))
    assert playout.receive(media(1), at(0)) == [CarrierFailed("buffer_overflow")]
    assert playout.receive(media(2), at(1)) == [CarrierFailed("buffer_overflow")]
    assert playout.receive(media(1), at(1)) == []
    assert playout.dropped_samples == 3
    assert playout.backlog(1) == capacity


def test_tones_do_not_touch_the_queue(playout: Playout) -> None:
    assert playout.receive(SendDtmf("12#"), at(0)) == []
    assert playout.backlog(0) == 0


def test_media_time_does_not_run_backwards_before_the_start(playout: Playout) -> None:
    assert playout.position(STARTED - 5) == 0


Moves = Sequence[tuple[int, int | str]]
moves = st.lists(
    st.tuples(st.integers(0, 60), st.one_of(st.integers(1, 50), st.sampled_from(["mark", "clear"]))), max_size=30
)


@given(moves=moves, returns_marks=st.booleans())
def test_the_queue_agrees_with_one_that_plays_sample_by_sample(moves: Moves, returns_marks: bool) -> None:
    playout = Playout(L16_8K, STARTED, returns_marks_on_clear=returns_marks)
    twin = PlayQueue(returns_marks)
    events: list[Event] = []
    now = sent = 0
    for serial, (wait, move) in enumerate(moves):
        twin.play(wait)
        now += wait
        if isinstance(move, int):
            events += playout.receive(media(move, first=sent + 1), at(now))
            twin.append(range(sent + 1, sent + 1 + move))
            sent += move
        elif move == "mark":
            events += playout.receive(Mark(str(serial)), at(now))
            twin.mark(str(serial))
        else:
            events += playout.receive(Clear(), at(now))
            twin.clear()
    assert playout.sent_samples - playout.dropped_samples - playout.backlog(now) == sum(map(bool, twin.heard))
    twin.play(3000)
    events += playout.tick(at(now + 3000))
    assert heard(playout, 0, now + 3000) == twin.heard
    assert playout.marks == twin.reached
    assert [event.name if isinstance(event, MarkReached) else "" for event in events] == twin.said
    assert playout.sent_samples - playout.dropped_samples == sum(map(bool, twin.heard))


@given(moves=moves, wakes=st.lists(st.integers(0, 2000), max_size=20))
def test_it_does_not_matter_when_or_how_often_it_is_looked_at(moves: Moves, wakes: Sequence[int]) -> None:
    lazy, eager = (Playout(L16_8K, STARTED) for _ in range(2))
    said: list[list[Event]] = [[], []]
    now = 0
    for wait, move in moves:
        for wake in sorted(wake for wake in wakes if now <= wake < now + wait):
            said[1] += eager.tick(at(wake))
        now += wait
        command = media(move) if isinstance(move, int) else Mark("m") if move == "mark" else Clear()
        for playout, events in zip((lazy, eager), said, strict=True):
            events += playout.receive(command, at(now))
    assert said[0] == said[1]
    assert lazy.marks == eager.marks
    assert lazy.heard(0, now) == eager.heard(0, now)
