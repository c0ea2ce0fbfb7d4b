"""What is written in a capture is read as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.options import AgentOptions
from mediasrv.errors import ProviderError
from mediasrv.providers.base import HintKind, Speech, TurnHint
from mediasrv.providers.realtime import ReplyDone
from mediasrv.replay.codec import CaptureError, OutsideError, decode, encode
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import MediaReceived, StreamStarted


def _again(value: Any) -> Any:
    return decode(orjson.loads(orjson.dumps(encode(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.0000000000000002,
        float("inf"),
        "words",
        b"\x00\xff",
        ("a", 1),
        [Speech(b"\x01", "one"), {"key": (1, 2)}],
        MediaReceived(b"\x7f" * 160, 3),
        StreamStarted("call", "stream", MULAW_8K, {"a": "b"}),
        TurnHint(HintKind.RESUMED),
        Kind.MACHINE,
        AgentOptions(),
    ],
)
def test_values_are_read_as_they_were_written(value: Any) -> None:
    assert _again(value) == value


def test_samples_are_read_as_they_were_written() -> None:
    samples = np.array([0, -32768, 32767], np.int16)
    assert np.array_equal(_again(samples), samples)


def test_failures_of_providers_are_read_as_they_were_written() -> None:
    failure = _again(ReplyDone(1, ProviderError("is down", stage="llm", provider="one", retryable=True))).failure
    assert str(failure) == "llm provider one: is down"
    assert (failure.stage, failure.provider, failure.retryable) == ("llm", "one", True)


def test_other_failures_keep_their_kind_as_far_as_it_matters() -> None:
    assert isinstance(_again(TimeoutError("late")), TimeoutError)
    assert isinstance(_again(asyncio.CancelledError()), asyncio.CancelledError)
    other = _again(ZeroDivisionError("a bug"))
    assert isinstance(other, OutsideError)
    assert str(other) == "a bug"


def test_what_nobody_knows_becomes_text() -> None:
    assert _again({"path": 1 + 2j}) == {"path": "(1+2j)"}


def test_an_option_that_this_version_would_refuse_is_another_versions() -> None:
    with pytest.raises(CaptureError, match=r"another version: TurnOptions: turn\.patience"):
        decode({"~": "TurnOptions", "patience": 9.0})


@pytest.mark.parametrize("kind", ["NoSuchThing", "Speech", "Kind", "bytes"])
def test_what_another_version_has_written_is_told(kind: str) -> None:
    with pytest.raises(CaptureError, match="another version"):
        decode([{"~": kind, "colour": 1}])
