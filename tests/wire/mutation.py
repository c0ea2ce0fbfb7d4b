"""Messages that nobody would send: real ones with members deleted, retyped or moved, or cut short."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, get_args

import orjson
from hypothesis import strategies as st

from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.events import Event, MediaReceived
from mediasrv.wire.protocol import CarrierProtocol, Phase

PAYLOAD = "f39/fw=="
SAMPLES = b"\x7f\x7f\x7f\x7f"
"""What it holds."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["", PAYLOAD, "stream-1", "start", "media", "5", "audio/x-l16;rate=16000", "outbound", "{}"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)


def text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()


def places(message: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every member of a message."""
    found = []
    for name, value in message.items():
        found.append((*path, name))
        if isinstance(value, dict):
            found += places(value, (*path, name))
    return found


@st.composite
def mutated(draw: st.DrawFn, messages: Sequence[dict[str, Any]]) -> str:
    """One of these messages, or what became of it."""
    message = copy.deepcopy(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(message) or [("event",)]))
        holder: dict[str, Any] = message
        for name in path[:-1]:
            holder = holder[name]
        match draw(st.sampled_from(["delete", "retype", "move"])):
            case "delete":
                holder.pop(path[-1], None)
            case "retype":
                holder[path[-1]] = draw(VALUES)
            case "move":
                message[draw(st.sampled_from(["event", "start", "media", "dtmf", "name"]))] = holder.pop(path[-1], None)
    written = text(message)
    return written[: draw(st.integers(0, len(written)))] if draw(st.integers(0, 3)) == 0 else written


def state_of(protocol: CarrierProtocol) -> dict[str, Any]:
    """A copy of all that it knows, what its parts know included."""
    return copy.deepcopy({name: getattr(value, "__dict__", value) for name, value in vars(protocol).items()})


def assert_withstands(protocol: CarrierProtocol, message: str | bytes, start: dict[str, Any]) -> None:
    """Only ``RemoteProtocolError`` comes out, and then the state is as before; what follows is understood.

    ``start`` opens a stream.
    """
    before, refusal = state_of(protocol), ""
    try:
        assert all(isinstance(event, get_args(Event)) for event in protocol.receive(message))
    except RemoteProtocolError as error:
        refusal = str(error)
    if refusal:
        assert state_of(protocol) == before
        assert refusal.isprintable()
        assert PAYLOAD not in refusal
    if protocol.phase is Phase.WAITING:
        protocol.receive(text(start))
    elif protocol.phase is Phase.OPEN:
        follows = text({"event": "media", "media": {"payload": PAYLOAD}})
        assert list(protocol.receive(follows)) == [MediaReceived(SAMPLES)]
