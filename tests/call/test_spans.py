"""Items on the playout axis."""

from __future__ import annotations

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.spans import Spans
from mediasrv.turn.playout import PlayoutLedger


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


def test_what_is_said_twice_counts_once() -> None:
    ledger, spans = PlayoutLedger(MULAW_8K), Spans()
    number = ledger.open()
    spans.add("a", ledger.end, 8000)
    ledger.queue(number, bytes(8000), "Good morning")
    for at_s in range(5):
        ledger.due(at_s / 10)
    ledger.suspend(0.45)
    ledger.resume(1.0)
    for at_s in range(3):
        ledger.due(1 + at_s / 10)
    ledger.suspend(1.25)
    assert spans.cut(ledger.ear(1.25)) == [("a", 8000 * 5 // 12 + 2000)]
