from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    Clear,
    Command,
    DtmfReceived,
    Mark,
    MarkReached,
    MediaReceived,
    PlayMedia,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.fields import DTMF_DIGITS
from mediasrv.wire.marked import MarkedProtocol
from mediasrv.wire.marked_carrier import MarkedCarrierSide
from mediasrv.wire.protocol import Phase
from tests.wire.kin import EXOTEL, KIN, TELNYX, TWILIO, Kin

each = pytest.mark.parametrize("kin", KIN, ids=lambda kin: kin.ours.carrier)
NAMES = st.text(min_size=1, max_size=40)


def joined(kin: Kin, audio: AudioFormat | None = None) -> tuple[MarkedCarrierSide, MarkedProtocol]:
    """Both ends of a stream that has started."""
    side, ours = kin.side(), kin.ours()
    ours.receive(side.connected())
    ours.receive(side.start("call", "stream", audio or kin.ours.formats[0], "k=v"))
    return side, ours


@given(st.sampled_from(KIN), st.data())
def test_what_the_carrier_says_is_what_we_hear(kin: Kin, data: st.DataObject) -> None:
    audio = data.draw(st.sampled_from(kin.side.formats))
    side, ours = kin.side(), kin.ours()
    (started,) = ours.receive(side.start("call", "stream", audio, "k=v"))
    assert isinstance(started, StreamStarted)
    assert (started.call_id, started.stream_id, started.format) == ("call", "stream", audio)
    assert started.headers == {"k": "v"}
    assert bool(started.from_number and started.to_number) is (kin is not TWILIO)
    for chunk in (1, 2, 3):
        payload = data.draw(st.binary(min_size=1, max_size=400)) * audio.bytes_per_sample
        assert list(ours.receive(side.media(payload, 5000 + 20 * chunk))) == [MediaReceived(payload, chunk)]
    digit, name = data.draw(st.sampled_from(sorted(DTMF_DIGITS))), data.draw(NAMES)
    assert list(ours.receive(side.dtmf(digit, 5100))) == [DtmfReceived(digit)]
    assert list(ours.receive(side.played(name))) == [MarkReached(name)]
    assert side.cleared() == ""
    (stopped,) = ours.receive(side.stop("callended"))
    assert stopped == StreamStopped("" if kin is TWILIO else "callended")
    assert side.phase is Phase.CLOSED


@given(st.sampled_from(KIN), st.data())
def test_all_audio_arrives_in_order_with_each_mark_behind_its_own(kin: Kin, data: st.DataObject) -> None:
    """Whatever is gathered on the way: nothing is lost, and no mark overtakes audio that was sent before it."""
    audio = data.draw(st.sampled_from(kin.side.formats))
    side, ours = joined(kin, audio)
    sizes = st.integers(1, 2000).map(lambda samples: b"\x01" * samples * audio.bytes_per_sample)
    commands = data.draw(st.lists(sizes.map(PlayMedia) | NAMES.map(Mark), max_size=12))
    sent, marks, heard, reached = 0, [], 0, []
    for command in [*commands, Mark("end", ends_utterance=True)]:
        if isinstance(command, PlayMedia):
            sent += len(command.payload)
        elif isinstance(command, Mark):
            marks.append((command.name, sent))
        for obeyed in map(side.receive, ours.send(command)):
            if isinstance(obeyed, PlayMedia):
                heard += obeyed.payload.count(b"\x01")
            elif isinstance(obeyed, Mark):
                reached.append((obeyed.name, heard))
    assert heard == sent
    assert [name for name, _ in reached] == [name for name, _ in marks]
    assert all(after >= before for (_, after), (_, before) in zip(reached, marks, strict=True))
    assert reached[-1] == ("end", sent)


@each
def test_what_a_clear_drops_is_not_sent_later(kin: Kin) -> None:
    side, ours = joined(kin)
    ours.send(PlayMedia(b"\x01" * 100))
    ours.send(Mark("dropped"))
    assert [side.receive(message) for message in ours.send(Clear())] == [Clear()]
    obeyed = [side.receive(message) for message in (*ours.send(PlayMedia(b"\x02" * 3200)), *ours.send(Mark("kept")))]
    assert obeyed == [PlayMedia(b"\x02" * 3200), Mark("kept")]


def test_messages_have_the_shapes_that_are_documented() -> None:
    for kin, texts in ((TWILIO, ("1", "2")), (EXOTEL, ("1", "2")), (TELNYX, ("1", "2"))):
        side = kin.side()
        assert orjson.loads(side.connected())["event"] == "connected"
        start = orjson.loads(side.start("c1", "stream-1", kin.ours.formats[0], "agent=sales"))
        assert start.keys() == kin.start.keys()
        assert start["start"].keys() == kin.start["start"].keys()
        assert start["start"].keys() >= {kin.ours.words.call, kin.ours.words.media_format}
        first, second = (orjson.loads(side.media(bytes(320), 7000 + 20 * n)) for n in (0, 1))
        assert first["media"].keys() == kin.media["media"].keys()
        assert (first["media"]["chunk"], second["media"]["chunk"]) == texts
        assert (first["media"]["timestamp"], second["media"]["timestamp"]) == ("0", "20")
        assert first[kin.ours.words.sequence] == "2"
        assert orjson.loads(side.dtmf("5", 7040))["dtmf"].keys() == kin.dtmf["dtmf"].keys()
        assert orjson.loads(side.stop())["event"] == "stop"


@each
def test_what_the_simulator_may_not_send_is_its_own_error(kin: Kin) -> None:
    side = kin.side()
    with pytest.raises(LocalProtocolError, match="media outside a stream"):
        side.media(bytes(320), 0)
    with pytest.raises(LocalProtocolError, match="does not stream"):
        side.start("c", "s", AudioFormat(Encoding.L16, 44_100))
    side.start("c", "s", kin.ours.formats[0])
    for wrong in (side.connected, lambda: side.start("c", "s", kin.ours.formats[0]), lambda: side.dtmf("12", 0)):
        with pytest.raises(LocalProtocolError):
            wrong()
    side.stop()
    with pytest.raises(LocalProtocolError, match="mark outside a stream"):
        side.played("m")


def address(kin: Kin) -> dict[str, Any]:
    return {kin.ours.words.stream: "stream"} if kin.ours.words.is_addressed else {}


@each
def test_a_command_that_the_carrier_would_drop_is_refused_by_name(kin: Kin) -> None:
    side, _ = joined(kin)
    with pytest.raises(RemoteProtocolError, match="clear came before start"):
        kin.side().receive('{"event":"clear"}')
    with pytest.raises(RemoteProtocolError, match="knows no event playAudio"):
        side.receive(orjson.dumps({"event": "playAudio", **address(kin)}).decode())
    with pytest.raises(RemoteProtocolError, match="payload is empty"):
        side.receive(orjson.dumps({"event": "media", "media": {"payload": ""}, **address(kin)}).decode())


@pytest.mark.parametrize("kin", [TWILIO, EXOTEL], ids=lambda kin: kin.ours.carrier)
@pytest.mark.parametrize("stream", [None, "", "another"])
def test_a_message_without_its_address_is_refused(kin: Kin, stream: str | None) -> None:
    with pytest.raises(RemoteProtocolError):
        joined(kin)[0].receive(orjson.dumps({"event": "clear", kin.ours.words.stream: stream}).decode())


def test_telnyx_asks_for_no_address() -> None:
    assert joined(TELNYX)[0].receive('{"event":"clear"}') == Clear()


@pytest.mark.parametrize(
    ("kin", "size", "fits"),
    [
        (TWILIO, 1, True),
        (TWILIO, 48_000, True),
        (EXOTEL, 3200, True),
        (EXOTEL, 3520, True),
        (EXOTEL, 3198, False),
        (EXOTEL, 3300, False),
        (EXOTEL, 2880, False),
        (TELNYX, 160, True),
        (TELNYX, 159, False),
    ],
)
def test_pieces_of_the_wrong_size_are_refused(kin: Kin, size: int, fits: bool) -> None:
    side, other = joined(kin)[0], TWILIO.opened()
    (message,) = other.send(PlayMedia(bytes(size)))
    media = {"event": "media", "media": orjson.loads(message)["media"], **address(kin)}
    command: Command = PlayMedia(bytes(size))
    if fits:
        assert side.receive(orjson.dumps(media).decode()) == command
    else:
        with pytest.raises(RemoteProtocolError, match="no piece of this size"):
            side.receive(orjson.dumps(media).decode())
