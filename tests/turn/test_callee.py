from __future__ import annotations

import pytest

from mediasrv.audio.format import PTIME_MS
from mediasrv.call.phrasebook import language_of
from mediasrv.turn.callee import Callee, Kind
from mediasrv.turn.language import NO_LANGUAGE
from tests.turn.conversation import ENGLISH

HINDI = language_of("hi")

MACHINES = [
    "Hi, you've reached Bob. I can't take your call right now.",
    "Please leave a message after the tone.",
    "The person you are calling is not available at the moment.",
    "Your call has been forwarded to an automated voice messaging system.",
    "Hello, this is the voicemail of Ann. Record your message.",
    "The number you have dialed is not in service.",
    "The number you are calling is switched off.",
]
HUMANS = [
    "Hello?",
    "Yes, who is calling?",
    "Sorry, he is not available.",
    "I'm not available now, call back later.",
    "Would you like to leave a message with me?",
    "You have reached Smith Dental, how can I help you?",
    "What is the purpose of your call?",
    "Hold on, one moment.",
    "",
]
SCREENS = [
    "Hi, if you record your name and reason for calling, I'll see if this person is available.",
    "The person you're calling is using a screening service from Google, and will get a copy of this conversation.",
    "Please state your name after the tone.",
    "Who is calling and why?",
    "May I ask who is calling, and the purpose of your call?",
]
HINDI_LINES = [
    ("कृपया बीप के बाद अपना संदेश छोड़ें।", Kind.MACHINE),
    ("आप जिस व्यक्ति से संपर्क करना चाहते हैं वह अभी उपलब्ध नहीं है।", Kind.MACHINE),
    ("Beep ke baad apna sandesh record karein.", Kind.MACHINE),
    ("कृपया अपना नाम और कॉल करने का कारण बताएं।", Kind.SCREENING),
    ("हेलो, कौन बोल रहा है?", Kind.UNSURE),
    ("वह अभी उपलब्ध नहीं है।", Kind.UNSURE),
]


def hear(callee: Callee, frames: str) -> list[tuple[int, Kind]]:
    """Each change, with its time in ms."""
    return [((at + 1) * PTIME_MS, callee.kind) for at, frame in enumerate(frames) if callee.hear(frame == "v")]


@pytest.mark.parametrize("text", MACHINES)
def test_a_mailbox_is_known_by_its_words(text: str) -> None:
    callee = Callee(ENGLISH)
    assert callee.read(text, is_final=False)
    assert callee.kind is Kind.MACHINE


@pytest.mark.parametrize("text", HUMANS)
def test_what_a_human_may_say_is_no_sign(text: str) -> None:
    callee = Callee(ENGLISH)
    assert not callee.read(text, is_final=True)
    assert callee.kind is Kind.UNSURE


@pytest.mark.parametrize("text", SCREENS)
def test_a_screening_program_is_known_by_its_words(text: str) -> None:
    callee = Callee(ENGLISH)
    assert callee.asks_who_calls(text)
    assert callee.read(text, is_final=False)
    assert callee.kind is Kind.SCREENING
    assert not callee.read(text, is_final=True)


@pytest.mark.parametrize(("text", "kind"), HINDI_LINES)
def test_so_it_is_in_hindi(text: str, kind: Kind) -> None:
    callee = Callee(HINDI)
    callee.read(text, is_final=True)
    assert callee.kind is kind


def test_without_a_language_words_say_nothing() -> None:
    assert not any(Callee(NO_LANGUAGE).read(text, is_final=True) for text in MACHINES + SCREENS)


def test_a_short_hello_is_a_humans() -> None:
    assert hear(Callee(ENGLISH), "." * 20 + "v" * 25 + "." * 60) == [(400 + 500 + 800, Kind.HUMAN)]


def test_a_click_is_nobody_and_neither_is_a_sentence() -> None:
    assert hear(Callee(ENGLISH), "." * 20 + "v" * 3 + "." * 60) == []
    assert hear(Callee(ENGLISH), "." * 20 + "v" * 120 + "." * 60) == []


def test_a_long_speech_at_once_is_read_from_paper() -> None:
    stops = ("v" * 60 + "." * 10) * 3
    assert hear(Callee(ENGLISH), "." * 50 + stops + "." * 40) == [(1000 + 4200 + 600, Kind.MACHINE)]


def test_a_hello_before_it_does_not_save_a_machine() -> None:
    kinds = [kind for _, kind in hear(Callee(ENGLISH), "v" * 10 + "." * 45 + "v" * 210 + "." * 45)]
    assert kinds == [Kind.HUMAN, Kind.MACHINE]


def test_a_long_speech_with_a_pause_or_in_answer_to_us_may_be_a_humans() -> None:
    assert hear(Callee(ENGLISH), "." * 50 + ("v" * 90 + "." * 25) * 3 + "." * 40) == []
    assert hear(Callee(ENGLISH), "." * 110 + "v" * 300 + "." * 60) == []


def test_the_words_of_a_screening_program_count_more_than_its_length() -> None:
    callee = Callee(ENGLISH)
    assert hear(callee, "." * 50 + "v" * 100) == []
    callee.read("Please state your name.", is_final=False)
    assert hear(callee, "v" * 150 + "." * 60) == []
    assert callee.kind is Kind.SCREENING


def test_behind_a_screening_program_comes_a_human_or_a_mailbox() -> None:
    callee = Callee(ENGLISH)
    callee.read("Please state your name.", is_final=True)
    assert not callee.read("Thank you. Stay on the line.", is_final=True)
    assert not callee.read("", is_final=True)
    assert not callee.read("Hello", is_final=False)
    assert callee.read("Hello?", is_final=True)
    kinds = [callee.kind]
    assert callee.read(MACHINES[1], is_final=True)
    assert [*kinds, callee.kind] == [Kind.HUMAN, Kind.MACHINE]


def test_a_machine_stays_one_whoever_speaks() -> None:
    callee = Callee(ENGLISH)
    assert callee.settle(Kind.MACHINE)
    assert not callee.settle(Kind.HUMAN)
    assert not callee.settle(Kind.MACHINE)
    assert not callee.read(SCREENS[0], is_final=True)


def test_after_half_a_minute_who_speaks_is_human_and_may_speak_of_mailboxes() -> None:
    callee = Callee(ENGLISH)
    assert hear(callee, "." * 1600) == []
    assert callee.hear(True)
    assert callee.kind is Kind.HUMAN
    assert not callee.read("You should leave me a message after the beep.", is_final=True)


def test_a_screening_program_may_take_its_time() -> None:
    callee = Callee(ENGLISH)
    callee.read(SCREENS[0], is_final=True)
    assert hear(callee, "." * 1600 + "v") == []
    assert callee.read("Hello?", is_final=True)
