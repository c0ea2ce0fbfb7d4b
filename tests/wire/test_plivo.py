from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    Clear,
    Event,
    Mark,
    MediaReceived,
    PlayMedia,
    SendDtmf,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.fields import MAX_MESSAGE_CHARS, event_in, parse
from mediasrv.wire.plivo import PLIVO_FORMATS, PlivoProtocol
from mediasrv.wire.protocol import Phase, UnsupportedFormatError
from tests.wire.mutation import PAYLOAD, VALUES, assert_withstands, mutated, text

STREAM_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": 1,
    "start": {
        "callId": "11111111-2222-4333-8444-555555555555",
        "streamId": STREAM_ID,
        "accountId": "MAXXXXXXXXXXXXXXXXXX",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    },
    "extra_headers": "tenant=t1;call=c01",
}
MEDIA: dict[str, Any] = {
    "event": "media",
    "sequenceNumber": 2,
    "streamId": STREAM_ID,
    "media": {"track": "inbound", "timestamp": "1764000000123", "chunk": 1, "payload": PAYLOAD},
    "extra_headers": "tenant=t1;call=c01",
}
REAL_MESSAGES: list[dict[str, Any]] = [
    START,
    MEDIA,
    {"event": "dtmf", "streamId": STREAM_ID, "dtmf": {"track": "inbound", "digit": "5", "timestamp": "1764000001123"}},
    {"event": "playedStream", "sequenceNumber": 41, "streamId": STREAM_ID, "name": "utt-7"},
    {"event": "clearedAudio", "sequenceNumber": 42, "streamId": STREAM_ID},
    {"event": "stop", "sequenceNumber": 43, "streamId": STREAM_ID, "reason": "Call hangup"},
    {"event": "playFailed", "streamId": STREAM_ID, "reason": "buffer_overflow"},
    {"event": "error", "streamId": STREAM_ID, "reason": "invalid_content_type"},
]


def opened(audio: AudioFormat = MULAW_8K) -> PlivoProtocol:
    protocol = PlivoProtocol(audio)
    protocol.receive(text({"event": "start", "start": {"callId": "call", "streamId": STREAM_ID}}))
    return protocol


def test_it_waits_for_start() -> None:
    protocol = PlivoProtocol()
    assert (protocol.phase, protocol.call_id, protocol.stream_id, protocol.format) == (Phase.WAITING, "", "", None)


def test_start_opens_the_stream() -> None:
    protocol = PlivoProtocol()
    (event,) = protocol.receive(text(START))
    call_id = START["start"]["callId"]
    headers = {"tenant": "t1", "call": "c01"}
    assert event == StreamStarted(call_id, STREAM_ID, MULAW_8K, headers, "tenant=t1;call=c01")
    assert (protocol.phase, protocol.call_id, protocol.stream_id) == (Phase.OPEN, call_id, STREAM_ID)
    assert protocol.format == MULAW_8K


@pytest.mark.parametrize("audio", PLIVO_FORMATS, ids=str)
def test_each_format_of_plivo_is_obeyed_both_ways(audio: AudioFormat) -> None:
    protocol = PlivoProtocol()
    member = {"encoding": audio.encoding.value, "sampleRate": audio.rate_hz}
    protocol.receive(text(START | {"start": START["start"] | {"mediaFormat": member}}))
    assert protocol.format == audio
    assert protocol.receive(text(MEDIA)) == (MediaReceived(b"\x7f\x7f\x7f\x7f", 1),)
    (message,) = protocol.send(PlayMedia(b"\x7f\x7f\x7f\x7f"))
    assert orjson.loads(message) == {
        "event": "playAudio",
        "media": {"contentType": audio.encoding.value, "sampleRate": audio.rate_hz, "payload": PAYLOAD},
    }


def test_the_assumed_format_stands_only_where_start_names_none() -> None:
    assert opened(L16_8K).format == L16_8K
    protocol = PlivoProtocol(L16_16K)
    protocol.receive(text(START))
    assert protocol.format == MULAW_8K


def test_a_codec_that_is_not_spoken_is_final_but_leaves_the_protocol_waiting() -> None:
    protocol = PlivoProtocol()
    with pytest.raises(UnsupportedFormatError):
        protocol.receive(text(START | {"start": START["start"] | {"mediaFormat": {"encoding": "audio/x-alaw"}}}))
    assert protocol.phase is Phase.WAITING


def test_headers_on_the_stream_win_over_parameters_in_start() -> None:
    parameters = {"callId": "c", "streamId": "s", "customParameters": {"a": "1", "b": "2"}}
    (event,) = PlivoProtocol().receive(text({"event": "start", "start": parameters, "extra_headers": {"b": "3"}}))
    assert event == StreamStarted("c", "s", MULAW_8K, {"a": "1", "b": "3"}, '{"b":"3"}')


def test_a_message_of_the_largest_size_is_heard_and_a_larger_one_refused() -> None:
    protocol = opened()
    head, tail = '{"event":"media","media":{"payload":"', '"}}'
    quanta = (MAX_MESSAGE_CHARS - len(head) - len(tail)) // 4
    (event,) = protocol.receive(f"{head}{'A' * 4 * quanta}{tail}")
    assert event == MediaReceived(bytes(3 * quanta))
    with pytest.raises(RemoteProtocolError, match="too long"):
        protocol.receive(f"{head}{'A' * 4 * (quanta + 1)}{tail}")


def test_media_after_stop_was_under_way_and_is_skipped() -> None:
    protocol = opened()
    assert protocol.receive('{"event":"stop","reason":"Call hangup"}') == (StreamStopped("Call hangup"),)
    assert protocol.phase is Phase.CLOSED
    assert protocol.receive(text(MEDIA)) == ()
    assert protocol.receive('{"event":"stop"}') == ()


def test_unknown_events_are_counted_in_any_phase() -> None:
    protocol = PlivoProtocol()
    assert protocol.receive('{"event":"connected"}') == ()
    protocol.receive(text(START))
    assert protocol.receive('{"event":"muteStream","streamId":"another"}') == ()
    protocol.receive('{"event":"stop"}')
    assert protocol.receive('{"event":"unmuteStream"}') == ()
    assert protocol.unknown_events == 3


@pytest.mark.parametrize(
    "command", [PlayMedia(b"\xff"), Mark("m"), Clear(), SendDtmf("1")], ids=lambda c: type(c).__name__
)
def test_a_command_before_start_or_after_stop_is_our_error(command: PlayMedia | Mark | Clear | SendDtmf) -> None:
    protocol = PlivoProtocol()
    with pytest.raises(LocalProtocolError, match="before the stream has started"):
        protocol.send(command)
    protocol.receive(text(START))
    assert protocol.send(command)
    protocol.receive('{"event":"stop"}')
    with pytest.raises(LocalProtocolError, match="after the stream has stopped"):
        protocol.send(command)


@pytest.mark.parametrize(
    "command",
    [
        PlayMedia(b""),
        PlayMedia(b"\0\0\0"),
        PlayMedia(bytes(50_000)),
        Mark(""),
        Mark("\ud800"),
        Mark("x" * 70_000),
        SendDtmf(""),
        SendDtmf("12w"),
        SendDtmf("x"),
    ],
    ids=lambda command: str(command)[:24],
)
def test_what_plivo_cannot_obey_is_our_error(command: PlayMedia | Mark | SendDtmf) -> None:
    protocol = opened(L16_8K)
    with pytest.raises(LocalProtocolError):
        protocol.send(command)
    assert protocol.send(Mark("m"))


def test_a_stream_id_that_needs_escaping_is_escaped() -> None:
    protocol = PlivoProtocol()
    protocol.receive(text({"event": "start", "start": {"callId": "c", "streamId": 'a"\\b'}}))
    (clear,), (mark,) = protocol.send(Clear()), protocol.send(Mark('"'))
    assert orjson.loads(clear) == {"event": "clearAudio", "streamId": 'a"\\b'}
    assert orjson.loads(mark) == {"event": "checkpoint", "streamId": 'a"\\b', "name": '"'}


def assert_survives(protocol: PlivoProtocol, message: str | bytes) -> None:
    assert_withstands(protocol, message, START)


@given(st.binary(max_size=400) | st.text(max_size=400), st.booleans())
def test_rubbish_is_refused_and_changes_nothing(message: str | bytes, is_open: bool) -> None:
    assert_survives(opened() if is_open else PlivoProtocol(), message)


@given(VALUES, st.booleans())
def test_any_json_is_read_or_refused(value: Any, is_open: bool) -> None:
    assert_survives(opened() if is_open else PlivoProtocol(), orjson.dumps(value).decode())


@settings(max_examples=400)
@given(st.lists(mutated(REAL_MESSAGES), min_size=1, max_size=4), st.booleans())
def test_mutated_messages_are_read_or_refused(messages: list[str], is_open: bool) -> None:
    protocol = opened() if is_open else PlivoProtocol()
    for message in messages:
        assert_survives(protocol, message)


@given(st.sampled_from(REAL_MESSAGES), st.data())
def test_a_message_cut_short_is_not_json(message: dict[str, Any], data: st.DataObject) -> None:
    written = text(message)
    with pytest.raises(RemoteProtocolError, match="not JSON"):
        opened().receive(written[: data.draw(st.integers(0, len(written) - 1))])


class Unhurried(PlivoProtocol):
    """Reads audio like every other message: the slow twin of the short way."""

    def receive(self, message: str | bytes) -> Sequence[Event]:
        fields = parse(message)
        if event_in(fields) != "media":
            return super().receive(message)
        if self.phase is Phase.WAITING:
            raise RemoteProtocolError("media came before start")
        if self.phase is Phase.CLOSED:
            return ()
        stream_id = fields.get("streamId")
        if stream_id is not None and stream_id != self.stream_id:
            raise RemoteProtocolError("media names another stream")
        return self.readers["media"](self, fields)


def outcome(protocol: PlivoProtocol, message: str) -> Sequence[Event] | str:
    try:
        return protocol.receive(message)
    except RemoteProtocolError as error:
        return str(error)


@settings(max_examples=400)
@given(
    st.lists(mutated([MEDIA]) | st.sampled_from([text(START), text({"event": "stop"})]), min_size=1, max_size=6),
    st.booleans(),
)
def test_audio_on_its_short_way_is_read_as_on_the_long_one(messages: list[str], is_open: bool) -> None:
    short, long = PlivoProtocol(), Unhurried()
    for message in [text(START), *messages] if is_open else messages:
        assert outcome(short, message) == outcome(long, message)
    assert short.foreign_messages == long.foreign_messages
