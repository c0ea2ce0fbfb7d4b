"""Redaction of a capture: every word and every sound is replaced by a blank of the same shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mediasrv.providers.base import Speech, TextDelta, ToolCall, Transcript
from mediasrv.providers.realtime import CallerSaid, SpeechPiece, ToolWanted
from mediasrv.wire.events import DtmfReceived, MediaReceived, PlayMedia, SendDtmf, StreamStarted


def blank(line: list[Any]) -> list[Any]:
    """A line without words, digits, numbers and audio."""
    kind, *what = line
    match kind:
        case "header":
            return [kind, _header(what[0])]
        case "phrase":
            return [kind, _text(what[0]), what[1], [_blank(piece) for piece in what[2]]]
        case "act":
            return [kind, *what[:5], _all(what[5]), _all(what[6])]
        case _:
            return [kind, *(_blank(each) for each in what)]


def _header(header: dict[str, Any]) -> dict[str, Any]:
    details = {**header["details"], "from_number": "", "to_number": "", "body": {}, "earlier": None}
    return {
        **header,
        "started": _blank(header["started"]),
        "details": details,
        "instructions": "",
        "greeting": header["greeting"] and _text(header["greeting"]),
        "options": {**header["options"], "instructions": ""},
    }


def _blank(value: Any) -> Any:
    match value:
        case MediaReceived() | PlayMedia():
            return replace(value, payload=bytes(len(value.payload)))
        case DtmfReceived():
            return replace(value, digit="0")
        case SendDtmf():
            return replace(value, digits="0" * len(value.digits))
        case Transcript() | TextDelta() | CallerSaid():
            return replace(value, text=_text(value.text))
        case Speech() | SpeechPiece():
            return replace(value, audio=bytes(len(value.audio)), text=_text(value.text))
        case ToolCall():
            return replace(value, arguments="{}", signature="")
        case ToolWanted():
            return replace(value, call=_blank(value.call))
        case StreamStarted():
            return replace(value, headers={}, raw_headers="", from_number="", to_number="")
        case _:
            return value


def _all(value: Any) -> Any:
    """The same without any text."""
    match value:
        case str():
            return _text(value)
        case np.ndarray():
            return np.zeros_like(value)
        case list() | tuple():
            return [_all(each) for each in value]
        case dict():
            return {key: _all(each) for key, each in value.items()}
        case _:
            return value


def _text(text: str) -> str:
    """As long, and with the same spaces and stops."""
    return "".join("x" if each.isalpha() else "0" if each.isdigit() else each for each in text)
