"""The short way of frames, held against the protocol objects of the package that reads the others."""

from __future__ import annotations

import os
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol
from websockets.uri import parse_uri

from mediasrv.net.frames import Cutter, message_frame, payload_of

MOST_BYTES = 300
# Masks of another length stand for an end that masks, or does not, against the rules.
MASK = b"\x01\x80\xff\x20"


def framed(first: int, payload: bytes, *, masked: bool) -> bytes:
    size, mask_bit = len(payload), 0x80 if masked else 0
    head = bytes((first, mask_bit | min(size, 126))) + (size.to_bytes(2, "big") if size >= 126 else b"")
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))


def twin(side: str) -> Protocol:
    return Protocol(SERVER if side == "server" else CLIENT, state=OPEN, max_size=MOST_BYTES)


def told(protocol: Protocol) -> list[tuple[int, bool, bytes]]:
    events = cast("list[Frame]", protocol.events_received())
    return [(int(event.opcode), event.fin, bytes(event.data)) for event in events]


# Whole messages most of all; then fragments, control frames, reserved opcodes and reserved bits.
firsts = st.sampled_from([0x81, 0x82, 0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88, 0x83, 0xC1, 0x09])
payloads = st.one_of(st.binary(max_size=130), st.integers(124, 310).map(lambda size: bytes(size)))
frames = st.lists(st.tuples(firsts, payloads, st.integers(0, 19).map(bool)), max_size=8)


@settings(max_examples=300)
@given(sent=frames, side=st.sampled_from(["server", "client"]), cuts=st.lists(st.integers(1, 40), max_size=30))
def test_what_is_cut_says_what_the_protocol_says_however_it_comes(
    sent: list[tuple[int, bytes, bool]], side: str, cuts: list[int]
) -> None:
    masked = side == "server"
    stream = b"".join(framed(first, payload, masked=masked == right) for first, payload, right in sent)
    alone, beside = twin(side), twin(side)
    alone.receive_data(stream)
    cutter, heard, at = Cutter(masked=masked, most_bytes=MOST_BYTES), [], 0
    for size in [*cuts, len(stream)]:
        piece = stream[at : at + size]
        at += size
        if (lone := cutter.lone_message(piece)) is not None:
            if beside.state is OPEN:
                heard.append((piece[0] & 15, True, lone))
            continue
        data, spans = cutter.cut(piece)
        for begin, body, end in spans:
            if beside.state is not OPEN:
                continue
            if body:
                heard.append((data[begin] & 15, True, payload_of(data, body, end, masked=masked)))
            else:
                beside.receive_data(data[begin:end])
                heard += told(beside)
    expected = told(alone)
    if alone.parser_exc is None:
        assert (heard, beside.state) == (expected, alone.state)
    else:
        # What is broken may be told of when all of it has come, and no later.
        assert heard == expected
        assert beside.parser_exc is None or type(beside.parser_exc) is type(alone.parser_exc)


@pytest.mark.parametrize("piece", range(1, 16))
def test_a_frame_that_is_too_large_is_the_last_in_whichever_pieces_its_head_comes(piece: int) -> None:
    head = bytes((0x82, 0xFF)) + (1 << 62).to_bytes(8, "big") + MASK
    stream = head + framed(0x81, b"", masked=True) * 3
    protocol, cutter, heard = twin("server"), Cutter(masked=True, most_bytes=MOST_BYTES), 0
    for at in range(0, len(stream), piece):
        data, spans = cutter.cut(stream[at : at + piece])
        for begin, body, end in spans:
            if protocol.state is OPEN and not body:
                protocol.receive_data(data[begin:end])
            heard += protocol.state is OPEN
    assert heard == 0
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == 1009


@given(message=st.one_of(st.text(max_size=200), st.binary(max_size=200), st.integers(65_530, 65_540).map(bytes)))
@pytest.mark.parametrize("masked", [True, False])
def test_a_message_is_framed_so_that_the_protocol_reads_it(message: str | bytes, masked: bool) -> None:
    reader = Protocol(SERVER if masked else CLIENT, state=OPEN)
    reader.receive_data(message_frame(message, masked=masked))
    payload = message.encode() if isinstance(message, str) else message
    assert told(reader) == [(1 if isinstance(message, str) else 2, True, payload)]


@given(size=st.integers(0, 300), opcode=st.integers(0, 15), final=st.booleans(), extra=st.integers(-2, 2))
@pytest.mark.parametrize("masked", [True, False])
def test_a_message_by_itself_is_read_at_a_glance(masked: bool, size: int, opcode: int, final: bool, extra: int) -> None:
    payload = bytes(range(256))[:size] + bytes(max(0, size - 256))
    whole = framed(opcode | 0x80 * final, payload, masked=masked)
    data = whole[:extra] if extra < 0 else whole + bytes(extra)
    cutter = Cutter(masked=masked, most_bytes=MOST_BYTES)
    is_lone = not extra and final and opcode in (1, 2) and 126 <= size <= MOST_BYTES
    assert cutter.lone_message(data) == (payload if is_lone else None)


@given(st.lists(st.sampled_from(["text", "binary", "longer", "ping", "begun", "halved"]), max_size=12))
@pytest.mark.parametrize("masked", [True, False])
def test_what_stood_by_itself_does_so_again_unless_something_is_unfinished(masked: bool, kinds: list[str]) -> None:
    cutter, fresh = (Cutter(masked=masked, most_bytes=MOST_BYTES) for _ in range(2))
    for number, kind in enumerate(kinds):
        first = {"binary": 0x82, "ping": 0x89, "begun": 0x01}.get(kind, 0x81)
        data = framed(first, bytes([number] * (200 + (kind == "longer"))), masked=masked)
        told = [each.lone_message(data[:50] if kind == "halved" else data) for each in (cutter, fresh)]
        assert told[0] == told[1]
        if told[0] is None:
            for each in (cutter, fresh):
                each.cut(data[:50] if kind == "halved" else data)
        fresh._usual_bytes = -1


def test_each_mask_is_of_the_systems_own_randomness_and_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bytes] = []

    def draw(size: int) -> bytes:
        first = len(drawn)
        drawn.extend(number.to_bytes(4, "big") for number in range(first, first + size // 4))
        return b"".join(drawn[first:])

    monkeypatch.setattr("mediasrv.net.frames._keys", [])
    monkeypatch.setattr(os, "urandom", draw)
    used = [message_frame("again", masked=True)[2:6] for _ in range(1000)]
    assert len(set(used)) == len(used)
    assert set(used) <= set(drawn)


def test_a_frame_that_is_too_long_is_not_waited_for() -> None:
    cutter = Cutter(masked=True, most_bytes=MOST_BYTES)
    head = b"\x81\xff" + (MOST_BYTES + 1).to_bytes(8, "big")
    assert cutter.cut(head[:3]) == (head[:3], [])
    assert cutter.cut(head[3:] + MASK) == (head + MASK, [(0, 0, 14)])


def test_a_long_frame_that_trickles_in_is_put_together_once() -> None:
    stream = message_frame("x" * 290, masked=False)
    cutter = Cutter(masked=False, most_bytes=MOST_BYTES)
    cuts = [cutter.cut(stream[at : at + 1])[1] for at in range(len(stream))]
    assert [len(spans) for spans in cuts] == [0] * (len(stream) - 1) + [1]


def test_a_client_of_the_package_speaks_with_it() -> None:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN)
    client.send_text(b"hello")
    cutter = Cutter(masked=True, most_bytes=MOST_BYTES)
    data, [(_, body, end)] = cutter.cut(client.data_to_send()[0])
    assert payload_of(data, body, end, masked=True) == b"hello"
