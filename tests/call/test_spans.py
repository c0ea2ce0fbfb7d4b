"""Items on the playout axis."""

from __future__ import annotations

from mediasrv.call.spans import Spans


def test_an_item_is_cut_where_the_ear_is() -> None:
    spans = Spans()
    spans.add("a", 100, 50)
    spans.add("a", 150, 50)
    assert spans.cut(170) == [("a", 70)]
    assert spans.cut(170) == []


def test_an_item_that_was_heard_whole_is_left_alone_and_one_unheard_is_cut_to_nothing() -> None:
    spans = Spans()
    spans.add("a", 0, 100)
    spans.add("b", 100, 100)
    spans.add("c", 200, 100)
    assert spans.cut(150) == [("b", 50), ("c", 0)]


def test_what_others_say_in_between_does_not_count() -> None:
    spans = Spans()
    spans.add("a", 0, 100)
    spans.add("a", 500, 100)
    assert spans.cut(550) == [("a", 150)]


def test_what_was_heard_is_forgotten() -> None:
    spans = Spans()
    spans.add("a", 0, 100)
    spans.clear()
    assert spans.cut(0) == []
