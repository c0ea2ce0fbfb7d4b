"""What all dialects make of JSON that others wrote."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis.strategies import binary, booleans, dictionaries, floats, integers, lists, none, recursive, sampled_from
from hypothesis.strategies import text as texts

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.deepgram import NovaDialect
from mediasrv.providers.dialect import Dialect, Message
from tests.providers.stt import VENDORS

KEYS = (
    "type event message_type text transcript utterance is_final speech_final from_finalize start duration channel "
    "alternatives words end trigger turn_index turn_order end_of_turn audio_window_start audio_window_end error code "
    "error_code is_fatal status_code variant utterance_idx"
)
KINDS = (
    "Results UtteranceEnd Error Connected TurnInfo EndOfTurn EagerEndOfTurn TurnResumed Begin Turn Termination "
    "session.begin transcript.partial transcript.final session.end error session_started partial_transcript "
    "committed_transcript auth_error insufficient_audio_activity manual"
)
leaves = none() | booleans() | integers(-(2**60), 2**60) | floats() | texts(max_size=5) | sampled_from(KINDS.split())
values: Any = recursive(
    leaves, lambda inner: lists(inner, max_size=3) | dictionaries(sampled_from(KEYS.split()), inner, max_size=6)
)
messages = dictionaries(sampled_from(KEYS.split()), values, max_size=8)


def dialects() -> list[Dialect]:
    return [vendor.open("ws://127.0.0.1:1").dialect(MULAW_8K) for vendor in VENDORS]


@given(messages)
def test_no_message_raises_anything_but_a_vendors_failure(message: dict[str, Any]) -> None:
    for each in dialects():
        try:
            readings = each.read(orjson.dumps(message).decode())
        except ProviderError:
            continue
        assert len(readings) <= 1


@given(binary() | texts())
def test_what_is_no_json_is_nothing(message: Message) -> None:
    for each in dialects():
        assert each.read(message) in ((), [])


def test_a_close_is_an_error_that_names_its_code() -> None:
    nova = NovaDialect()
    assert str(nova.closed(1011, "NET-0001")) == "stt provider deepgram: closed the session with 1011 NET-0001"
    assert str(nova.closed(1008, "")) == "stt provider deepgram: closed the session with 1008"
    assert nova.closed(1011, "").retryable
    assert not nova.closed(1008, "").retryable
