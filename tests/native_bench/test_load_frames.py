"""A caller's frames are those that a real WebSocket server reads, and the other way round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import MULAW_8K
from mediasrv.wire.events import MediaReceived, PlayMedia
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.load.caller import samples_in
from native_bench.load.frames import PONG, TEXT, framed, unframed
from native_bench.load.tape import FRAME, Tape


def unmasked_of(frame: bytes) -> bytes:
    """The same frame as a server sends it: no mask."""
    size = frame[1] & 0x7F
    head = {126: 4, 127: 10}.get(size, 2)
    return bytes((frame[0], size)) + frame[2:head] + frame[head + 4 :]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_read_back_whatever_its_size(size: int) -> None:
    frame = unmasked_of(framed(b"x" * size, PONG))
    assert unframed(frame + b"more") == (PONG, len(frame) - size, len(frame))
    assert unframed(frame[:-1] if size else frame[:1]) is None


def test_frames_behind_each_other_are_read_one_by_one() -> None:
    data = unmasked_of(framed(b"first")) + unmasked_of(framed(b"second"))
    first = unframed(data)
    assert first is not None
    second = unframed(data, first[2])
    assert second is not None
    assert [data[begin:end] for _, begin, end in (first, second)] == [b"first", b"second"]
    assert first[0] == TEXT


@given(st.integers(1, 2000))
def test_samples_are_counted_without_reading_them(samples: int) -> None:
    wire = PlivoProtocol()
    wire.receive(PlivoCarrierProtocol().start("call", "stream", MULAW_8K))
    (sent,) = wire.send(PlayMedia(bytes(samples)))
    message = b"??" + sent.encode() + b"??"
    assert samples_in(message, 2, len(message) - 2) == samples


def test_samples_are_counted_in_messages_that_are_written_otherwise() -> None:
    message = b'{"event": "playAudio", "media": {"payload" : "AAAA", "contentType": "audio/x-mulaw"}}'
    assert samples_in(message, 0, len(message)) == 3


def test_the_tape_says_its_sentence_behind_its_cue() -> None:
    tape = Tape()
    wire = PlivoProtocol()
    wire.receive(PlivoCarrierProtocol().start("call", "load-stream", MULAW_8K))
    payloads = []
    for number in range(2 * tape.cycle // FRAME):
        frame = tape.message(number)
        (media,) = wire.receive(frame[8:].decode())
        assert isinstance(media, MediaReceived)
        payloads.append(media.payload)
    assert payloads.count(tape.cue) == 2
    place = payloads.index(tape.cue)
    assert (place + 1) * FRAME <= tape.begin < tape.end < tape.cycle
    assert tape.words[0].start_ms * 8 == pytest.approx(tape.begin - (place + 1) * FRAME, abs=8)
    assert tape.words[-1].end_ms * 8 == pytest.approx(tape.end - (place + 1) * FRAME, abs=8)
