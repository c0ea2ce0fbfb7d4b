from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.turn.figures import say_figures


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("₹1,23,456.50", "1 lakh 23 thousand 456 rupees 50 paise"),
        ("₹ 10,00,000", "10 lakh rupees"),
        ("₹12,00,00,005", "12 crore 5 rupees"),
        ("₹150000", "1 lakh 50 thousand rupees"),
        ("Rs. 500/-", "500 rupees"),
        ("Rs 1", "1 rupee"),
        ("INR 50,000", "50,000 rupees"),
        ("₹0.01", "1 paisa"),
        ("₹0", "0 rupees"),
        ("₹2.5 lakh", "2.5 lakh rupees"),
        ("₹5 Cr", "5 crore rupees"),
        ("Rs.500/month", "500 rupees per month"),
        ("₹500–1,000", "500 to 1,000 rupees"),
        ("$5-$10", "5 to 10 dollars"),
        ("$3,500.00", "3,500 dollars"),
        ("$3.5", "3 dollars 50 cents"),
        ("$5 million", "5 million dollars"),
        ("US$20k/year", "20 thousand dollars per year"),
        ("€1", "1 euro"),
        ("£0.99", "99 pence"),
        ("$3.999", "$3.999"),
        ("A$5", "A$5"),
        ("hrs 5", "hrs 5"),
    ],
)
def test_money_is_said_with_its_unit_behind_it(written: str, said: str) -> None:
    assert say_figures(f"It is {written}.") == f"It is {said}."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1,23,456", "1 lakh 23 thousand 456"),
        ("12,34,56,789", "12 crore 34 lakh 56 thousand 789"),
        ("1,00,000.25", "1 lakh point 2 5"),
        ("0,00,123", "0,00,123"),
        ("1,234,567", "1,234,567"),
        ("50,000", "50,000"),
        ("3.5", "3.5"),
    ],
)
def test_lakhs_and_crores_are_said_and_other_numbers_left_to_the_voice(written: str, said: str) -> None:
    assert say_figures(f"It is {written}, yes.") == f"It is {said}, yes."


@given(number=st.integers(100_000, 10**13))
def test_crores_lakhs_and_thousands_add_up(number: int) -> None:
    worth = {"crore": 10**7, "lakh": 10**5, "thousand": 1000}
    words = say_figures(f"₹{number}").removesuffix(" rupees").split()
    named = zip(words, [*words[1:], ""], strict=True)
    assert sum(int(word) * worth.get(unit, 1) for word, unit in named if word.isdigit()) == number


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("9876543210", "9 8 7 6 5, 4 3 2 1 0"),
        ("98765 43210", "9 8 7 6 5, 4 3 2 1 0"),
        ("+919876543210", "plus 9 1, 9 8 7 6 5, 4 3 2 1 0"),
        ("+91 98765-43210", "plus 9 1, 9 8 7 6 5, 4 3 2 1 0"),
        ("+6591234567", "plus 6 5 9 1 2, 3 4 5 6 7"),
        ("1800-123-4567", "1 8 0 0, 1 2 3, 4 5 6 7"),
        ("1800 22 1111", "1 8 0 0, 2 2, 1 1 1 1"),
        ("1-415-555-0199", "1, 4 1 5, 5 5 5, 0 1 9 9"),
        ("(415) 555-0199", "4 1 5, 5 5 5, 0 1 9 9"),
        ("022 2345 6789", "0 2 2, 2 3 4 5, 6 7 8 9"),
        ("08012345678", "0, 8 0 1 2 3, 4 5 6 7 8"),
        ("4111111111111111", "4 1 1 1, 1 1 1 1, 1 1 1 1, 1 1 1 1"),
        ("123456789", "1 2 3, 4 5 6, 7 8 9"),
        ("1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8"),
        ("10 20 30 40 50", "10 20 30 40 50"),
        ("100 200 3000", "100 200 3000"),
        ("2024-05-12", "2024-05-12"),
        ("2023-2024", "2023-2024"),
        ("1234567", "1234567"),
    ],
)
def test_telephone_numbers_are_said_digit_by_digit_in_groups(written: str, said: str) -> None:
    assert say_figures(f"Call {written}.") == f"Call {said}."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Your OTP is 4521.", "Your OTP is 4 5 2 1."),
        ("PIN code: 560001", "PIN code: 5 6 0 0 0 1"),
        ("ext. 204", "ext. 2 0 4"),
        ("code 12", "code 12"),
        ("the year 2024", "the year 2024"),
    ],
)
def test_codes_are_said_digit_by_digit(written: str, said: str) -> None:
    assert say_figures(written) == said


def test_words_are_left_alone() -> None:
    assert say_figures("₹ and $ and words") == "₹ and $ and words"
