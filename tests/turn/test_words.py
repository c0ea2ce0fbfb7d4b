from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import text

from mediasrv.turn.words import words_of


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        ("Hello, can you hear me?", "hello can you hear me"),
        ("“I don’t know.”", "i don't know"),
        ("'twas the twins'", "twas the twins"),
        ("wi-fi … e-mail", "wi fi e mail"),
        ("john.smith@gmail.co.in", "john dot smith at gmail dot co dot in"),
        ("It is 10 p.m.", "it is 10 p m"),
        ("1,00,000 and 12,500.50", "100000 and 12500 dot 50"),
        ("3/4 or -5 & 20-30", "3 slash 4 or minus 5 and 20 30"),
        ("$5, ₹10, 3%", "dollars 5 rupees 10 3 percent"),
        ("मैं हूँ। ज़रा", "मैं हूं जरा"),
        ("什么？ 好。", "什么 好"),
        ("", ""),
        (" ... - ' ", ""),
    ],
)
def test_words_are_bare_of_case_punctuation_and_variants(transcript: str, words: str) -> None:
    assert words_of(transcript) == words.split()


@given(text())
def test_any_text_has_words_without_spaces(transcript: str) -> None:
    assert all(word and len(word.split()) == 1 for word in words_of(transcript))
