"""What the rules of turn-taking know of a language: data, read once by the shell and handed down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language's words, by what they tell of how finished an utterance is."""

    code: str = ""
    """ISO 639-1; empty for a language without rules, in which only pauses count."""


NO_LANGUAGE = Language()
"""Any language that we have no rules for."""
