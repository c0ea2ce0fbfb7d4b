"""Recorded conversations, replayed against both ends of the wire.

A file is a conversation, a line is a message. ``from`` says whose; what the carrier says stands as ``message`` (JSON),
``text``, ``binary`` (base64) or ``repeat``, and is followed by the ``events`` it must become or the ``error`` it must
be refused with (``fatal`` when nothing can follow). What we say is a ``command`` with the ``message`` (or the
``messages``, where a carrier takes no small pieces) it must become, or the ``error``. The last line holds the state at
the ``end``. Each conversation has a broken twin.
"""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.events import Command, Event
from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.exotel_carrier import ExotelCarrierProtocol
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from mediasrv.wire.protocol import CarrierProtocol, UnsupportedFormatError
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.telnyx_carrier import TelnyxCarrierProtocol
from mediasrv.wire.twilio import TwilioProtocol
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol

CONVERSATIONS = Path(__file__).parent.parent / "conversations"
PROTOCOLS: dict[str, tuple[type[CarrierProtocol], type[CarrierSide]]] = {
    "plivo": (PlivoProtocol, PlivoCarrierProtocol),
    "twilio": (TwilioProtocol, TwilioCarrierProtocol),
    "exotel": (ExotelProtocol, ExotelCarrierProtocol),
    "telnyx": (TelnyxProtocol, TelnyxCarrierProtocol),
}
WORDS = {word.__name__: word for word in (*get_args(Event), *get_args(Command))}

FILES = sorted(CONVERSATIONS.glob("*/*.jsonl"))
WHOLE = [path for path in FILES if not path.name.startswith("broken_")]


def read(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def spoken(record: dict[str, dict[str, Any]]) -> Any:
    """An event or a command from its name and its fields."""
    ((name, fields),) = record.items()
    if "payload" in fields:
        fields = fields | {"payload": b64decode(fields["payload"])}
    if "format" in fields:
        encoding, _, rate = fields["format"].partition(";rate=")
        fields = fields | {"format": AudioFormat(Encoding(encoding), int(rate))}
    return WORDS[name](**fields)


def heard(line: dict[str, Any]) -> str | bytes:
    """The message of a carrier's line."""
    if "binary" in line:
        return b64decode(line["binary"])
    if "repeat" in line:
        return str(line["repeat"]["text"] * line["repeat"]["times"])
    return str(line["text"]) if "text" in line else orjson.dumps(line["message"]).decode()


def said(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a server's line: one, or as many as were gathered."""
    messages: list[dict[str, Any]] = line["messages"] if "messages" in line else [line["message"]]
    return messages


def replay_carrier(protocol: CarrierProtocol, line: dict[str, Any]) -> None:
    if "error" not in line:
        assert list(protocol.receive(heard(line))) == [spoken(record) for record in line["events"]]
        return
    before = dict(vars(protocol))
    with pytest.raises(RemoteProtocolError) as caught:
        protocol.receive(heard(line))
    assert str(caught.value) == line["error"]
    assert isinstance(caught.value, UnsupportedFormatError) is line.get("fatal", False)
    assert vars(protocol) == before


def replay_server(protocol: CarrierProtocol, line: dict[str, Any]) -> None:
    if "error" not in line:
        assert [orjson.loads(message) for message in protocol.send(spoken(line["command"]))] == said(line)
        return
    with pytest.raises(LocalProtocolError) as caught:
        protocol.send(spoken(line["command"]))
    assert str(caught.value) == line["error"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_our_side_says_and_understands_what_was_recorded(path: Path) -> None:
    protocol = PROTOCOLS[path.parent.name][0]()
    _, *lines, last = read(path)
    for line in lines:
        (replay_carrier if line["from"] == "carrier" else replay_server)(protocol, line)
    assert protocol.phase.name == last["end"].pop("phase")
    assert last["end"] == {name: getattr(protocol, name) for name in last["end"]}


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_carriers_side_understands_what_we_said(path: Path) -> None:
    our_side, carrier_side = PROTOCOLS[path.parent.name]
    ours, carrier = our_side(), carrier_side()
    for line in read(path)[1:-1]:
        if line["from"] == "server":
            command = spoken(line["command"])
            obeyed = [carrier.receive(message) for message in ours.send(command)]
            assert obeyed == [command] if "message" in line else len(obeyed) == len(line["messages"])
            continue
        ours.receive(heard(line))
        if ours.format is not None and carrier.format is None:
            carrier.start(ours.call_id, ours.stream_id, ours.format)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_conversation_goes_well_and_its_broken_twin_does_not(path: Path) -> None:
    assert not any("error" in line for line in read(path))
    assert any("error" in line for line in read(path.with_stem(f"broken_{path.stem}")))


def test_there_is_a_conversation_for_each_broken_one() -> None:
    assert len(FILES) == 2 * len(WHOLE) > 0
