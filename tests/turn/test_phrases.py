from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mediasrv.turn.phrases import MAX_PHRASE_CHARS, MIN_FIRST_CHARS, PhraseCutter, as_spoken

# Read anew for each of its characters, this takes longer than a test may.
LONG_CHARS = 40_000


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


@pytest.mark.parametrize("conjunction", ["but it", "because it", "and it", "unless it"])
def test_the_word_that_begins_the_next_clause_ends_the_first(conjunction: str) -> None:
    first = "I have looked up your order"
    assert cut(f"{first} {conjunction} is late.") == [first, f"{conjunction} is late."]
    assert cut(f"I see it {conjunction} is late.") == [f"I see it {conjunction} is late."]
    assert later(f"{first} {conjunction} is late.") == [f"{first} {conjunction} is late."]


def test_things_that_are_counted_up_are_not_torn_apart() -> None:
    assert cut("We sell apples and pears and plums here.") == ["We sell apples and pears and plums here."]


@pytest.mark.parametrize("danda", ["।", "॥", "᱾", "꯫", "。", "।।", "।”"])
def test_a_danda_ends_a_sentence_without_white_space_behind_it(danda: str) -> None:
    assert later(f"यह आ गया है{danda}अब बोलिए{danda}") == [f"यह आ गया है{danda}", f"अब बोलिए{danda}"]


@pytest.mark.parametrize("mark", ["۔", "؟"])
def test_a_sentence_in_urdu_ends(mark: str) -> None:
    assert later(f"یہ ہے{mark} اور") == [f"یہ ہے{mark}", "اور"]


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
        "You walk 3,500.00 steps to the door.",
        "Ask Mr. Dashwood about it.",
        "Ask (Dr. Dashwood) about it.",
        "Fruit, e.g. apples, i.e. food.",
        "Come at 5 p.m. on Monday.",
        "A book by J. R. R. Tolkien is here.",
        "Read readme.txt today.",
        "The U.S. market and the Ph.D. thesis are here.",
        "See No. 5 on Jan. 5 in vol. 2 of it.",
        "Ask डॉ. Sharma about it.",
        "Call it v1.2.3 then.",
        "The time is 10:30 now.",
        "We met at St. Mary with Mrs. Jones vs. Smith.",
    ],
)
def test_a_dot_within_a_sentence_does_not_end_it(sentence: str) -> None:
    assert later(sentence + " Good.") == [sentence, "Good."]


@pytest.mark.parametrize("word", ["No", "Mar", "tel"])
def test_a_word_that_numbers_follow_may_end_a_sentence(word: str) -> None:
    assert later(f"I said {word}. Good.") == [f"I said {word}.", "Good."]
    assert later(f"I said {word}.\n5 of them.") == [f"I said {word}.", "5 of them."]


def test_no_is_said_as_soon_as_the_next_word_shows_that_it_is_no_number() -> None:
    cutter = PhraseCutter()
    assert cutter.push("No. ") == []
    assert cutter.push("I") == ["No."]


def test_an_address_is_never_cut_and_is_said_as_a_person_would() -> None:
    said = "Write to ravi at example dot co dot in or see example dot com slash help."
    assert later("Write to ravi@example.co.in or see https://www.example.com/help. Good.") == [said, "Good."]


def test_a_comma_within_a_date_does_not_end_the_first_clause() -> None:
    assert cut("It comes on May 9, 2024, I think.") == ["It comes on May 9, 2024,", "I think."]
    assert cut("It comes on May 9, I think.") == ["It comes on May 9,", "I think."]


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
        ("This is <b>very</b> good &amp; more 😀.", "This is very good & more."),
        ("This is [very](https://example.com/x) good.", "This is very good."),
        ("This is ```not``` good.", "good."),
        ("> It rains.", "It rains."),
        ("- It rains.", "It rains."),
        ("* It rains.", "It rains."),
        ("• It rains.", "It rains."),
        ("2*3 is 6.", "2*3 is 6."),
        ("2 * 3 is 6.", "2 times 3 is 6."),
        ("2 ** 3 is 8.", "2 ** 3 is 8."),
        ("I know C# well.", "I know C# well."),
        ("It is in snake_case here.", "It is in snake_case here."),
        ("It is -3 degrees.", "It is -3 degrees."),
        ("Much   white\tspace.", "Much white space."),
    ],
)
def test_markdown_is_not_spoken_and_all_else_is(written: str, spoken: str) -> None:
    assert cut(written)[-1] == spoken
    assert later(written)[-1] == spoken


def test_items_headings_and_rows_become_sentences() -> None:
    text = "## Plans\n\n1. Basic\n2. **Premium**\n\n- Fast\n- Cheap!\n\n| Plan | Price |\n|---|---|\n| Basic | $5 |\n"
    plans = ["Plans.", "1. Basic.", "2. Premium.", "Fast.", "Cheap!"]
    assert cut(text) == [*plans, "Plan, Price.", "Basic, 5 dollars."]


def test_a_code_block_is_not_spoken() -> None:
    assert cut("Do this:\n\n```python\nprint('Hi. There, you')\n```\n\nThen call.") == ["Do this:", "Then call."]


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


def test_a_number_in_groups_is_not_cut_by_force() -> None:
    phrases = later("so " * 68 + "call 98765 43210 now")
    assert phrases[-1] == "call 9 8 7 6 5, 4 3 2 1 0 now"


def test_figures_that_never_end_are_cut_between_them() -> None:
    assert "".join(cut("12 " * 200)).replace(" ", "") == "12" * 200


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "pattern", ["*", "[", "](", "<a ", "<", "`", "|", "&", "\\", ":", "> ", "- ", " ", "\n", "a.", "1,"]
)
@pytest.mark.parametrize("tail", ["", "!", "।—", "9 "])
def test_no_text_takes_long(pattern: str, tail: str) -> None:
    cut((pattern + tail) * (LONG_CHARS // len(pattern + tail)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "pattern", ["$1", "₹1,", "a@", "a.b.c@", "https://", "[a](", "😀", "<think>", "No. ", "+1 ", "1-"]
)
def test_no_figure_and_no_address_takes_long(pattern: str) -> None:
    cut(pattern * (LONG_CHARS // len(pattern)))


@pytest.mark.parametrize(
    "opening", ["```", "<think>", "<!--", "[a](http://", "https://a.in/?", "<a ", "[", "*", "😀", " "]
)
def test_nothing_is_kept_of_what_never_ends(opening: str) -> None:
    cutter = PhraseCutter()
    for _ in range(300):
        cutter.push(opening + "x" * 300)
    assert len(pickle.dumps(cutter)) < 3000


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


# -- for a voice that joins its phrases ------------------------------------------------------------------------------


def joined(text: str, pieces: int = 1) -> list[str]:
    """The phrases of a text that comes so many characters at a time, for a voice that speaks them in one breath."""
    cutter = PhraseCutter(joins=True)
    deltas = [text[at : at + pieces] for at in range(0, len(text), pieces)]
    return [phrase for delta in deltas for phrase in cutter.push(delta)] + cutter.flush()


def test_a_voice_that_joins_begins_with_a_few_words_and_goes_on_with_the_clause() -> None:
    assert joined("It is on its way. It left Pune this morning.") == [
        "It is",
        "on its way.",
        "It left Pune this morning.",
    ]
    assert joined("That's what I thought, or nearly so.") == ["That's what", "I thought, or nearly so."]


def test_the_first_words_are_given_when_the_next_has_begun() -> None:
    cutter = PhraseCutter(joins=True)
    assert cutter.push("It is") == []
    assert cutter.push(" ") == []
    assert cutter.push("o") == ["It is"]


@pytest.mark.parametrize(
    "text",
    [
        "Sure, I can do that.",
        "It's 35 dollars.",
        "Mr. Smith is here.",
        "Yes.",
        "We are 24 hours open.",
        "1. Open the door.",
    ],
)
def test_what_may_be_part_of_something_is_not_parted(text: str) -> None:
    assert joined(text) == cut(text)


@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_a_joining_voice_gets_the_same_phrases_however_they_come(pieces: int) -> None:
    assert joined(STORY, pieces) == joined(STORY, len(STORY))


# -- however it comes --------------------------------------------------------------------------------------------------

STORY = (
    "Sure, let me see: it costs $3,500.00, i.e. less than Mr. J. Dashwood paid... **Really!** “Is it so?” (Yes.)\n\n"
    "1. Open the door - gently.\n2. Close it. क्या आप हैं। " + "on and on it goes, " * 14 + "\n***\nThe end"
)
texts = st.text("ab1I .,!?:;-–*_#>|\"')\n।", max_size=60) | st.lists(
    st.sampled_from(["Hello", "you", "Mr.", "3.5", "e.g.", "x" * 90, "J.", "-", "**so**", "end.", "wait,", "\n", "1."]),
    max_size=60,
).map(" ".join)
MARKUP = [
    *(
        "[a, b](https://a.in/b)",
        "![",
        "](c.d",
        ")",
        "<b>",
        "<br>",
        "<think>",
        "</think>",
        "<!--",
        "-->",
        "```",
        "`",
        "**",
    ),
    *(
        "__",
        "~~",
        "~~~",
        "&amp;",
        "&lt",
        "|",
        "- ",
        "1. ",
        "# ",
        "> ",
        "\\*",
        "No. ",
        "5",
        "9, ",
        "98765 43210",
        "😀",
        "क्‍ष।",
    ),
    *(
        "http://a.in/b?c",
        "<http://a.in>",
        "<a@b.in>",
        "a@b.in",
        "<a href='x",
        "://",
        "and it ",
        "but ",
        " ",
        "word",
        "\n",
    ),
]
marked_up = st.lists(st.sampled_from(MARKUP), max_size=40).map("".join)


def test_a_stream_cut_at_any_place_gives_the_same_phrases() -> None:
    whole = cut(STORY)
    assert len(whole) > 10
    for place in range(len(STORY) + 1):
        assert cut(STORY[:place], STORY[place:]) == whole


@given(text=texts | marked_up, data=st.data())
@example(text="a" * 230 + ". b", data=None)
@example(text="Well.   " + "word " * 43 + "ends. Yes.", data=None)
def test_phrases_do_not_depend_on_the_pieces_they_come_in(text: str, data: st.DataObject | None) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8))) if data else []
    pieces = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    assert cut(*pieces) == cut(text) == cut(*text)


@given(text=texts)
def test_no_phrase_is_longer_than_allowed(text: str) -> None:
    assert all(len(phrase) <= MAX_PHRASE_CHARS for phrase in cut(text) if " to " not in phrase)


@given(
    words=st.lists(st.sampled_from(["Hello", "you,", "Mr.", "3.5", "end.", "(so)", "why?", "J.", "2*3"]), max_size=90)
)
def test_all_words_are_kept_in_order(words: list[str]) -> None:
    assert " ".join(cut(" ".join(words))).split() == words


@given(text=texts | marked_up)
def test_every_phrase_has_something_to_say(text: str) -> None:
    assert all(any(char.isalnum() for char in phrase) for phrase in cut(text))


def test_a_whole_text_is_one_phrase_in_the_words_that_are_said() -> None:
    assert as_spoken("**Hello**, how are you? Pay ₹5 lakh\nat x.in.") == (
        "Hello, how are you? Pay 5 lakh rupees at x dot in."
    )
    assert as_spoken(" 👋 … ") == ""
