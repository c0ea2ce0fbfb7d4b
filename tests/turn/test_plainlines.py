from __future__ import annotations

import pytest

from mediasrv.turn.plainlines import PAUSES, PlainLines


def test_blanks_are_single_and_begin_no_line() -> None:
    lines = PlainLines()
    lines.blank()
    lines.write("a")
    lines.blank()
    lines.blank()
    lines.write("b")
    lines.end_line()
    lines.blank()
    assert lines.take() == "a b\n"
    assert lines.take() == ""


def test_a_line_without_text_is_none() -> None:
    lines = PlainLines()
    lines.write("")
    lines.end_line()
    assert lines.take() == ""


@pytest.mark.parametrize(
    ("text", "ended"), [("a", "a."), ("a ", "a ."), ("", ""), *((f"a{end}",) * 2 for end in PAUSES)]
)
def test_a_sentence_ends_like_one(text: str, ended: str) -> None:
    lines = PlainLines()
    lines.is_sentence = True
    lines.write(text)
    lines.end_line()
    assert lines.take() == (f"{ended}\n" if ended else "")
    lines.write("b")
    lines.end_line()
    assert lines.take() == "b\n"
