from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.turn.markup import MAX_ADDRESS_CHARS, PlainText


def plain(*deltas: str) -> str:
    """What comes out, without the last line feed; the same for single characters."""
    reader, slow = PlainText(), PlainText()
    whole = "".join(reader.push(delta) for delta in deltas) + reader.flush()
    assert whole == "".join(slow.push(char) for delta in deltas for char in delta) + slow.flush()
    return whole.removesuffix("\n")


def test_plain_text_comes_out_at_once() -> None:
    reader = PlainText()
    assert [reader.push(delta) for delta in ("Hel", "lo, ", "you. ", "क्या")] == ["Hel", "lo, ", "you. ", "क्या"]
    assert reader.flush() == "\n"


def test_a_sign_is_held_until_it_is_known_what_it_is() -> None:
    reader = PlainText()
    assert reader.push("a *") == "a "
    assert reader.push("b") == "b"
    assert reader.push(" [c](") == " "
    assert reader.push("https:") == "c"


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("**a** *b* __c__ _d_ ***e*** ~~f~~ `g`", "a b c d e f g"),
        ("2*3 2**3 a_b a__b x**y**z 2 * 3 ~5", "2*3 2**3 a_b a__b xyz 2 * 3 ~5"),
        (r"\*a\* \[b\] C:\dir", "*a* [b] C:\\dir"),
        ("a\t  b\u00a0c \r\n\n\n d", "a b c \nd"),
        ("*" * 200 + "a", "a"),
    ],
)
def test_signs_of_emphasis_go_and_signs_of_sums_and_names_stay(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- a", "a."),
        ("  * a!", "a!"),
        ("+ [x] a:", "a:"),
        ("- [ ] a", "a."),
        ("•a", "a."),
        ("- > # a", "a."),
        ("> > a", "a"),
        ("#tag", "#tag"),
        ("##a", "a."),
        ("1. a", "1. a."),
        ("12) a", "12. a."),
        ("१. घर", "१. घर."),
        ("1.5 a", "1.5 a"),
        ("2024. a", "2024. a"),
        ("-5 a", "-5 a"),
        ("--- a", "--- a"),
        ("- ", ""),
        ("| a | b |", "a , b ."),
        ("a | b", "a , b"),
        ("| |a||b|", "a, b."),
    ],
)
def test_items_headings_and_rows_become_sentences(line: str, expected: str) -> None:
    assert plain(line) == expected
    assert plain(f"{line}\nnext") == f"{expected}\nnext".lstrip()


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("see [a, b](https://x.in/y(z) now", "see a, b now"),
        ("see [**a**](/help 'Title') now", "see a now"),
        ("see ![a](x.png) now", "see a now"),
        ("see [a](#b)", "see a"),
        ("see [https://x.in](https://x.in) now", "see https://x.in now"),
        ("see [a](https://x.in\nnow", "see a\nnow"),
        ("see [a](data:image/png;base64," + "A" * 5000 + ") now", "see a now"),
        ("the word [sic](no) and x[0] or [1] or [a]", "the word [sic](no) and x[0] or [1] or [a]"),
        (r"see [a\] b](https://x.in) now", "see a] b now"),
        (r"see [a\\](https://x.in) now", r"see a\ now"),
        (r"see [a\](x.in) or [b] or c", "see [a](x.in) or [b] or c"),
        ("so[^1] it[^note]: is", "so it: is"),
        ("wow! [a] !", "wow! [a] !"),
    ],
)
def test_of_a_link_the_text_is_kept(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


@given(
    st.lists(
        st.sampled_from(["[", "]", "\\[", "\\]", "](x.in)", "(x.in)", "![", "\\\\", "**", "<b>", " ", "\n", "word"]),
        max_size=30,
    )
)
def test_no_word_is_lost_whatever_brackets_it_is_in(parts: list[str]) -> None:
    marked_up = "".join(f"{part}{number}" if part == "word" else part for number, part in enumerate(parts))
    assert re.findall(r"word\d+", plain(marked_up)) == re.findall(r"word\d+", marked_up)


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("a\n```py\nb. c\n```\nd", "a\nd"),
        ("a ```b``` c", "a \nc"),
        ("a\n~~~\nb `c`\n~~~\nd", "a\nd"),
        ("a\n````\n```\nb\n```\n````\nd", "a\nd"),
        ("a\n```\nb " + "c" * 2000, "a"),
        ("<think>a\nb</THINK>c", "c"),
        ("<style type='x'>a</style>c", "c"),
        ("a<!-- b -- c -->d", "ad"),
    ],
)
def test_code_thoughts_and_comments_become_nothing(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("<b>a</b> <span class='x'>b</span><wbr/>", "a b"),
        ("a<br/>b<p>c</p>", "a\nb\nc"),
        ("</think>a", "a"),
        ("<a@b.in> <https://x.in/y> <https://x.in?z> c", "a@b.in https://x.in/y https://x.in c"),
        ("say <your name> if 3 < 5, a<b, <3 you <", "say <your name> if 3 < 5, a<b, <3 you <"),
        ("a &amp; b&nbsp;c &#8377;5 &lt;b&gt; AT&T; R&D &&", "a & b c ₹5 <b> AT&T; R&D &&"),
        ("a&nbsp; b", "a b"),
    ],
)
def test_tags_go_and_entities_are_what_they_stand_for(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("a 😀 b", "a b"),
        ("a😀b", "a b"),
        ("a👨‍👩‍👧!", "a!"),
        ("1️⃣ a 🇮🇳", "1 a "),
        ("co\u00adop", "coop"),
        ("क्‍ष", "क्‍ष"),
        ("a → b", "a → b"),
    ],
)
def test_pictures_are_dropped_and_joiners_of_letters_stay(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        ("https://x.in/_a_*", "https://x.in/_a_"),
        ("https://x.in/a?b=c&d. Then", "https://x.in/a. Then"),
        ("https://x.in/a#b, then", "https://x.in/a, then"),
        ("https://x.in/a?b", "https://x.in/a"),
        ("is it https://x.in?", "is it https://x.in?"),
        ("(https://x.in/a) b", "(https://x.in/a) b"),
        ("https://" + "x" * 200 + "! a", "https://" + "x" * MAX_ADDRESS_CHARS + "! a"),
        ("a: b :/ c", "a: b :/ c"),
    ],
)
def test_an_address_is_taken_as_it_is_as_far_as_it_can_be_said(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


def test_a_long_delta_is_read_like_a_short_one() -> None:
    assert plain("so **it** is, " * 500) == "so it is, " * 500
