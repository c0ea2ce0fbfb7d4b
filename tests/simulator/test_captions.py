"""Captions: layout in inches."""

from __future__ import annotations

from mediasrv.simulator.captions import CHARACTER_INCHES, MOST_LINES, WIDTH_INCHES, Words, captions

TEXT = "he was not an ill disposed young man unless to be rather cold hearted"


def test_a_caption_begins_with_its_words_and_is_broken_into_lines() -> None:
    (caption,) = captions([Words(3.0, 4.0, "caller", TEXT)], "caller", 40.0, 0.4)
    assert caption.begin_s == 3.0
    assert " ".join(caption.lines) == TEXT
    assert max(map(len, caption.lines)) * CHARACTER_INCHES <= WIDTH_INCHES


def test_each_party_has_its_own_captions_in_order() -> None:
    words = [Words(9, 10, "agent", "b"), Words(2, 3, "caller", "c"), Words(1, 2, "agent", "a")]
    assert [caption.lines for caption in captions(words, "agent", 40.0, 0.4)] == [["a"], ["b"]]
    assert captions([], "agent", 40.0, 0.4) == []


def test_a_caption_ends_before_the_next_one_begins() -> None:
    words = [Words(0, 3, "caller", TEXT), Words(3.5, 9, "caller", TEXT)]
    first, second = captions(words, "caller", 40.0, 0.4)
    assert max(map(len, first.lines)) * CHARACTER_INCHES < 3.5 * 0.4
    assert max(map(len, second.lines)) > max(map(len, first.lines))


def test_a_long_utterance_has_room_of_its_own_length() -> None:
    (caption,) = captions([Words(0, 20, "caller", TEXT)], "caller", 40.0, 0.4)
    assert caption.lines == [TEXT]


def test_what_does_not_fit_is_cut_off() -> None:
    (caption,) = captions([Words(0, 1, "caller", TEXT * 20)], "caller", 40.0, 0.4)
    assert len(caption.lines) == MOST_LINES
    assert caption.lines[-1].endswith(" …")
