from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    Clear,
    DtmfReceived,
    Mark,
    MarkReached,
    MediaReceived,
    PlayMedia,
    PlayoutCleared,
    SendDtmf,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.fields import DTMF_DIGITS
from mediasrv.wire.plivo import PLIVO_FORMATS, PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from mediasrv.wire.protocol import Phase

NOW_MS = 1_764_000_000_000
DIGITS = st.sampled_from(sorted(DTMF_DIGITS))
NAMES = st.text(min_size=1, max_size=40)


def joined(audio: AudioFormat = MULAW_8K) -> tuple[PlivoCarrierProtocol, PlivoProtocol]:
    """Both ends of a stream that has started."""
    carrier, ours = PlivoCarrierProtocol(), PlivoProtocol()
    ours.receive(carrier.start("call", "stream", audio, "k=v"))
    return carrier, ours


def whole_samples(audio: AudioFormat) -> st.SearchStrategy[bytes]:
    size = audio.bytes_per_sample
    return st.binary(min_size=size, max_size=2000).map(lambda raw: raw[: len(raw) // size * size])


@given(st.sampled_from(PLIVO_FORMATS), st.data())
def test_what_the_carrier_says_is_what_we_hear(audio: AudioFormat, data: st.DataObject) -> None:
    carrier, ours = PlivoCarrierProtocol(), PlivoProtocol()
    assert ours.receive(carrier.start("call", "stream", audio, "k=v")) == (
        StreamStarted("call", "stream", audio, {"k": "v"}, "k=v"),
    )
    for chunk in (1, 2, 3):
        payload = data.draw(whole_samples(audio))
        assert ours.receive(carrier.media(payload, NOW_MS)) == (MediaReceived(payload, chunk),)
    digit, name = data.draw(DIGITS), data.draw(NAMES)
    assert ours.receive(carrier.dtmf(digit, NOW_MS)) == (DtmfReceived(digit),)
    assert ours.receive(carrier.played(name)) == (MarkReached(name),)
    assert ours.receive(carrier.cleared()) == (PlayoutCleared(),)
    assert ours.receive(carrier.stop("Call hangup")) == (StreamStopped("Call hangup"),)


@given(st.sampled_from(PLIVO_FORMATS), st.data())
def test_what_we_command_is_what_the_carrier_obeys(audio: AudioFormat, data: st.DataObject) -> None:
    carrier, ours = joined(audio)
    commands = (
        whole_samples(audio).map(PlayMedia)
        | NAMES.map(Mark)
        | st.just(Clear())
        | st.lists(DIGITS, min_size=1).map("".join).map(SendDtmf)
    )
    for command in data.draw(st.lists(commands, max_size=5)):
        (message,) = ours.send(command)
        assert carrier.receive(message) == command


def test_messages_have_the_shapes_that_plivo_documents() -> None:
    carrier = PlivoCarrierProtocol()
    messages = [
        carrier.start("c1", "s1", L16_8K, "k=v"),
        carrier.media(b"\x01\x02", NOW_MS),
        carrier.media(b"\x03\x04", NOW_MS + 20),
        carrier.dtmf("#", NOW_MS + 30),
        carrier.played("utt-1"),
        carrier.cleared(),
        carrier.stop(),
    ]
    expected: list[dict[str, object]] = [
        {
            "event": "start",
            "start": {
                "callId": "c1",
                "streamId": "s1",
                "accountId": "MASIMULATEDCALLER000",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 8000},
            },
            "extra_headers": "k=v",
        },
        {
            "event": "media",
            "streamId": "s1",
            "media": {"track": "inbound", "timestamp": "1764000000000", "chunk": 1, "payload": "AQI="},
            "extra_headers": "k=v",
        },
        {
            "event": "media",
            "streamId": "s1",
            "media": {"track": "inbound", "timestamp": "1764000000020", "chunk": 2, "payload": "AwQ="},
            "extra_headers": "k=v",
        },
        {
            "event": "dtmf",
            "streamId": "s1",
            "dtmf": {"track": "inbound", "digit": "#", "timestamp": "1764000000030"},
            "extra_headers": "k=v",
        },
        {"event": "playedStream", "streamId": "s1", "name": "utt-1"},
        {"event": "clearedAudio", "streamId": "s1"},
        {"event": "stop", "streamId": "s1", "reason": ""},
    ]
    for number, (message, shape) in enumerate(zip(messages, expected, strict=True), start=1):
        assert orjson.loads(message) == shape | {"sequenceNumber": number}


def test_plivo_does_not_greet() -> None:
    assert PlivoCarrierProtocol().connected() == ""


def test_what_the_simulator_may_not_send_is_its_own_error_and_counts_nothing() -> None:
    carrier = PlivoCarrierProtocol()
    with pytest.raises(LocalProtocolError, match="media outside a stream"):
        carrier.media(b"\xff", NOW_MS)
    with pytest.raises(LocalProtocolError, match="stop outside a stream"):
        carrier.stop()
    with pytest.raises(LocalProtocolError, match="does not stream audio/x-alaw;rate=8000"):
        carrier.start("c", "s", AudioFormat(Encoding.ALAW, 8000))
    assert orjson.loads(carrier.start("c", "s", L16_8K))["sequenceNumber"] == 1
    with pytest.raises(LocalProtocolError, match="starts once"):
        carrier.start("c", "s", L16_8K)
    for payload in (b"", b"\0\0\0", bytes(50_000)):
        with pytest.raises(LocalProtocolError):
            carrier.media(payload, NOW_MS)
    for digit in ("", "12", "x"):
        with pytest.raises(LocalProtocolError, match="one key"):
            carrier.dtmf(digit, NOW_MS)
    message = orjson.loads(carrier.media(b"\0\0", NOW_MS))
    assert (message["sequenceNumber"], message["media"]["chunk"]) == (2, 1)
    carrier.stop()
    assert carrier.phase is Phase.CLOSED
    with pytest.raises(LocalProtocolError, match="media outside a stream"):
        carrier.media(b"\0\0", NOW_MS)


def test_nothing_may_come_before_start_and_what_comes_after_stop_was_under_way() -> None:
    carrier = PlivoCarrierProtocol()
    with pytest.raises(RemoteProtocolError, match="clearAudio came before start"):
        carrier.receive('{"event":"clearAudio"}')
    carrier.start("c", "s", MULAW_8K)
    carrier.stop()
    assert carrier.receive('{"event":"clearAudio"}') == Clear()


PLAY: dict[str, Any] = {
    "event": "playAudio",
    "media": {"contentType": "audio/x-l16", "sampleRate": 8000, "payload": "AQI="},
}


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (PLAY, PlayMedia(b"\x01\x02")),
        (PLAY | {"streamId": "stream"}, PlayMedia(b"\x01\x02")),
        (PLAY | {"media": PLAY["media"] | {"sampleRate": "8000"}}, PlayMedia(b"\x01\x02")),
        ({"event": "clearAudio"}, Clear()),
        ({"event": "clearAudio", "streamId": "stream"}, Clear()),
        ({"event": "checkpoint", "streamId": "stream", "name": "m"}, Mark("m")),
        ({"event": "sendDTMF", "dtmf": "12#"}, SendDtmf("12#")),
    ],
)
def test_both_spellings_that_plivo_takes_are_read(message: dict[str, Any], command: object) -> None:
    assert joined(L16_8K)[0].receive(orjson.dumps(message).decode()) == command


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"event": "media", "media": {"payload": "AQI="}}, "Plivo knows no event media"),
        ({"media": {}}, "the message has no event name"),
        ({"event": "playAudio"}, "media is not an object"),
        (PLAY | {"streamId": "another"}, "the message names another stream"),
        (PLAY | {"streamId": None}, "the message names another stream"),
        (
            PLAY | {"media": PLAY["media"] | {"contentType": "audio/x-mulaw"}},
            "the audio is not marked as the stream's, audio/x-l16 at 8000",
        ),
        (
            PLAY | {"media": PLAY["media"] | {"contentType": "audio/x-l16;rate=8000"}},
            "the audio is not marked as the stream's, audio/x-l16 at 8000",
        ),
        (
            PLAY | {"media": PLAY["media"] | {"sampleRate": 16000}},
            "the audio is not marked as the stream's, audio/x-l16 at 8000",
        ),
        (PLAY | {"media": PLAY["media"] | {"payload": "AQID"}}, "the payload ends within a sample"),
        (PLAY | {"media": PLAY["media"] | {"payload": ""}}, "the payload is empty"),
        (PLAY | {"media": PLAY["media"] | {"payload": "A" * 65_536}}, "the message is too long"),
        ({"event": "checkpoint", "name": "m"}, "streamId is not a text"),
        ({"event": "checkpoint", "streamId": "another", "name": "m"}, "the message names another stream"),
        ({"event": "checkpoint", "streamId": "stream"}, "name is not a text"),
        ({"event": "clearAudio", "streamId": "another"}, "the message names another stream"),
        ({"event": "sendDTMF"}, "dtmf is not a text"),
        ({"event": "sendDTMF", "dtmf": 12}, "dtmf is not a text"),
        ({"event": "sendDTMF", "dtmf": "12w"}, "dtmf holds something else than the keys of a telephone"),
    ],
)
def test_what_plivo_would_drop_is_refused_by_name(message: dict[str, Any], error: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        joined(L16_8K)[0].receive(orjson.dumps(message).decode())
    assert str(caught.value) == error


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_rubbish_from_a_server_is_refused(message: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        joined()[0].receive(message)


@given(st.sampled_from([b"\xff" * 160, b"\x00"]), st.data())
def test_a_command_cut_short_is_refused(payload: bytes, data: st.DataObject) -> None:
    carrier, ours = joined()
    (message,) = ours.send(PlayMedia(payload))
    with pytest.raises(RemoteProtocolError, match="not JSON"):
        carrier.receive(message[: data.draw(st.integers(0, len(message) - 1))])
