"""What was read from a carrier's wire and written to it is the same again, or the difference is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.call.link import WiredLink
from mediasrv.errors import RemoteProtocolError
from mediasrv.replay.codec import CaptureError, decode, encode
from mediasrv.replay.file import parsed
from mediasrv.replay.player import Replayed, replay
from mediasrv.replay.telling import told
from mediasrv.replay.wire import Refused, ReplayedWire, Written
from mediasrv.simulator.carriers import CARRIERS, carrier_named
from mediasrv.wire.events import (
    Clear,
    Command,
    DtmfReceived,
    Event,
    MarkReached,
    MediaReceived,
    PlayMedia,
    PlayoutCleared,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.protocol import Phase
from mediasrv.wire.stream import StreamProtocol
from tests.call.stage import Stage, agent_options
from tests.replay.stage import Kept, captured
from tests.wire.test_conversations import PROTOCOLS

LONG_REPLY = "One thing that I can tell you about this is that there is a great deal more to be told of it than this."
SPOKEN = agent_options(greeting="Hello there.", llm={"replies": (LONG_REPLY,)}, tts={"real_time_factor": 0.8})


class Wired(Stage):
    """A stage whose link speaks a carrier's protocol, as the server's does, and a carrier at its other end."""

    def __init__(self, options: Any, *, carrier: str, **rest: Any) -> None:
        super().__init__(options, carrier_named(carrier).formats[0], **rest)
        ours, theirs = PROTOCOLS[carrier]
        self.wire, self._theirs = ours(), theirs()
        self.left: list[str] = []

    def _pick_up(self, **providers: Any) -> None:
        if greeting := self._theirs.connected():
            self.wire.receive(greeting)
        self.start = self._theirs.start("call-1", "stream-1", self.audio)
        (self._begun,) = self.wire.receive(self.start)
        super()._pick_up(**providers)
        self._delivers, self.call.receive = self.call.receive, self._hear  # type: ignore[method-assign]

    def _started(self) -> StreamStarted:
        assert isinstance(self._begun, StreamStarted)
        return self._begun

    def _hear(self, event: Event, came_s: float | None = None) -> None:
        if self._theirs.phase is Phase.OPEN and (message := self._said(event)):
            for each in self.wire.receive(message):
                self._delivers(each)

    def _said(self, event: Event) -> str:
        """An event as the carrier writes it."""
        at_ms = round((self.now - self.opened_s) * 1000)
        match event:
            case MediaReceived(payload):
                return self._theirs.media(payload, at_ms)
            case DtmfReceived(digit):
                return self._theirs.dtmf(digit, at_ms)
            case MarkReached(name):
                return self._theirs.played(name)
            case PlayoutCleared():
                return self._theirs.cleared()
            case _:
                return self._theirs.stop()

    def send(self, command: Command) -> None:
        if self.wire.phase is Phase.OPEN:
            self.left += self.wire.send(command)
        super().send(command)


async def _barge_in(stage: Stage) -> None:
    await stage.be_quiet(2.0)
    await stage.speak()
    await stage.be_quiet(1.5)
    await stage.talk(1.5)
    await stage.be_quiet(3.0)
    stage.press("7")
    await stage.be_quiet(1.0)
    stage.hang_up()


def _call(carrier: str = "plivo", kept: Kept | None = None) -> tuple[Wired, Kept]:
    return captured(_barge_in, SPOKEN, kept, partial(Wired, carrier=carrier))


@pytest.fixture(scope="module")
def kept() -> Kept:
    """A call by Plivo."""
    return _call()[1]


def _changed(kept: Kept, change: Callable[[list[Any]], list[Any] | None]) -> Replayed:
    lines = [changed for line in kept.lines if (changed := change(decode(orjson.loads(line)))) is not None]
    return replay(*parsed(b"\n".join(orjson.dumps(encode(line)) for line in lines)))


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_left_for_each_carrier_leaves_again_to_the_byte(carrier: str) -> None:
    stage, kept = _call(carrier)
    assert isinstance(stage, WiredLink)
    assert stage.watch.barge_ins
    replayed = kept.replay()
    assert told(replayed.difference) == ""
    assert replayed.messages == len(stage.left)
    assert stage.left
    assert replayed.actions == len(stage.commands) + stage.closed


def test_one_byte_that_left_otherwise_is_a_difference(kept: Kept) -> None:
    def scratch(line: list[Any]) -> list[Any]:
        if line[0] == "wrote":
            line[1] = [each.replace("8000", "8001") for each in line[1]]
        return line

    difference = _changed(kept, scratch).difference
    assert difference is not None
    assert isinstance(difference.expected, Written)
    assert "media.sampleRate: expected 8001, got 8000" in told(difference)


def test_a_wire_that_writes_otherwise_is_caught(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlivoProtocol, "_compose_clear", lambda self: '{"event":"clearAudio"}')
    assert 'streamId: expected "stream-1", got nothing' in told(kept.replay().difference)


def test_a_wire_that_does_not_write_what_it_wrote_is_caught(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamProtocol, "_play", lambda self, payload: ())
    assert "expected 1 messages, got 0" in told(kept.replay().difference)


def test_a_wire_that_overhears_something_is_caught(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamProtocol, "_order", lambda self, media: ())
    assert told(kept.replay().difference).endswith("expected MediaReceived of 160 bytes, got nothing")


def test_a_wire_that_hears_more_than_there_was_is_caught(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamProtocol, "_order", lambda self, media: (media, media))
    assert told(kept.replay().difference).endswith("expected nothing, got MediaReceived of 160 bytes")


def test_a_wire_that_hears_something_else_is_caught(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def hush(self: object, media: MediaReceived) -> Sequence[Event]:
        return (MediaReceived(media.payload[:-1] + b"\x01", media.chunk),)

    monkeypatch.setattr(StreamProtocol, "_order", hush)
    assert told(kept.replay().difference).endswith("got MediaReceived of 160 bytes, from byte 159 on")


@pytest.mark.parametrize("part", ["_read_start", "_dtmf"])
def test_a_wire_that_refuses_what_it_took_is_caught(kept: Kept, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RemoteProtocolError("nobody says so")

    readers = {**PlivoProtocol.readers, "dtmf": refuse} if part == "_dtmf" else PlivoProtocol.readers
    monkeypatch.setattr(PlivoProtocol, "readers", readers)
    monkeypatch.setattr(PlivoProtocol, part, refuse)
    difference = kept.replay().difference
    assert difference is not None
    assert difference.got == Refused("nobody says so")


def test_what_was_sent_to_a_closed_socket_is_not_asked_for(kept: Kept) -> None:
    replayed = _changed(kept, lambda line: None if line[0] == "wrote" else line)
    assert replayed.difference is None
    assert replayed.messages == 0


def test_a_capture_without_a_wire_is_of_commands_alone(kept: Kept) -> None:
    def of_old(line: list[Any]) -> list[Any] | None:
        if line[0] == "header":
            del line[1]["wire"]
        return None if line[0] in ("read", "wrote") else line

    replayed = _changed(kept, of_old)
    assert (replayed.difference, replayed.messages) == (None, 0)
    assert replayed.actions == kept.replay().actions


def test_nothing_of_the_wire_is_in_a_redacted_capture() -> None:
    _, kept = _call(kept=Kept(redact=True))
    assert not [line for line in kept.lines if line.startswith((b'["read"', b'["wrote"'))]
    assert kept.replay().messages == 0
    assert kept.replay().difference is None


# -- the wire by itself ------------------------------------------------------------------------------------------

STARTED = StreamStarted("c1", "s1", MULAW_8K)
START = '{"event":"start","start":{"callId":"c1","streamId":"s1"}}'
ABOUT = {"carrier": "plivo", "start": START}


def test_a_stream_begins_as_it_began_in_the_format_that_was_agreed_upon() -> None:
    wide = AudioFormat(MULAW_8K.encoding, 8000)
    assert ReplayedWire(ABOUT, StreamStarted("c1", "s1", wide)).begin() == STARTED
    assert ReplayedWire({**ABOUT, "start": '{"event":"hello"}'}, STARTED).begin() is None


def test_a_carrier_that_nobody_knows_is_refused() -> None:
    with pytest.raises(CaptureError, match="not known here: pigeon"):
        ReplayedWire({"carrier": "pigeon", "start": ""}, STARTED)


def test_the_end_needs_no_message_and_may_be_told_by_one() -> None:
    wire = ReplayedWire(ABOUT, STARTED)
    wire.begin()
    assert wire.next(StreamStopped("connection closed")) == StreamStopped("connection closed")
    assert wire.next(MediaReceived(b"x")) is None
    assert wire.read('{"event":"stop","streamId":"s1"}') is None
    assert wire.read('{"event":"stop","streamId":"s1"}') is None, "an end that nobody asked for is no difference"


def test_what_cannot_be_said_any_more_is_refused() -> None:
    wire = ReplayedWire(ABOUT, STARTED)
    assert isinstance(wire.write(Clear()), Refused)
    wire.begin()
    assert wire.write(PlayMedia(b"\xff")) != wire.write(Clear())
