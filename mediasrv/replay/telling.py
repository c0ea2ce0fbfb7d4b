"""How the first difference of a replay is told: where it lies, to the byte, and nothing of what is said there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import orjson

from mediasrv.replay.comparison import Difference
from mediasrv.replay.wire import Refused, Written
from mediasrv.wire.events import DtmfReceived, MediaReceived, PlayMedia, SendDtmf, StreamStarted

_SAID = frozenset({"payload", "dtmf", "digit", "digits"})
"""Members of messages that hold sound or keys."""
_ABSENT = "nothing"


def told(difference: Difference | None) -> str:
    """A difference in one line; empty without one."""
    if difference is None:
        return ""
    expected, got = difference.expected, difference.got
    when = f"after {difference.at_s:.3f} s: "
    if isinstance(expected, Written) and isinstance(got, Written):
        return f"{when}to the carrier: {_written(expected.messages, got.messages)}"
    place = ""
    if isinstance(expected, PlayMedia | MediaReceived) and type(expected) is type(got):
        place = f", from byte {_first(expected.payload, got.payload)} on"
    if isinstance(expected, StreamStarted) and isinstance(got, StreamStarted):
        names = [each.name for each in fields(expected) if getattr(expected, each.name) != getattr(got, each.name)]
        place = f", with another {' and '.join(names)}"
    return f"{when}expected {_shape(expected)}, got {_shape(got)}{place}"


def _shape(what: Any) -> str:
    """Something done or heard, without what is said in it."""
    name = type(what).__name__
    match what:
        case None:
            return _ABSENT
        case PlayMedia() | MediaReceived():
            return f"{name} of {len(what.payload)} bytes"
        case SendDtmf():
            return f"{name} of {len(what.digits)} keys"
        case DtmfReceived() | StreamStarted():
            return name
        case Written():
            return f"{len(what.messages)} messages to the carrier"
        case Refused():
            return f"a refusal: {what.reason}"
        case _:
            return str(what)


def _written(expected: Sequence[str], got: Sequence[str]) -> str:
    pairs = enumerate(zip(expected, got, strict=False), start=1)
    for number, (one, other) in pairs:
        if one != other:
            byte = _first(one.encode(), other.encode())
            return f"message {number} of {len(expected)} is otherwise from byte {byte} on: {_members(one, other)}"
    return f"expected {len(expected)} messages, got {len(got)}"


def _members(one: str, other: str) -> str:
    """The first member that two messages do not share."""
    try:
        pair = orjson.loads(one), orjson.loads(other)
    except orjson.JSONDecodeError:
        return f"{len(one)} characters, now {len(other)}"
    return next(_otherwise("", *pair), "the same members, otherwise spelled")


def _otherwise(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _otherwise(f"{path}.{name}".lstrip("."), one.get(name), other.get(name))
    elif one != other:
        yield f"{path}: expected {_member(path, one)}, got {_member(path, other)}"


def _member(path: str, value: Any) -> str:
    if value is None:
        return _ABSENT
    if path.rpartition(".")[2] in _SAID:
        return f"{len(str(value))} characters"
    return orjson.dumps(value).decode()


def _first(one: bytes, other: bytes) -> int:
    """Where two texts begin to differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
