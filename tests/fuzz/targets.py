"""What is fuzzed: each target takes any bytes and raises only where we are at fault.

``python -m tests.fuzz NAME --minutes 10`` runs one under Atheris, guided by coverage; ``test_fuzz`` runs all of them,
for a moment, in the suite.
"""

from __future__ import annotations

import asyncio
import io
import struct
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mediasrv import config
from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.carriers.plivo import PlivoCarrier
from mediasrv.errors import ConfigError, RemoteProtocolError
from mediasrv.net.certificate import expiry_of
from mediasrv.records.sealed import SealError, Unsealer, lengths_of
from mediasrv.server.calls import Calls
from mediasrv.server.crowd import Crowd
from mediasrv.server.door import FrontDoor
from mediasrv.server.glance import is_whole, names_in, target_of
from mediasrv.server.media import MediaDoor
from mediasrv.server.metrics import Metrics
from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.protocol import CarrierProtocol
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.twilio import TwilioProtocol
from tests.server.stage import UNSIGNED, EchoAgency

Target = Callable[[bytes], None]

KEY = b"k" * 32
"""What the sealed files of the corpus are sealed with."""
_FRAME_SAMPLES = 160
_MOST_FRAMES = 2_000


def carrier(protocol: Callable[[], CarrierProtocol]) -> Target:
    """A carrier's messages, one a line; those that are no UTF-8 are binary."""

    def target(data: bytes) -> None:
        side = protocol()
        for line in data.split(b"\n"):
            try:
                message: str | bytes = line.decode()
            except UnicodeDecodeError:
                message = line
            try:
                events = side.receive(message)
            except RemoteProtocolError as error:
                # It is counted and logged under this text, which must not be the message's.
                complaint = str(error)
                assert len(complaint) < 200
            else:
                assert all(event is not None for event in events)

    return target


class Wire(asyncio.Transport):
    """A transport whose other end is a list."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.9", 40000)})
        self.protocol: Any = None
        self.written: list[bytes] = []
        self.is_shut = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        assert not self.is_shut
        self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.is_shut

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_shut = True

    abort = close


class Handler(asyncio.Protocol):
    """Who takes requests that are for no stream; what reads them is aiohttp's."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data


async def _knock(data: bytes) -> None:
    calls = Calls(EchoAgency(), 10, Metrics())
    media = MediaDoor(calls, {"/plivo/stream": PlivoCarrier(UNSIGNED)}, "")
    crowd, handler, wire = Crowd(10, calls.complaints.refused), Handler(), Wire()
    wire.protocol = FrontDoor(media, lambda left: handler, crowd)
    wire.protocol.connection_made(wire)
    size = 1 + data[0] if data else 1
    for at in range(1, len(data), size):
        if wire.is_shut:
            break
        wire.protocol.data_received(data[at : at + size])
        await asyncio.sleep(0)
    answer = b"".join(wire.written)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in answer[:20]
    wire.is_shut = True
    wire.protocol.connection_lost(None)
    crowd.leave(wire)
    await calls.aclose()
    assert not crowd.waiting
    assert not crowd._connections
    assert not calls._admission.occupied(0.0)


def door(data: bytes) -> None:
    """A connection, from its first byte to an open stream; the first byte of the data says in which pieces it comes."""
    asyncio.run(_knock(data))


def lobby(data: bytes) -> None:
    """What a supervisor reads of a request to know whose it is."""
    is_whole(data)
    target_of(data)
    names_in(data)


def configuration(data: bytes) -> None:
    """A configuration file."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, suffix=".toml") as file:
        file.write(data)
        file.flush()
        try:
            settings = config.load(Path(file.name), {"A": "a secret of the environment"})
        except ConfigError as error:
            complaint = str(error)
            assert "a secret of the environment" not in complaint
            return
    assert "a secret of the environment" not in config.masked(settings)


def sealed(data: bytes) -> None:
    """A sealed file."""
    try:
        unsealer = Unsealer(io.BytesIO(data), KEY)
        for _ in unsealer.pieces():
            pass
    except SealError:
        pass
    file = io.BytesIO(data)
    assert all(0 <= length <= len(data) for length in lengths_of(file))


def jitter(data: bytes) -> None:
    """Packets at odd times with odd counts: two bytes of count, one of time, one of size, and so on."""
    for delay_ms in (0, 200):
        buffer, now, frames = JitterBuffer(8000, _FRAME_SAMPLES, max_delay_ms=delay_ms), 0.0, 0
        for chunk, wait, size in struct.iter_unpack("<HBB", data[: len(data) // 4 * 4]):
            now += wait / 100
            pcm = np.full(size or _FRAME_SAMPLES, size, np.int16)
            played = buffer.push(None if chunk == 0xFFFF else chunk, pcm, now)
            played += buffer.pop(now)
            assert all(frame.dtype == np.int16 and frame.ndim == 1 for frame in played)
            frames += len(played)
            deadline = buffer.deadline()
            assert deadline is None or deadline > now
            # A second of concealment at most for every packet, which the smallest ones of one sample could divide.
            assert len(buffer._waiting) <= _MOST_FRAMES


def certificate(data: bytes) -> None:
    """A certificate's end."""
    try:
        expiry_of(data)
    except ValueError as error:
        complaint = str(error)
        assert complaint == "no certificate"


_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None

TARGETS: Mapping[str, Target] = {
    "plivo": carrier(PlivoProtocol),
    "twilio": carrier(TwilioProtocol),
    "exotel": carrier(ExotelProtocol),
    "telnyx": carrier(TelnyxProtocol),
    "door": door,
    "lobby": lobby,
    "configuration": configuration,
    "sealed": sealed,
    "jitter": jitter,
    "certificate": certificate,
}
"""By name."""
