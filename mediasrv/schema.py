"""From what an operator gave to frozen options classes, by their annotations.

A value travels as a ``Given`` that remembers the file, variable or flag it stands in, so that every error names the
place, the dotted key and what is expected there; a value of the wrong kind is not shown, as it may be a misplaced
secret. Annotations may be ``int``, ``float``, ``bool``, ``str``, ``tuple[str, ...]``, an options dataclass, a
``Mapping[str, OPTIONS]`` and a ``Mapping[str, Any]``, whose keys somebody else checks. A field named with a trailing
underscore is given without it (``class_``: ``class``), and one text may stand for a list of one.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from mediasrv.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Given:
    """A value, or a table of values, and where it was given."""

    value: object
    """A scalar, a list, or a dict of ``Given`` by key."""
    source: str
    """The file, variable or flag, as an error names it."""
    is_text: bool = False
    """Whether it came from where everything is text, and is to be read as its annotation asks."""


Table = dict[str, Given]


def given(value: object, source: str) -> Given:
    """Wrap a value and, where it is a mapping, all that it holds."""
    if isinstance(value, Mapping):
        return Given({str(key): given(item, source) for key, item in value.items()}, source)
    return Given(value, source)


def wrong(where: Given, key: str, what: str) -> ConfigError:
    """The error for a key, to be raised by the caller."""
    return ConfigError(f"{where.source}: {key or 'configuration'}: {what}")


def table_of(where: Given, key: str) -> Table:
    """The entries of a table; ``ConfigError`` when it is none."""
    if not isinstance(where.value, dict):
        raise wrong(where, key, f"expected a table, got {_kind(where.value)}")
    return where.value


def join(key: str, name: str) -> str:
    """The dotted key of an entry."""
    return f"{key}.{name}" if key else name


def key_of(field_name: str) -> str:
    """The key that an operator writes for a field."""
    return field_name.removesuffix("_")


class Reader:
    """Reads options by their annotations; a subclass may open sealed tables and narrow the values."""

    def unseal(self, table: Table, key: str, options: type | None) -> Table:
        """The table as it is to be read; ``options`` is the class it becomes, or ``None`` for an open table."""
        return table

    def flaw(self, name: str, value: object) -> str:
        """What is expected instead of a value of the right type, or nothing when it will do."""
        return ""

    def read(self, kind: Any, where: Given, key: str = "") -> Any:
        """Make a value of an annotation's kind; ``ConfigError`` when it does not fit."""
        if is_dataclass(kind):
            return self._options(kind, where, key)
        if get_origin(kind) is Mapping:
            inner = get_args(kind)[1]
            table = table_of(where, key)
            if inner is Any:
                table = self.unseal(table, key, None)
            return {name: self.read(inner, item, join(key, name)) for name, item in table.items()}
        if kind is Any:
            return self._anything(where, key)
        if kind == tuple[str, ...]:
            return self._texts(where, key)
        return self._scalar(kind, where, key)

    def _options(self, kind: Any, where: Given, key: str) -> Any:
        table = self.unseal(table_of(where, key), key, kind)
        known = {key_of(field.name): field for field in fields(kind)}
        hints = get_type_hints(kind)
        values: dict[str, Any] = {}
        for name, item in table.items():
            if name not in known:
                raise wrong(item, join(key, name), f"unknown key; {suggest(name, known)}")
            field = known[name]
            value = self.read(hints[field.name], item, join(key, name))
            if hints[field.name] == Mapping[str, Any] and field.default_factory is not MISSING:
                value = {**field.default_factory(), **value}
            values[field.name] = value
        try:
            return kind(**values)
        except ConfigError as error:
            raise wrong(where, key, str(error)) from None

    def _anything(self, where: Given, key: str) -> Any:
        if isinstance(where.value, dict):
            return self.read(Mapping[str, Any], where, key)
        return _guess(where.value) if where.is_text else where.value

    def _texts(self, where: Given, key: str) -> tuple[str, ...]:
        items = _guess(where.value) if where.is_text else where.value
        if isinstance(items, str):
            return (items,) if items else ()
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise wrong(where, key, "expected a text or a list of texts")
        return tuple(items)

    def _scalar(self, kind: type, where: Given, key: str) -> object:
        value = _from_text(kind, str(where.value)) if where.is_text else _fit(kind, where.value)
        if value is None:
            got = "" if where.is_text else f", got {_kind(where.value)}"
            raise wrong(where, key, f"expected {_KINDS[kind]}{got}")
        if flaw := self.flaw(key.rpartition(".")[2], value):
            raise wrong(where, key, f"expected {flaw}, got {value!r}")
        return value


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    spellings = [name + suffix for name in names for suffix in ("", *SEALS)]
    nearest = get_close_matches(name, spellings, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(names) or 'none'}"


SEALS = ("_env", "_file")
"""Suffixes of keys that say where a value is to be fetched."""

_KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    dict: "a table",
    list: "a list",
}

_TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _kind(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    return _KINDS.get(type(value), "something else")


def _fit(kind: type, value: object) -> object | None:
    if kind is float and type(value) is int:
        value = float(value)
    fits = type(value) is kind or (kind is str and isinstance(value, str))
    return value if fits and not (isinstance(value, float) and not math.isfinite(value)) else None


def _from_text(kind: type, text: str) -> object | None:
    if kind is bool:
        return _TRUTHS.get(text.strip().lower())
    try:
        return _fit(kind, kind(text))
    except ValueError:
        return None


def _guess(value: object) -> object:
    """Text for a key whose type is not known here: TOML where it is a TOML value, itself otherwise."""
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value
    guess = parsed["value"]
    return guess if len(parsed) == 1 and isinstance(guess, int | float | str | list) else value
