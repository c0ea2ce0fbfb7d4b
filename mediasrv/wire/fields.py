"""JSON messages and the members that carriers put into them, read tolerantly and refused in one line.

What a stranger wrote is never repeated in an error: its text names the member that is wrong and nothing else, so that
no audio, digit or number of a caller can reach a log this way.
"""

from __future__ import annotations

from typing import Any

import orjson

from mediasrv.errors import LocalProtocolError, RemoteProtocolError

MAX_MESSAGE_CHARS = 65_536
"""Longest message on a carrier's WebSocket, either way: Plivo's limit of 64 KB."""

MAX_ID_CHARS = 256
"""Longest name of a call or a stream. They are UUIDs or half again as long; they go to logs and into URLs."""

MAX_REASON_CHARS = 200
"""What is kept of a carrier's own words for the record."""

DTMF_DIGITS = frozenset("0123456789*#ABCD")
"""The sixteen keys of ITU-T Q.23."""

Fields = dict[str, Any]
"""A JSON object as it was read."""


def parse(message: str | bytes) -> Fields:
    """Read a text message as a JSON object; raise ``RemoteProtocolError`` for anything else."""
    if not isinstance(message, str):
        raise RemoteProtocolError("the message is binary")
    if len(message) > MAX_MESSAGE_CHARS:
        raise RemoteProtocolError("the message is too long")
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        # The decoder's error carries the whole document, so it must not travel along as the cause.
        raise RemoteProtocolError("the message is not JSON") from None
    if isinstance(fields, dict):
        return fields
    raise RemoteProtocolError("the message is not a JSON object")


def compose(fields: Fields) -> str:
    """Write a JSON object as a text message; raise ``LocalProtocolError`` for text that is not Unicode or too long."""
    try:
        message = orjson.dumps(fields).decode()
    except orjson.JSONEncodeError:
        raise LocalProtocolError("the message cannot be written as JSON") from None
    if len(message) > MAX_MESSAGE_CHARS:
        raise LocalProtocolError("the message is too long for the carrier")
    return message


def event_in(fields: Fields) -> str:
    """The kind of a message, its ``event`` member."""
    event = fields.get("event")
    if not isinstance(event, str):
        raise RemoteProtocolError("the message has no event name")
    return event


def object_in(fields: Fields, name: str) -> Fields:
    """A member that must be an object."""
    value = fields.get(name)
    if isinstance(value, dict):
        return value
    raise RemoteProtocolError(f"{name} is not an object")


def text_in(fields: Fields, name: str) -> str:
    """A member that must be text and not empty."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise RemoteProtocolError(f"{name} is not a text")
    return value


def id_from(name: str, *values: object) -> str:
    """The name of a call or a stream: the first of several places where it may stand that holds anything."""
    value = next((value for value in values if value not in (None, "")), None)
    if not isinstance(value, str):
        raise RemoteProtocolError(f"{name} is missing or not a text")
    if len(value) > MAX_ID_CHARS or not value.isprintable():
        raise RemoteProtocolError(f"{name} is not a name")
    return value


def count_from(value: object) -> int | None:
    """A count that carriers write as a number or as its digits; ``None`` for what is neither."""
    if type(value) is int:
        return value if value >= 0 else None
    # Nineteen digits hold every 64-bit count; int() itself would accept any script's digits and any length.
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    return None


def reason_from(value: object) -> str:
    """A carrier's own words as one printable line; empty where it gave none."""
    if not isinstance(value, str):
        return ""
    line = "".join(char if char.isprintable() else " " for char in value[:MAX_REASON_CHARS])
    return " ".join(line.split())


def are_digits(value: object) -> bool:
    """Whether this is a text of one or more keys of a telephone."""
    return isinstance(value, str) and value != "" and DTMF_DIGITS.issuperset(value)


def name_in(text: str) -> str:
    """A call's name as a stranger gave it, fit for a log; empty when it is not."""
    return text if len(text) <= MAX_ID_CHARS and text.isprintable() else ""
