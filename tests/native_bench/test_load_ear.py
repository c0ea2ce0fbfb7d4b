"""The lean model of a caller's ear agrees with the simulator's, which keeps every sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import MULAW_8K
from mediasrv.simulator.playout import Playout
from mediasrv.wire.events import Clear, Mark, MarkReached, PlayMedia
from native_bench.load.ear import Ear

# An action and how many samples pass before it.
COURSES = st.lists(
    st.tuples(st.sampled_from(["audio", "audio", "audio", "mark", "clear"]), st.integers(0, 9000)), max_size=40
)
PIECE = 1600


@given(COURSES)
def test_holes_marks_and_ends_are_those_of_the_simulator(course: list[tuple[str, int]]) -> None:
    slow, lean = Playout(MULAW_8K, 0.0), Ear(8000)
    position, marks = 0, []
    reached: list[str] = []
    for number, (kind, passed) in enumerate(course):
        position += passed
        now = position / 8000
        reached += lean.reached(position)
        match kind:
            case "audio":
                events = slow.receive(PlayMedia(bytes(PIECE)), now)
                lean.lay(PIECE, position)
            case "mark":
                events = slow.receive(Mark(str(number)), now)
                lean.mark(str(number), position)
                reached += lean.reached(position)
            case _:
                events = slow.receive(Clear(), now)
                lean.clear(position)
        marks += [each.name for each in events if isinstance(each, MarkReached)]
        assert max(lean.end - position, 0) == slow.backlog(position)
    assert reached == marks
    assert sum(each.silent_samples for each in lean.utterances) == sum(each.samples for each in slow.gaps)


def test_a_second_of_silence_parts_two_utterances_and_less_is_a_hole() -> None:
    ear = Ear(8000)
    ear.lay(800, 0)
    ear.lay(800, 800 + 7999)
    ear.lay(800, ear.end + 8000)
    assert [(each.begin, each.silent_samples) for each in ear.utterances] == [(0, 7999), (17_599, 0)]


def test_audio_that_comes_in_time_leaves_no_hole() -> None:
    ear = Ear(8000)
    for position in (100, 200, 900):
        ear.lay(800, position)
    assert [(each.begin, each.end, each.silent_samples) for each in ear.utterances] == [(100, 2500, 0)]


def test_a_cleared_utterance_ends_where_it_was_cut() -> None:
    ear = Ear(8000)
    ear.lay(800, 0)
    ear.mark("late", 0)
    ear.clear(500)
    assert (ear.utterances[0].end, ear.utterances[0].was_cut, ear.next_mark()) == (500, True, None)
    ear.lay(800, 600)
    assert len(ear.utterances) == 2
