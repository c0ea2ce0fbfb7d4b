"""Redaction of a capture: every word and every sound is replaced by a blank of the same shape.

What stays are the operator's own set phrases, such as the greeting, which are in his configuration; their sound goes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, TextDelta, ToolCall, Transcript
from mediasrv.providers.realtime import CallerSaid, SpeechPiece, ToolWanted
from mediasrv.replay.codec import OutsideError
from mediasrv.wire.events import DtmfReceived, MediaReceived, PlayMedia, SendDtmf, StreamStarted


def blank(line: list[Any], silence: bytes) -> list[Any]:
    """A line without words, digits, numbers and audio; ``silence`` is a sample of the call's."""
    kind, *what = line
    match kind:
        case "header":
            return [kind, _header(what[0], silence)]
        case "phrase":
            return [kind, what[0], what[1], [_blank(piece, silence) for piece in what[2]]]
        case "act":
            return [kind, *what[:5], _all(what[5]), _all(what[6])]
        case "item" | "failed":
            return [kind, *what[:3], *(_blank(_all(each), silence) for each in what[3:])]
        case _:
            return [kind, *(_blank(each, silence) for each in what)]


def _header(header: dict[str, Any], silence: bytes) -> dict[str, Any]:
    details = {**header["details"], "from_number": "", "to_number": "", "body": {}, "earlier": None}
    return {
        **header,
        "started": _blank(header["started"], silence),
        "details": details,
        "instructions": "",
        "options": {**header["options"], "instructions": ""},
    }


def _blank(value: Any, silence: bytes) -> Any:
    match value:
        case MediaReceived() | PlayMedia():
            return replace(value, payload=_quiet(value.payload, silence))
        case DtmfReceived():
            return replace(value, digit="0")
        case SendDtmf():
            return replace(value, digits="0" * len(value.digits))
        case Transcript() | TextDelta() | CallerSaid():
            return replace(value, text=_text(value.text))
        case Speech() | SpeechPiece():
            return replace(value, audio=_quiet(value.audio, silence), text=_text(value.text))
        case ToolCall():
            return replace(value, arguments="{}", signature="")
        case ToolWanted():
            return replace(value, call=_blank(value.call, silence))
        case StreamStarted():
            return replace(value, headers={}, raw_headers="", from_number="", to_number="")
        case _:
            return value


def _quiet(audio: bytes, silence: bytes) -> bytes:
    return silence * (len(audio) // len(silence))


def _all(value: Any) -> Any:
    """The same without any text, where it is no event of a provider's."""
    match value:
        case str():
            return _text(value)
        case np.ndarray():
            return np.zeros_like(value)
        case list() | tuple():
            return [_all(each) for each in value]
        case dict():
            return {key: _all(each) for key, each in value.items()}
        case Exception() if not isinstance(value, ProviderError | TimeoutError):
            return OutsideError("failed")
        case _:
            return value


def _text(text: str) -> str:
    """As long, and with the same spaces and stops."""
    return "".join("x" if each.isalpha() else "0" if each.isdigit() else each for each in text)
