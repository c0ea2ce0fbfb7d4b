from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.turn import spoken as module
from mediasrv.turn.spoken import spoken

_TOKENS = [
    "a",
    "I",
    "Café",
    "co.in",
    "www.",
    "it's",
    "’",
    "'",
    "OTP",
    "code",
    "7",
    "#",
    "-",
    "@",
    "…",
    ".",
    "!",
    "?",
    ",",
]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Due 2024-05-12.", "Due 12 May 2024."),
        ("From 9:30-10:30 am.", "From 9:30 to 10:30 am."),
        ("From 9:30 am – 5:00 pm.", "From 9:30 am to 5:00 pm."),
        ("10-15 minutes", "10 to 15 minutes"),
        ("50-100 people", "50 to 100 people"),
        ("2019-2024 or 2019–2024", "2019 to 2024 or 2019 to 2024"),
        ("3 × 4 = 12", "3 times 4 equals 12"),
        ("8 ÷ 2 + 1 - 3", "8 divided by 2 plus 1 minus 3"),
        ("x >= 5 and y ≤ 6 and a ≠ b", "x is at least 5 and y is at most 6 and a is not b"),
        ("if 5 > 3 or 3 < 5", "if 5 is more than 3 or 3 is less than 5"),
        ("Menu → Help -> Call", "Menu to Help to Call"),
        ("~5 km ± 2, −3, -₹5", "about 5 km plus or minus 2, minus 3, minus 5 rupees"),
        ("#5 of #tag ##", "number 5 of tag"),
        ("- • so it is", "so it is"),
        ("Done .", "Done."),
    ],
)
def test_signs_spans_and_dates_are_said(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "It is 3.5 kg at 9:30 am, 50% & more, the 1st of 1,234 at 25°C with Dr. No.",
        "We won 3-2, order 1234-5678, a 5-star flat 12-3, -3 degrees, well-known C# and/or 24/7.",
        "… so it is …",
    ],
)
def test_what_voices_read_well_is_left_to_them(text: str) -> None:
    assert spoken(text) == text


@pytest.mark.parametrize(
    "text",
    ["आपका ऑर्डर ₹1,23,456 का है, 98765 43210 पर।", "உங்கள் 10-15 நிமிடம்", "Пишите на a@b.com", "是 3 × 4 = 12"],
)
def test_other_scripts_pass_through(text: str) -> None:
    assert spoken(text) == text


def test_latin_letters_with_accents_are_latin() -> None:
    assert spoken("Café Nguyễn costs €5") == "Café Nguyễn costs 5 euros"


@given(st.lists(st.sampled_from([*_TOKENS, *" " * 12, *"ok" * 6])).map("".join))
def test_nothing_is_written_out_where_there_is_nothing_to_write_out(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_NOTHING_TO_WRITE_OUT", re.compile("(?!)"))
        said = spoken(text)
    assert spoken(text) == said
