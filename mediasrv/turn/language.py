"""What the rules of turn-taking know of a language: data, read once by the shell and handed down.

Each word belongs to one class, and a class is one character, so that an utterance becomes a short string of classes
and a rule a regular expression over them. Rules are written with the names of classes::

    [ends.auxiliary]                 # how an utterance whose last word is an auxiliary stands ...
    complete = ["^ yes+ pronoun"]    # ... when this is what stands before it
    otherwise = "incomplete"

Names of groups (``[groups]``) stand for several classes, ``.`` for any word. A phrase is written with underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from mediasrv.errors import ConfigError
from mediasrv.turn.words import words_of

UNKNOWN = "unknown"
"""The class of a word that is in no list and has no ending we know."""
NUMBER = "number"
"""The class of a word written in digits."""
_NAME = re.compile(r"[a-z][a-z_]*")
_FIRST_CLASS = 0xE000
_NEVER = re.compile(r"(?!)")


class Level(IntEnum):
    """How finished an utterance is, by its words."""

    COMPLETE = 0
    """An answer may begin."""
    UNSURE = 1
    """It could be all, or not."""
    INCOMPLETE = 2
    """Something must follow."""
    DICTATION = 3
    """Digits, letters or an address are being dictated, and there is more to come."""


Rules = Sequence[tuple[re.Pattern[str], Level]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Language:
    """One language's words and rules. Without rules, only pauses count."""

    code: str = ""
    """ISO 639-1; empty for a language without rules."""
    foreign: re.Pattern[str] = _NEVER
    """A letter that this language is not written with."""
    words: Mapping[str, str] = field(default_factory=dict)
    """The class of each known word, as a character; phrases are joined by a space."""
    phrases: Mapping[str, int] = field(default_factory=dict)
    """The first two words of phrases, each with the number of words in the longest phrase that begins so."""
    suffixes: Sequence[tuple[str, str]] = ()
    """Endings of words, each with the class of an unknown word that has it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The character of each class."""
    tags: frozenset[str] = frozenset()
    """Classes that may be added to any finished utterance: courtesies, and the name for whom one speaks to."""
    ends: Mapping[str, Rules] = field(default_factory=dict)
    """Rules by the class of the last word, for what stands before it; the first that fits counts."""
    wholes: Rules = ()
    """Rules for the utterance as a whole; the first that fits counts, before those for its end."""
    openings: Rules = ()
    """Rules for an utterance whose end is complete."""
    backchannels: frozenset[str] = frozenset()
    """Words and phrases that show only that one listens."""
    digits: Mapping[str, int] = field(default_factory=dict)
    """How many digits a number word stands for when a number is dictated."""
    doubles: Mapping[str, int] = field(default_factory=dict)
    """Words that repeat the digit that follows, and how often."""
    full_lengths: frozenset[int] = frozenset()
    """How many digits make a number that is complete."""
    short_codes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Words that announce a shorter number, and its lengths."""
    machine: frozenset[str] = frozenset()
    """Phrases that only an answering machine says when it is called, or the exchange."""
    machine_hints: frozenset[str] = frozenset()
    """Phrases of which it takes two."""
    screening: frozenset[str] = frozenset()
    """Phrases that only a program says which screens calls."""
    screening_hints: frozenset[str] = frozenset()
    """Phrases of which it takes two."""
    hold: frozenset[str] = frozenset()
    """Phrases with which such a program asks for patience."""
    opt_out: re.Pattern[str] = _NEVER
    """How somebody asks not to be called again, in words that each have a space on either side; turn/optout.py."""

    def class_of(self, word: str) -> str:
        """The class of a word or phrase, as a character."""
        if (known := self.words.get(word)) is not None:
            return known
        if word.isdecimal():
            return self.names[NUMBER]
        return next((name for suffix, name in self.suffixes if word.endswith(suffix)), self.names[UNKNOWN])


NO_LANGUAGE = Language()
"""Any language that we have no rules for."""


def language_from(code: str, data: Mapping[str, Any]) -> Language:
    """Build a language from its data file. Raise ``ConfigError`` where the file contradicts itself."""
    classes = {name: _spoken(text) for name, text in data["words"].items()}
    names = {name: chr(_FIRST_CLASS + place) for place, name in enumerate([*classes, NUMBER, UNKNOWN])}
    words = dict(_with_inflections(code, classes, data, names))
    grammar = _Grammar(code, names, data["groups"])
    lengths = data["digits"]
    return Language(
        code=code,
        foreign=re.compile(f"[^\\W\\d_{data['letters']}]"),
        words=words,
        phrases=_phrases(words),
        suffixes=[(suffix, grammar.name(name)) for suffix, name in data["suffixes"].items()],
        names=names,
        tags=frozenset(grammar.name(name) for name in data["tags"]),
        ends={grammar.name(last): grammar.rules(levels, at_end=True) for last, levels in data["ends"].items()},
        wholes=grammar.rules(data["wholes"]),
        openings=grammar.rules(data["openings"]),
        backchannels=frozenset(_spoken(data["backchannels"])),
        digits={word: int(count) for count, text in lengths["words"].items() for word in _spoken(text)},
        doubles=lengths["doubles"],
        full_lengths=frozenset(lengths["full"]),
        short_codes={word: frozenset(each) for word, each in lengths["short"].items()},
        **{name: frozenset(_spoken(text)) for name, text in data.get("callee", {}).items()},
        opt_out=_opt_out(data["opt_out"]) if "opt_out" in data else _NEVER,
    )


def _opt_out(phrases: Mapping[str, str]) -> re.Pattern[str]:
    """No exception, and a phrase that means it anywhere, or one that means it where nothing but tails follows."""
    exceptions, anywhere, at_end, tails = (
        "|".join(map(re.escape, _spoken(phrases[name]))) for name in ("exceptions", "anywhere", "at_end", "tails")
    )
    return re.compile(f"^(?!.* (?:{exceptions}) ).* (?:(?:{anywhere}) |(?:{at_end}) (?:(?:{tails}) )*$)")


def _spoken(text: str) -> list[str]:
    return [" ".join(words_of(word.replace("_", " "))) for word in text.split()]


def _with_inflections(
    code: str, classes: Mapping[str, list[str]], data: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Each word with its class; then the regular forms of verbs, unless they are listed themselves."""
    seen: set[str] = set()
    for name, listed in classes.items():
        for word in listed:
            if word in seen:
                raise ConfigError(f"language {code}: {word!r} is listed twice, the second time as {name}")
            seen.add(word)
            yield word, names[name]
    for name in data.get("inflected", ()):
        for word in classes[name]:
            ending, forms = next((end, forms) for end, *forms in data["inflections"] if word.endswith(end))
            stem = word.removesuffix(ending)
            yield from ((stem + form, names[name]) for form in forms if stem + form not in seen)


def _phrases(words: Iterable[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for phrase in (each.split(" ") for each in words if " " in each):
        opening = " ".join(phrase[:2])
        longest[opening] = max(longest.get(opening, 0), len(phrase))
    return longest


class _Grammar:
    """Turns rules written with names into regular expressions over the characters of classes."""

    def __init__(self, code: str, names: Mapping[str, str], groups: Mapping[str, str]) -> None:
        self._code = code
        self._names = names
        self._groups = groups

    def name(self, name: str) -> str:
        """The character of a class."""
        if name not in self._names:
            raise ConfigError(f"language {self._code}: there is no class {name!r}")
        return self._names[name]

    def rules(self, levels: Mapping[str, Any], *, at_end: bool = False) -> list[tuple[re.Pattern[str], Level]]:
        """The rules of one table, in order; a level's patterns may be given by ``otherwise`` too, which fits all."""
        rules: list[tuple[re.Pattern[str], Level]] = []
        for name, patterns in levels.items():
            if name == "otherwise":
                rules.append((re.compile(""), Level[patterns.upper()]))
            else:
                sources = [self._source(pattern) + (r"\Z" if at_end else "") for pattern in patterns]
                rules += [(re.compile(source), Level[name.upper()]) for source in sources]
        return rules

    def _source(self, pattern: str) -> str:
        return _NAME.sub(lambda found: self._atom(found[0]), pattern).replace(" ", "")

    def _atom(self, name: str) -> str:
        if name in self._groups:
            return f"(?:{self._source(self._groups[name])})"
        return self.name(name)
