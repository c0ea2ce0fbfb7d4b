from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    CarrierFailed,
    Clear,
    Command,
    DtmfReceived,
    Mark,
    MarkReached,
    MediaReceived,
    PlayMedia,
    SendDtmf,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.marked import MOST_BYTES
from mediasrv.wire.protocol import Phase, UnsupportedFormatError
from tests.wire.kin import KIN, STREAM, Kin
from tests.wire.mutation import SAMPLES, VALUES, assert_withstands, mutated, text

each = pytest.mark.parametrize("kin", KIN, ids=lambda kin: kin.ours.carrier)
any_of_them = st.sampled_from(KIN)


@each
def test_a_greeting_is_known_and_says_nothing(kin: Kin) -> None:
    protocol = kin.ours()
    assert protocol.receive('{"event":"connected","version":"1.0.0"}') == ()
    assert (protocol.phase, protocol.unknown_events) == (Phase.WAITING, 0)


@each
def test_start_opens_the_stream(kin: Kin) -> None:
    protocol = kin.ours()
    (started,) = protocol.receive(text(kin.start))
    assert isinstance(started, StreamStarted)
    assert started.call_id == kin.start["start"][kin.ours.words.call] == protocol.call_id
    assert started.stream_id == STREAM == protocol.stream_id
    assert started.format == kin.ours.formats[0] == protocol.format
    assert started.headers == kin.start["start"][kin.ours.words.parameters]
    assert protocol.phase is Phase.OPEN


@each
def test_the_stream_is_named_in_start_or_beside_it(kin: Kin) -> None:
    protocol = kin.ours()
    inside = {name: value for name, value in kin.start["start"].items() if name != kin.ours.words.stream}
    protocol.receive(text(kin.start | {"start": inside}))
    assert protocol.stream_id == STREAM


@each
def test_what_the_caller_does_is_told(kin: Kin) -> None:
    protocol = kin.opened()
    _, _, media, dtmf, mark, stop, error = kin.messages
    (heard,) = protocol.receive(text(media))
    assert heard == MediaReceived(SAMPLES, int(media["media"]["chunk"]))
    assert list(protocol.receive(text(dtmf))) == [DtmfReceived(dtmf["dtmf"]["digit"])]
    assert list(protocol.receive(text(mark))) == [MarkReached("utt-7")]
    assert list(protocol.receive(text(error))) == [CarrierFailed("malformed_frame")]
    assert list(protocol.receive(text(stop))) == [StreamStopped(stop["stop"].get("reason", ""))]
    assert protocol.phase is Phase.CLOSED
    assert list(protocol.receive(text(media))) == []


@each
def test_a_stop_and_an_error_that_say_nothing_are_heard_too(kin: Kin) -> None:
    protocol = kin.opened()
    assert list(protocol.receive('{"event":"error"}')) == [CarrierFailed("")]
    assert list(protocol.receive('{"event":"stop"}')) == [StreamStopped()]


@each
def test_what_is_about_the_track_that_the_caller_hears_is_counted(kin: Kin) -> None:
    protocol = kin.opened()
    for message, part in ((kin.media, "media"), (kin.dtmf, "dtmf")):
        for track in ("outbound", "outbound_track"):
            assert protocol.receive(text(message | {part: message[part] | {"track": track}})) == ()
    assert protocol.foreign_messages == 4


@each
def test_unknown_events_are_counted_and_a_second_start_is_refused(kin: Kin) -> None:
    protocol = kin.opened()
    assert protocol.receive('{"event":"playedStream","name":"m"}') == ()
    assert protocol.unknown_events == 1
    with pytest.raises(RemoteProtocolError, match="start came twice"):
        protocol.receive(text(kin.start))


@each
def test_what_does_not_belong_to_the_stream_is_refused(kin: Kin) -> None:
    with pytest.raises(RemoteProtocolError, match="media came before start"):
        kin.ours().receive(text(kin.media))
    with pytest.raises(RemoteProtocolError, match="mark names another stream"):
        kin.opened().receive(text({"event": "mark", kin.ours.words.stream: "another", "mark": {"name": "m"}}))


@each
@pytest.mark.parametrize(("part", "value"), [("media", {}), ("dtmf", {"digit": "55"}), ("dtmf", {}), ("mark", {})])
def test_a_message_without_its_substance_is_refused(kin: Kin, part: str, value: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        kin.opened().receive(text({"event": part, part: value}))


@each
def test_a_format_that_is_not_spoken_is_final(kin: Kin) -> None:
    for encoding in ("audio/opus", "AMR-WB"):
        with pytest.raises(UnsupportedFormatError):
            kin.opened(**{kin.ours.words.media_format: {"encoding": encoding}})


@each
def test_our_messages_name_the_stream_where_the_carrier_wants_it(kin: Kin) -> None:
    protocol, address = kin.opened(), kin.named if kin.ours.words.is_addressed else {}
    (media,) = protocol.send(PlayMedia(bytes(3200)))
    assert orjson.loads(media).keys() == {"event", "media", *address}
    assert orjson.loads(protocol.send(Mark("m"))[0]) == {"event": "mark", "mark": {"name": "m"}, **address}
    assert orjson.loads(protocol.send(Clear())[0]) == {"event": "clear", **address}


@each
def test_keys_cannot_be_sent_on_the_stream(kin: Kin) -> None:
    protocol = kin.opened()
    assert not protocol.sends_dtmf
    with pytest.raises(LocalProtocolError, match=f"{kin.ours.carrier} takes no keys"):
        protocol.send(SendDtmf("1"))
    with pytest.raises(LocalProtocolError, match="only the keys"):
        protocol.send(SendDtmf("x"))


@each
@pytest.mark.parametrize("command", [PlayMedia(bytes(4)), Mark("m"), Clear()], ids=lambda c: type(c).__name__)
def test_a_command_before_start_or_after_stop_is_our_error(kin: Kin, command: Command) -> None:
    protocol = kin.ours()
    with pytest.raises(LocalProtocolError, match="before the stream has started"):
        protocol.send(command)
    protocol.receive(text(kin.start))
    protocol.receive(text(kin.stop))
    with pytest.raises(LocalProtocolError, match="after the stream has stopped"):
        protocol.send(command)


@each
@pytest.mark.parametrize(
    "command", [PlayMedia(b""), Mark(""), Mark("\ud800"), Mark("x" * 70_000)], ids=lambda c: str(c)[:24]
)
def test_what_cannot_be_written_is_our_error_and_changes_nothing(kin: Kin, command: Command) -> None:
    protocol = kin.opened()
    with pytest.raises(LocalProtocolError):
        protocol.send(command)
    (mark,) = protocol.send(Mark("m"))
    assert orjson.loads(mark)["mark"] == {"name": "m"}


@each
def test_audio_of_any_length_is_split_to_messages_of_the_right_size(kin: Kin) -> None:
    protocol, side = kin.opened(), kin.side()
    side.start("c", STREAM, kin.ours.formats[0])
    messages = protocol.send(PlayMedia(bytes(2 * MOST_BYTES + 16_000)))
    sizes = [len(command.payload) for command in map(side.receive, messages) if isinstance(command, PlayMedia)]
    assert sum(sizes) == 2 * MOST_BYTES + 16_000
    assert max(sizes) == MOST_BYTES


@given(any_of_them, st.binary(max_size=400) | st.text(max_size=400), st.booleans())
def test_rubbish_is_refused_and_changes_nothing(kin: Kin, message: str | bytes, is_open: bool) -> None:
    assert_withstands(kin.opened() if is_open else kin.ours(), message, kin.start)


@given(any_of_them, VALUES, st.booleans())
def test_any_json_is_read_or_refused(kin: Kin, value: Any, is_open: bool) -> None:
    assert_withstands(kin.opened() if is_open else kin.ours(), orjson.dumps(value).decode(), kin.start)


@settings(max_examples=400)
@given(any_of_them, st.data(), st.booleans())
def test_mutated_messages_are_read_or_refused(kin: Kin, data: st.DataObject, is_open: bool) -> None:
    protocol = kin.opened() if is_open else kin.ours()
    for message in data.draw(st.lists(mutated(kin.messages), min_size=1, max_size=4)):
        assert_withstands(protocol, message, kin.start)


@given(any_of_them, st.data())
def test_a_message_cut_short_is_not_json(kin: Kin, data: st.DataObject) -> None:
    written = text(data.draw(st.sampled_from(kin.messages)))
    with pytest.raises(RemoteProtocolError, match="not JSON"):
        kin.opened().receive(written[: data.draw(st.integers(0, len(written) - 1))])
