"""Who is heard to ask for no more calls, and who is not."""

from __future__ import annotations

import pytest

from mediasrv.call.phrasebook import language_of
from mediasrv.turn.language import NO_LANGUAGE
from mediasrv.turn.optout import OptOut, asks_no_more_calls
from tests.turn.conversation import ENGLISH

HINDI = language_of("hi")

OPT_OUTS = [
    "Stop calling me.",
    "Please stop calling me!",
    "Don't call me again.",
    "DO NOT CALL ME ANY MORE, please. Thank you, bye.",
    "I am not interested, stop calling.",
    "I told you already: don’t call me, ever again.",
    "Never call me again, and tell your boss.",
    "You will remove my number from your system right now.",
    "Take me off your list.",
    "I don't want any more calls from now on.",
    "stop calling me stop calling me",
    "Please do not call this number.",
]
OTHERS = [
    "",
    "Don't call me before nine.",
    "Do not call me now, I am driving.",
    "Don't call me sir-ji.",
    "Please don't stop calling me.",
    "Why did you stop calling me?",
    "If you don't call me I will complain.",
    "Stop calling him names.",
    "Can I opt out?",
    "Call me again tomorrow.",
    "Nobody told me not to call.",
    "Don't call my office, call my mobile.",
]
HINDI_OPT_OUTS = [
    "Mujhe call mat karo.",
    "please dobara call mat karna, samjhe aap",
    "Aap call karna band karo ji",
    "मुझे दोबारा फोन मत करना।",
    "कृपया मुझे कॉल न करें।",
    "मेरा नंबर हटा दो भाई",
    "फ़ोन करना बंद करो",
    "Stop calling me.",
]
HINDI_OTHERS = [
    "Abhi call mat karo, main meeting mein hoon.",
    "अभी फोन मत करो",
    "Kal subah call karo.",
    "Call mat karo, message bhejo.",
    "मुझे शाम को कॉल करना",
]


@pytest.mark.parametrize("text", OPT_OUTS)
def test_who_wants_no_more_calls_is_heard(text: str) -> None:
    assert asks_no_more_calls(text, ENGLISH)


@pytest.mark.parametrize("text", OTHERS)
def test_who_says_something_else_is_not_taken_for_him(text: str) -> None:
    assert not asks_no_more_calls(text, ENGLISH)


@pytest.mark.parametrize("text", HINDI_OPT_OUTS)
def test_it_is_understood_in_hindi(text: str) -> None:
    assert asks_no_more_calls(text, HINDI)


@pytest.mark.parametrize("text", HINDI_OTHERS)
def test_not_now_is_not_never_in_hindi(text: str) -> None:
    assert not asks_no_more_calls(text, HINDI)


@pytest.mark.parametrize("text", [*OPT_OUTS, *HINDI_OPT_OUTS])
def test_without_a_language_nobody_is_understood(text: str) -> None:
    assert not asks_no_more_calls(text, NO_LANGUAGE)


def test_the_same_words_are_looked_at_once() -> None:
    callee = OptOut(ENGLISH)
    assert not callee.hears("Please stop")
    assert callee.hears("Please stop calling me.", "Please stop")
    assert not callee.hears("Please stop calling me.", "Please stop")
    assert callee.hears("Please stop calling me.", "Please stop calling me.")


def test_words_that_came_before_count() -> None:
    assert OptOut(ENGLISH).hears("call me again", "do not")
    assert not OptOut(ENGLISH).hears("Call me. Do not", "Call me. Do not")


@pytest.mark.parametrize("text", ["Stop calling me, please again.", "Never call me, ever again, from now on, sir."])
def test_many_words_that_change_nothing_may_follow(text: str) -> None:
    assert asks_no_more_calls(text, ENGLISH)
