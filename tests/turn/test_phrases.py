from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mediasrv.turn.phrases import MAX_PHRASE_CHARS, MIN_FIRST_CHARS, PhraseCutter


def cut(*deltas: str) -> list[str]:
    """All phrases of a stream."""
    cutter = PhraseCutter()
    return [phrase for delta in deltas for phrase in cutter.push(delta)] + cutter.flush()


def later(text: str) -> list[str]:
    """The phrases of a text that is not the first of its reply."""
    return cut("Well then. " + text)[1:]


# -- where a phrase ends -----------------------------------------------------------------------------------------------


def test_the_first_phrase_ends_at_the_first_clause() -> None:
    assert cut("Let me have a look, it will not take long.") == ["Let me have a look,", "it will not take long."]


def test_later_phrases_end_at_sentences() -> None:
    assert later("Let me have a look, it will not take long. There.") == [
        "Let me have a look, it will not take long.",
        "There.",
    ]


def test_a_first_clause_too_short_for_a_melody_goes_on() -> None:
    assert cut("Sure, I can do that.") == ["Sure, I can do that."]


def test_the_shortest_first_clause() -> None:
    clause = "abc " * 2 + "d" * (MIN_FIRST_CHARS - 8)
    assert cut(f"{clause}, and more.") == [f"{clause},", "and more."]
    assert cut(f"{clause[1:]}, and more.") == [f"{clause[1:]}, and more."]


def test_a_short_first_sentence_is_a_phrase() -> None:
    assert cut("Yes. It is on its way, I think.") == ["Yes.", "It is on its way, I think."]


@pytest.mark.parametrize("mark", [",", ";", ":", " –", " —", " -"])
def test_every_mark_of_a_clause_ends_the_first_phrase(mark: str) -> None:
    assert cut(f"Wait a moment please{mark} I am looking.") == [f"Wait a moment please{mark}", "I am looking."]


@pytest.mark.parametrize("mark", [",", ";", ":", " –", " —", " -"])
def test_no_mark_of_a_clause_ends_a_later_phrase(mark: str) -> None:
    assert later(f"Wait a moment please{mark} I am looking.") == [f"Wait a moment please{mark} I am looking."]


@pytest.mark.parametrize("mark", [".", "!", "?", "...", "…", "।", "॥", "?!", "。", "！", "？"])
def test_every_mark_of_a_sentence_ends_a_phrase(mark: str) -> None:
    assert later(f"So it is{mark} And more") == [f"So it is{mark}", "And more"]


@pytest.mark.parametrize("closing", ['"', "'", "”", "’", ")", "]", '."', "**", "_", ".)"])
def test_what_closes_after_a_sentence_belongs_to_it(closing: str) -> None:
    assert len(later(f"So it is.{closing} And more")) == 2


def test_quotes_and_brackets_stay_with_their_sentence() -> None:
    assert later('He said "yes." Then (he left.) Gone.') == ['He said "yes."', "Then (he left.)", "Gone."]


def test_lines_are_phrases() -> None:
    assert cut("The address:\n\nSunset Road\nGoa") == ["The address:", "Sunset Road", "Goa"]


def test_a_sentence_is_not_cut_before_the_next_word_is_near() -> None:
    cutter = PhraseCutter()
    assert cutter.push("That costs 3.") == []
    assert cutter.push("5") == []
    assert cutter.push(" euros.") == []
    assert cutter.push(" ") == ["That costs 3.5 euros."]
    assert cutter.flush() == []


def test_the_end_of_the_stream_ends_a_phrase() -> None:
    cutter = PhraseCutter()
    assert cutter.push("Is that all") == []
    assert cutter.flush() == ["Is that all"]
    assert cutter.flush() == []


# -- where it does not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "It is 3.5 kilometres.",
        "You pay $3,500.00 at the door.",
        "Ask Mr. Dashwood about it.",
        "Ask (Dr. Dashwood) about it.",
        "Fruit, e.g. apples, i.e. food.",
        "Come at 5 p.m. on Monday.",
        "A book by J. R. R. Tolkien is here.",
        "Write to me@example.co.in today.",
        "Call it v1.2.3 then.",
        "The time is 10:30 now.",
        "We met at St. Mary with Mrs. Jones vs. Smith.",
    ],
)
def test_a_dot_within_a_sentence_does_not_end_it(sentence: str) -> None:
    assert later(sentence + " Good.") == [sentence, "Good."]


def test_a_sentence_may_end_in_a_number() -> None:
    assert later("You pay 3. Good.") == ["You pay 3.", "Good."]


def test_a_sentence_may_end_in_i() -> None:
    assert later("So did I. Good.") == ["So did I.", "Good."]


def test_a_sentence_may_end_in_a_small_letter() -> None:
    assert later("Take plan b. Good.") == ["Take plan b.", "Good."]


def test_an_abbreviation_before_another_mark_does_not_hold_the_sentence() -> None:
    assert later("Was that Mr? Good.") == ["Was that Mr?", "Good."]


def test_the_number_of_an_item_stays_with_it() -> None:
    assert cut("1. Open the door.\n2. Close it.") == ["1. Open the door.", "2. Close it."]


# -- what is not spoken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("This is **very** good.", "This is very good."),
        ("This is *very* good.", "This is very good."),
        ("This is __very__ good.", "This is very good."),
        ("This is `very` good.", "This is very good."),
        ("This is **good.**", "This is good."),
        ("**Note:** it rains.", "Note: it rains."),
        ("~~Gone~~ it is.", "Gone it is."),
        ("# Weather", "Weather"),
        ("### Weather", "Weather"),
        ("> It rains.", "It rains."),
        ("- It rains.", "It rains."),
        ("* It rains.", "It rains."),
        ("• It rains.", "It rains."),
        ("2*3 is 6.", "2*3 is 6."),
        ("2 * 3 is 6.", "2 * 3 is 6."),
        ("2 ** 3 is 8.", "2 ** 3 is 8."),
        ("5 > 3 is true.", "5 > 3 is true."),
        ("I know C# well.", "I know C# well."),
        ("It is in snake_case here.", "It is in snake_case here."),
        ("It is -3 degrees.", "It is -3 degrees."),
        ("Much   white\tspace.", "Much white space."),
    ],
)
def test_markdown_is_not_spoken_and_all_else_is(written: str, spoken: str) -> None:
    assert cut(written) == [spoken]
    assert later(written) == [spoken]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "* * *", "---\n\n***", '"!"', "- \n- \n", " . , ; "])
def test_nothing_but_punctuation_is_no_phrase(text: str) -> None:
    assert cut(text) == []
    assert later(text) == []


def test_punctuation_ahead_of_the_first_word_does_not_end_a_phrase() -> None:
    assert cut("... so it is.") == ["... so it is."]


def test_a_line_of_punctuation_does_not_spend_the_first_clause() -> None:
    assert cut("***\nLet me have a look, it will not take long.")[0] == "Let me have a look,"


# -- what never ends ---------------------------------------------------------------------------------------------------


def test_a_sentence_of_2000_characters_is_cut_at_words() -> None:
    words = [f"word{number}" for number in range(250)]
    phrases = later(" ".join(words))
    assert all(MAX_PHRASE_CHARS - 10 < len(phrase) <= MAX_PHRASE_CHARS for phrase in phrases[:-1])
    assert " ".join(phrases).split() == words


def test_a_long_sentence_is_cut_at_its_last_pause() -> None:
    head = "one two three, " * 12 + "four five six"
    phrases = later(head + " seven eight" * 20)
    assert phrases[0] == ("one two three, " * 12).strip()
    assert phrases[1].startswith("four five six seven")


def test_a_word_that_never_ends_is_cut() -> None:
    phrases = cut("x" * 500)
    assert [len(phrase) for phrase in phrases] == [MAX_PHRASE_CHARS, MAX_PHRASE_CHARS, 500 - 2 * MAX_PHRASE_CHARS]


def test_a_sentence_just_short_enough_is_not_cut() -> None:
    sentence = "word " * 43 + "end."
    assert len(sentence) == MAX_PHRASE_CHARS - 1
    assert later(sentence + " More.") == [sentence, "More."]
    assert later("x" + sentence + " More.") == ["x" + sentence, "More."]
    assert later("xx" + sentence + " More.") == ["xx" + sentence[:-5], "end.", "More."]
    assert cut("x" + sentence) == ["x" + sentence]


# -- however it comes --------------------------------------------------------------------------------------------------

STORY = (
    "Sure, let me see: it costs $3,500.00, i.e. less than Mr. J. Dashwood paid... **Really!** “Is it so?” (Yes.)\n\n"
    "1. Open the door - gently.\n2. Close it. क्या आप हैं। " + "on and on it goes, " * 14 + "\n***\nThe end"
)
texts = st.text("ab1I .,!?:;-–*_#>|\"')\n।", max_size=60) | st.lists(
    st.sampled_from(["Hello", "you", "Mr.", "3.5", "e.g.", "x" * 90, "J.", "-", "**so**", "end.", "wait,", "\n", "1."]),
    max_size=60,
).map(" ".join)


def test_a_stream_cut_at_any_place_gives_the_same_phrases() -> None:
    whole = cut(STORY)
    assert len(whole) > 10
    for place in range(len(STORY) + 1):
        assert cut(STORY[:place], STORY[place:]) == whole


@given(text=texts, data=st.data())
@example(text="a" * 230 + ". b", data=None)
@example(text="Well.   " + "word " * 43 + "ends. Yes.", data=None)
def test_phrases_do_not_depend_on_the_pieces_they_come_in(text: str, data: st.DataObject | None) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8))) if data else []
    pieces = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    assert cut(*pieces) == cut(text) == cut(*text)


@given(text=texts)
def test_no_phrase_is_longer_than_allowed(text: str) -> None:
    assert all(len(phrase) <= MAX_PHRASE_CHARS for phrase in cut(text))


@given(
    words=st.lists(st.sampled_from(["Hello", "you,", "Mr.", "3.5", "end.", "(so)", "why?", "J.", "2*3"]), max_size=90)
)
def test_all_words_are_kept_in_order(words: list[str]) -> None:
    assert " ".join(cut(" ".join(words))).split() == words


@given(text=texts)
def test_every_phrase_has_something_to_say(text: str) -> None:
    assert all(any(char.isalnum() for char in phrase) for phrase in cut(text))
