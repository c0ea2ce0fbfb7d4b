from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from mediasrv.errors import ConfigError
from mediasrv.turn.language import NO_LANGUAGE, Level, language_from

PAGE = """
letters = "a-z"
backchannels = "mhm go_on"
tags = ["courtesy"]
inflected = ["verb"]
inflections = [["e", "es", "ed"], ["", "s"]]
[words]
courtesy = "please"
verb = "like go goes_by"
article = "a the"
[suffixes]
ly = "courtesy"
[groups]
thing = "(unknown | number)"
[ends]
article = { complete = ["^ verb"], otherwise = "incomplete" }
[wholes]
dictation = ["thing thing $"]
[openings]
unsure = ["^ article"]
[digits]
doubles = { double = 2 }
full = [10]
[digits.words]
1 = "one"
[digits.short]
pin = [4]
"""


def page(**changes: Any) -> dict[str, Any]:
    return tomllib.loads(PAGE) | changes


def test_each_word_has_a_class() -> None:
    language = language_from("xx", page())
    for word, name in {
        "the": "article",
        "12": "number",
        "dog": "unknown",
        "kindly": "courtesy",
        "goes by": "verb",
    }.items():
        assert language.class_of(word) == language.names[name]


def test_verbs_have_their_regular_forms() -> None:
    language = language_from("xx", page())
    assert {"like", "likes", "liked", "go", "gos"} <= set(language.words)
    assert "likees" not in language.words


def test_a_rule_is_read_with_the_names_of_classes_and_groups() -> None:
    language = language_from("xx", page())
    article, verb, unknown = (language.names[name] for name in ("article", "verb", "unknown"))
    (exception, level), (rest, otherwise) = language.ends[article]
    assert (level, otherwise) == (Level.COMPLETE, Level.INCOMPLETE)
    assert exception.search(verb)
    assert not exception.search(unknown + verb)
    assert rest.search("")
    assert language.wholes[0][0].search(verb + unknown + unknown)


def test_a_word_that_is_listed_twice_is_named() -> None:
    words = page()["words"] | {"article": "a the please"}
    with pytest.raises(ConfigError, match="language xx: 'please' is listed twice, the second time as article"):
        language_from("xx", page(words=words))


def test_a_class_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="language xx: there is no class 'noun'"):
        language_from("xx", page(openings={"unsure": ["^ noun"]}))


def test_without_a_language_nothing_is_foreign_and_nothing_known() -> None:
    assert not NO_LANGUAGE.foreign.search("any абв")
    assert not NO_LANGUAGE.words
    assert isinstance(NO_LANGUAGE.foreign, re.Pattern)
