"""What is fuzzed: each target takes any bytes and raises only where we are at fault.

``python -m tests.fuzz NAME --minutes 10`` runs one under Atheris, guided by coverage; ``test_fuzz`` runs all of them,
for a moment, in the suite.
"""

from __future__ import annotations

import csv
import io
import struct
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson

from mediasrv import config
from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.errors import ConfigError, RemoteProtocolError
from mediasrv.net.certificate import expiry_of
from mediasrv.outbound.campaign import Row, read_campaign
from mediasrv.outbound.files import consents_reader, read_numbers
from mediasrv.outbound.number import e164
from mediasrv.outbound.request import DialRequest
from mediasrv.records.sealed import SealError, Unsealer, lengths_of
from mediasrv.replay.codec import CaptureError, encode
from mediasrv.replay.file import parsed
from mediasrv.server.glance import is_whole, names_in, target_of
from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.protocol import CarrierProtocol
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.twilio import TwilioProtocol
from tests.fuzz.connections import door, frames, http

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


def capture(data: bytes) -> None:
    """The lines of a capture, unsealed: what can be read is kept again, and reads the same."""
    try:
        header, lines = parsed(data)
    except CaptureError:
        return
    text = b"\n".join(orjson.dumps(encode(line)) for line in [["header", header], *lines])
    again = parsed(text)
    assert orjson.dumps(encode([["header", again[0]], *again[1]])) == orjson.dumps(encode([["header", header], *lines]))


def campaign(data: bytes) -> None:
    """A campaign's file: each line names a callee or is a flaw, and no number comes twice."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, suffix=".csv") as file:
        file.write(data)
        file.flush()
        try:
            found = list(read_campaign(Path(file.name), DialRequest(number="", agent="default")))
        except ConfigError:
            return
    numbers = [each.request.number for each in found if isinstance(each, Row)]
    assert len(set(numbers)) == len(numbers)
    assert all(map(e164, numbers))
    assert len(found) <= data.count(b"\n")


def lists(data: bytes) -> None:
    """A do-not-call list, and a file of consents."""
    text = io.StringIO(data.decode(errors="replace"), newline="").readlines()
    with suppress(ConfigError):
        assert all(map(e164, read_numbers(text)))
    with suppress(ConfigError, csv.Error):
        for number, consents in consents_reader(400)(text).items():
            assert e164(number) == number
            assert all(each.number == number for each in consents)


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
    "frames": frames,
    "http": http,
    "capture": capture,
    "campaign": campaign,
    "lists": lists,
}
"""By name."""
