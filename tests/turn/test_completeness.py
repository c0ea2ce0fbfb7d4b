"""How well the rules tell an end from a pause, on sentences cut at every word and on sentences with their pauses.

``python -m tests.turn.test_completeness [FILE]`` prints the figures, for the sentences here or for a file.
The rules were written looking at three quarters of the ``utterances`` (``is_tuned``, by SHA-256); the last one reports.
In ``pauses`` a bar stands wherever people pause with more to come; the rules were written looking at nearly all.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import sampled_from, text

from mediasrv.call.phrasebook import language_of
from mediasrv.turn.completeness import completeness
from mediasrv.turn.language import NO_LANGUAGE, Level

HERE = Path(__file__).parent
# fmt: off
AFTER = {
    "conjunction": "and or but because if when so that plus since while aur lekin ki to kyunki isliye agar jab "
    "और लेकिन कि तो",
    "preposition": "of for with from at by in on to about into than before after near "
    "ka ke ko se mein par tak का के की को से में पर",
    "auxiliary": "is are was were be been will would can could do does did have has had i'm it's i've i'd i'll "
    "that's isn't don't",
    "subject": "i he she we they you it main mujhe hum aap मैं मुझे हम आप",
    "determiner": "the a an my your our their his her this some any every another mera meri mere मेरा मेरी मेरे",
}
# fmt: on
KINDS = {word: f"after {kind}" for kind, words in AFTER.items() for word in words.split()}
BEFORE = {word: f"before {kind}" for kind in ("conjunction", "preposition") for word in AFTER[kind].split()}


def is_tuned(sentence: str) -> bool:
    """Whether the rules were written looking at this sentence."""
    return sha256(sentence.encode()).digest()[0] % 4 != 3


def sentences(code: str) -> list[str]:
    return (HERE / f"utterances_{code}.txt").read_text(encoding="utf-8").splitlines()


def bare(words: str) -> str:
    return re.sub(r"[.,?!;।]", "", words)


def shares(code: str, said: list[str]) -> dict[str, tuple[int, float]]:
    """By kind of place: how many, and the share judged right, COMPLETE at the end and not COMPLETE before it."""
    count: Counter[str] = Counter()
    right: Counter[str] = Counter()
    language = language_of(code)
    for words in (bare(each).split() for each in said):
        for place in range(1, len(words) + 1):
            level = completeness(" ".join(words[:place]), language)
            if place == len(words):
                kind = "end"
            else:
                kind = KINDS.get(words[place - 1].lower()) or BEFORE.get(words[place].lower()) or "elsewhere"
            count[kind] += 1
            right[kind] += (level is Level.COMPLETE) == (kind == "end")
    return {kind: (count[kind], right[kind] / count[kind]) for kind in sorted(count)}


def share_of(places: dict[str, tuple[int, float]], beginning: str) -> float:
    counted = [each for kind, each in places.items() if kind.startswith(beginning)]
    return sum(count * share for count, share in counted) / sum(count for count, _ in counted)


@pytest.mark.parametrize(("code", "ends", "after"), [("en", 0.94, 0.92), ("hi", 0.95, 0.93)])
def test_sentences_nobody_looked_at_end_where_they_end(code: str, ends: float, after: float) -> None:
    places = shares(code, [each for each in sentences(code) if not is_tuned(each)])
    assert share_of(places, "end") >= ends
    assert share_of(places, "after") >= after


def share_complete(said: list[str], code: str) -> float:
    return sum(completeness(each, language_of(code)) is Level.COMPLETE for each in said) / len(said)


def paused(code: str) -> tuple[list[str], list[str]]:
    """Sentences with marked pauses: what was said before each pause, and the whole sentences."""
    pieces = [line.split(" | ") for line in (HERE / f"pauses_{code}.txt").read_text(encoding="utf-8").splitlines()]
    before = [" ".join(each[:place]) for each in pieces for place in range(1, len(each))]
    return before, [" ".join(each) for each in pieces]


@pytest.mark.parametrize(("code", "pauses", "ends"), [("en", 0.07, 0.94), ("hi", 0.05, 0.95)])
def test_few_pauses_sound_complete_and_most_ends_do(code: str, pauses: float, ends: float) -> None:
    before, whole = paused(code)
    assert share_complete(before, code) <= pauses
    assert share_complete(whole, code) >= ends


def levels(text: str, level: Level) -> list[tuple[str, Level]]:
    return [(line.strip(), level) for line in text.strip().splitlines()]


ENGLISH = [
    *levels(
        """
        yes
        Yes, please.
        the second one
        tomorrow
        Sarah Mitchell
        at half past three
        what do you want
        who am I speaking to
        yes I am
        I hope so
        and you
        I'll have what he had
        when will it arrive
        if I call you will you pick up
        my number is nine eight seven six five four three two one zero
        double nine eight seven six five four three two one
        98765 43210
        my pin is 4 2 7 1
        john@gmail.com
        john at gmail dot com
        I live at number nine
        I said no
        it's perfect
        my card was declined
        that was quick
        that's more expensive
        I was in bed
        thank you guys
        option one
        """,
        Level.COMPLETE,
    ),
    *levels(
        """
        my order
        please
        I want to cancel
        I don't
        press one
        I'd like to go somewhere
        the guy from the garage
        could you forward
        """,
        Level.UNSURE,
    ),
    *levels(
        """
        I want to cancel my
        and
        I need
        I was wondering if you
        I was wondering if
        if I call you
        when the parcel arrives
        a large
        the red
        um
        I would like
        can you tell me
        is the hotel
        my friend's
        it costs more than.
        you are no
        I have absolutely no
        it's definitely
        an email followed
        she recommended
        my bank declined
        every time I call
        what I need
        to be honest
        I'd like to speak to Mister
        is Doctor
        """,
        Level.INCOMPLETE,
    ),
    *levels(
        """
        nine eight seven
        call me on 98765
        nine double
        my email is john at gmail
        john at gmail dot
        my email address is john
        j o h n
        b as in boy
        it's spelled
        """,
        Level.DICTATION,
    ),
]
HINDI = [
    *levels(
        """
        haan
        mujhe order cancel karna hai
        kal subah das baje
        card block kar dijiye
        मेरा पार्सल नहीं आया
        आप कब आएंगे?
        ठीक है।
        haan ji sir
        """,
        Level.COMPLETE,
    ),
    *levels(
        """
        mera
        mujhe
        mera order
        main ghar par
        main aaya tha lekin
        usne kaha ki
        agar main kal aaun
        मेरे खाते से
        क्योंकि
        मुझे एक
        """,
        Level.INCOMPLETE,
    ),
    *levels(
        """
        nau aath saat
        डबल
        नौ आठ सात छह
        rahul at gmail dot
        """,
        Level.DICTATION,
    ),
]


@pytest.mark.parametrize(("said", "level"), ENGLISH)
def test_english_is_as_finished_as_its_end(said: str, level: Level) -> None:
    assert completeness(said, language_of("en")) is level


@pytest.mark.parametrize(("said", "level"), HINDI)
def test_hindi_is_as_finished_as_its_verb(said: str, level: Level) -> None:
    assert completeness(said, language_of("hi")) is level


def test_what_has_no_rules_is_unsure() -> None:
    assert completeness("yes", NO_LANGUAGE) is Level.UNSURE
    assert completeness("", language_of("en")) is Level.UNSURE
    assert completeness("मुझे चाहिए", language_of("en")) is Level.UNSURE
    assert completeness("да", language_of("hi")) is Level.UNSURE


def test_a_number_among_words_is_not_dictated() -> None:
    assert completeness("I paid 450", language_of("en")) is not Level.DICTATION


@given(text() | text(alphabet="abi ndthe129.@"), sampled_from(["en", "hi"]))
def test_any_text_has_a_level(said: str, code: str) -> None:
    assert completeness(said, language_of(code)) in Level


def figures(code: str, said: list[str]) -> str:
    """A table of the shares, for people."""
    lines = []
    for part, chosen in (("tuned", True), ("report", False)):
        places = shares(code, [each for each in said if is_tuned(each) is chosen])
        lines += [f"{code} {part:7} {kind:20} {count:5} {share:7.1%}" for kind, (count, share) in places.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(figures("en", Path(path).read_text(encoding="utf-8").splitlines()))
    if not sys.argv[1:]:
        print("\n".join(figures(code, sentences(code)) for code in ("en", "hi")))
        for code in ("en", "hi"):
            before, whole = paused(code)
            print(f"{code} called complete: {share_complete(before, code):.1%} of {len(before)} pauses,", end=" ")
            print(f"{share_complete(whole, code):.1%} of {len(whole)} ends")
