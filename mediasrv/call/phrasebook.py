"""Where the rules of languages are kept: data files of the package, each read once."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from mediasrv.turn.language import NO_LANGUAGE, Language, language_from

SHELF = files("mediasrv") / "languages"


@lru_cache
def language_of(code: str) -> Language:
    """The rules of a language (``en``, or with a region: ``en-IN``); none for a language we have no file for.

    Reads a file the first time, so it is to be called before calls come. Raise ``ConfigError`` for a broken file.
    """
    primary = code.lower().replace("_", "-").partition("-")[0]
    if not primary.isalpha() or not (page := SHELF / f"{primary}.toml").is_file():
        return NO_LANGUAGE
    return language_from(primary, tomllib.loads(page.read_text(encoding="utf-8")))
