"""Values as lines of a capture: JSON, with a tag where it has no word for something.

What has a name here can be kept. What was written by another version, with other fields, is refused.
"""

from __future__ import annotations

import asyncio
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.call.control import Earlier, HandoverOrder, HandoverOutcome
from mediasrv.call.options import AgentOptions, CalleeOptions, FallbackOptions
from mediasrv.errors import ConfigError, MediasrvError, ProviderError
from mediasrv.providers.base import HintKind, Speech, TextDelta, ToolCall, ToolSpec, Transcript, TurnHint, Usage
from mediasrv.providers.realtime import CallerSaid, Expiring, ReplyDone, SpeechPiece, ToolWanted
from mediasrv.turn.callee import Kind
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.utterance import Heard
from mediasrv.wire import events

_TAG = "~"
_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *(events.StreamStarted, events.MediaReceived, events.DtmfReceived, events.MarkReached, events.PlayoutCleared),
        *(events.StreamStopped, events.PlayFailed, events.CarrierFailed),
        *(events.PlayMedia, events.Mark, events.Clear, events.SendDtmf),
        *(Transcript, TurnHint, TextDelta, ToolCall, ToolSpec, Usage, Speech),
        *(CallerSaid, Expiring, ReplyDone, SpeechPiece, ToolWanted),
        *(AudioFormat, HandoverOrder, Earlier, Heard),
        *(AgentOptions, CalleeOptions, FallbackOptions, TurnOptions),
    )
}
_ENUMS: dict[str, type[Enum]] = {cls.__name__: cls for cls in (Encoding, HintKind, HandoverOutcome, Kind)}


class CaptureError(MediasrvError):
    """A file that holds no capture, or that of another version."""


class OutsideError(Exception):
    """What failed outside in some way of its own."""


def encode(value: Any) -> Any:
    """A value as JSON has it; what nobody knows becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return {_TAG: "float", "text": str(value)}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        return {_TAG: "bytes", "base64": b64encode(value).decode()}
    if isinstance(value, np.ndarray):
        return {_TAG: "samples", "base64": b64encode(np.ascontiguousarray(value, dtype="<i2").tobytes()).decode()}
    if isinstance(value, BaseException):
        return _encode_error(value)
    if isinstance(value, Enum) and type(value).__name__ in _ENUMS:
        return {_TAG: type(value).__name__, "name": value.name}
    if is_dataclass(value) and type(value).__name__ in _CLASSES:
        return {_TAG: type(value).__name__} | {each.name: encode(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return {_TAG: "tuple", "items": [encode(each) for each in value]}
    if isinstance(value, list):
        return [encode(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    return str(value)


def _encode_error(error: BaseException) -> Any:
    if isinstance(error, ProviderError):
        about = {"stage": error.stage, "provider": error.provider, "retryable": error.retryable}
        return {_TAG: "ProviderError", "text": str(error), **about}
    kind = "TimeoutError" if isinstance(error, TimeoutError) else type(error).__name__
    return {_TAG: "error", "kind": kind, "text": str(error)}


def decode(value: Any) -> Any:
    """What was encoded; raise ``CaptureError`` for what this version does not know."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: decode(each) for key, each in value.items()}
    named = {key: decode(each) for key, each in value.items() if key != _TAG}
    kind = value[_TAG]
    try:
        return _decode_tagged(kind, named)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CaptureError(f"the capture was made by another version: {kind}: {error}") from None


def _decode_tagged(kind: str, named: dict[str, Any]) -> Any:
    match kind:
        case "bytes":
            return b64decode(named["base64"])
        case "float":
            return float(named["text"])
        case "samples":
            return np.frombuffer(b64decode(named["base64"]), "<i2").astype(np.int16)
        case "tuple":
            return tuple(named["items"])
        case "ProviderError" | "error":
            return _decode_error(kind, named)
        case _ if kind in _ENUMS:
            return _ENUMS[kind][named["name"]]
        case _:
            return _CLASSES[kind](**named)


def _decode_error(kind: str, named: dict[str, Any]) -> BaseException:
    if kind == "ProviderError":
        about = {name: named[name] for name in ("stage", "provider", "retryable")}
        text = named["text"].removeprefix(f"{about['stage']} provider {about['provider']}: ")
        return ProviderError(text, **about)
    if named["kind"] == "CancelledError":
        return asyncio.CancelledError()
    return TimeoutError(named["text"]) if named["kind"] == "TimeoutError" else OutsideError(named["text"])
