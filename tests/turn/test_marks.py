from __future__ import annotations

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.turn.marks import EARLY_MS, MARGIN_S, SPACING_MS, Marks

EARLY, SPACING = EARLY_MS * 8, SPACING_MS * 8


def wanted(marks: Marks) -> list[int]:
    """Where marks are wanted; all of them are sent."""
    places = []
    while (place := marks.wanted) is not None:
        places.append(place)
        marks.send(0.0)
    return places


def utterance(*ends: int) -> Marks:
    """The marks of an utterance with phrases that end at these positions."""
    marks = Marks(MULAW_8K)
    marks.begin_utterance(1, 0)
    for end in ends:
        marks.grow(end)
        marks.end_phrase(end)
    marks.end_utterance(ends[-1])
    return marks


@pytest.mark.parametrize(
    ("ends", "places"),
    [
        ([EARLY], [EARLY]),
        ([EARLY + 1], [EARLY, EARLY + 1]),
        ([EARLY + SPACING - 1, EARLY + SPACING], [EARLY, EARLY + SPACING, EARLY + SPACING]),
        ([4000, 8000, 12000, 16000], [EARLY, 12000, 16000]),
        ([80000], [EARLY, 80000, 80000]),
    ],
)
def test_marks_are_few(ends: list[int], places: list[int]) -> None:
    assert wanted(utterance(*ends)) == places


def test_a_mark_stands_for_those_before_it() -> None:
    marks = utterance(4000)
    first, second = marks.send(1.0), marks.send(2.0)
    assert marks.reach("of nobody") == []
    assert [(mark.name, mark.point.position) for mark in marks.reach(second.name)] == [
        (first.name, EARLY),
        (second.name, 4000),
    ]
    assert marks.reach(first.name) == []


def test_lost_marks_are_given_up_in_their_order() -> None:
    marks = utterance(4000)
    assert marks.deadline(0.5) is None
    first, second = marks.send(1.0), marks.send(2.0)
    assert marks.deadline(0.5) == 1.0 + 0.5 + MARGIN_S
    assert marks.lose(1.4 + MARGIN_S, 0.5) == []
    assert [mark.name for mark in marks.lose(1.5 + MARGIN_S, 0.5)] == [first.name]
    assert [mark.name for mark in marks.lose(60.0, 0.5)] == [second.name]


def test_marks_that_are_taken_back_are_wanted_again_under_other_names() -> None:
    marks = utterance(4000, 12000)
    names = {marks.send(0.0).name for _ in range(3)}
    assert len(names) == 3
    marks.take_back(EARLY)
    assert marks.wanted == 12000
    assert len(names | {marks.send(0.0).name, marks.send(0.0).name, marks.send_idle().name}) == 6
    assert [mark.point.position for mark in marks.lose(60.0, 0.0)] == [EARLY, 12000, 12000]


def test_nothing_is_left_after_a_clear() -> None:
    marks = utterance(4000)
    marks.send(0.0)
    marks.clear()
    assert marks.wanted is None
    assert marks.deadline(0.0) is None


def test_a_mark_that_was_not_planned_is_expected_too() -> None:
    marks = Marks(MULAW_8K)
    name = marks.send_extra(700, 3, 1.0).name
    (mark,) = marks.reach(name)
    assert (mark.point.position, mark.point.utterance, mark.point.ends_utterance) == (700, 3, False)


def test_only_the_mark_that_ends_an_utterance_or_a_fade_says_so() -> None:
    marks = Marks(MULAW_8K)
    marks.begin_utterance(1, 0)
    marks.grow(8000)
    marks.end_utterance(8000)
    assert [marks.send(0.0).ends_utterance, marks.send(0.0).ends_utterance] == [False, True]
    assert marks.send_idle().ends_utterance
    assert not marks.send_extra(8000, 1, 0.0).ends_utterance
