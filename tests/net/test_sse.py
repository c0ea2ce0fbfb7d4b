"""Server-Sent Events, against a twin that reads the whole body at once."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import RemoteProtocolError
from mediasrv.net.sse import EventReader, ServerEvent


def read(*pieces: bytes, limit_bytes: int = 1000) -> list[ServerEvent]:
    reader = EventReader(limit_bytes)
    return [event for piece in pieces for event in reader.receive(piece)] + reader.finish()


def read_slowly(body: bytes) -> list[ServerEvent]:
    """The standard's algorithm on a whole body, with the last event's blank line made up where it is missing."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    events: list[ServerEvent] = []
    data: list[str] = []
    name = ""
    for line in [*re.split(rb"\r\n|\r|\n", text), b""]:
        if not line:
            if data:
                events.append(ServerEvent("\n".join(data), name))
            data, name = [], ""
            continue
        match = re.fullmatch(rb"([^:]*)(?:: ?(.*))?", line, re.DOTALL)
        assert match is not None
        field, value = match[1], (match[2] or b"").decode(errors="replace")
        if field == b"data":
            data.append(value)
        if field == b"event":
            name = value
    return events


def test_an_event_is_its_data_and_its_name() -> None:
    assert read(b'event: ping\ndata: {"type": "ping"}\n\n') == [ServerEvent('{"type": "ping"}', "ping")]


def test_lines_of_data_are_joined() -> None:
    assert read(b"data: a\ndata:b\ndata:  c\n\n") == [ServerEvent("a\nb\n c")]


def test_an_event_without_data_is_none() -> None:
    assert read(b"event: ping\n\ndata: a\n\n") == [ServerEvent("a")]


def test_empty_data_is_data() -> None:
    assert read(b"data\n\ndata:\n\n") == [ServerEvent(""), ServerEvent("")]


def test_comments_and_unknown_fields_are_skipped() -> None:
    assert read(b": keep-alive\n\nid: 7\nretry: 10\nerror: x\ndatas: no\ndata: a\n\n") == [ServerEvent("a")]


def test_a_byte_order_mark_is_skipped_even_in_pieces() -> None:
    assert read(b"\xef\xbb", b"\xbfdata: a\n\n") == [ServerEvent("a")]
    assert read(b"\xef", b"\xbb", b"data: a\n\n") == []


def test_what_follows_a_cr_waits_for_no_lf() -> None:
    reader = EventReader()
    assert reader.receive(b"data: a\r\r") == [ServerEvent("a")]
    assert reader.receive(b"") == []
    assert reader.receive(b"\ndata: b\r\n\r\n") == [ServerEvent("b")]


def test_an_end_without_a_blank_line_is_forgiven() -> None:
    assert read(b"data: a\n\ndata: [DONE]") == [ServerEvent("a"), ServerEvent("[DONE]")]


def test_broken_utf8_is_replaced() -> None:
    assert read(b"data: a\xffb\n\n") == [ServerEvent("a�b")]


@pytest.mark.parametrize("size_bytes", [51, 5000])
def test_a_line_without_end_is_too_long(size_bytes: int) -> None:
    with pytest.raises(RemoteProtocolError, match="more than 50 bytes"):
        read(*(b"x" for _ in range(size_bytes)), limit_bytes=50)


def test_a_long_line_with_its_end_is_too_long_as_well() -> None:
    with pytest.raises(RemoteProtocolError):
        read(b"data: " + b"x" * 50 + b"\n\n", limit_bytes=50)


def test_an_event_of_many_lines_is_too_long() -> None:
    with pytest.raises(RemoteProtocolError):
        read(b"data: 0123456789\n" * 6, limit_bytes=50)


BODIES = st.lists(st.sampled_from([b"data", b"event", b":", b" ", b"\r", b"\n", b"\r\n", b"x", b"\xef\xbb\xbf"])).map(
    b"".join
)


@given(body=BODIES, cuts=st.lists(st.integers(0, 60)))
def test_it_does_not_matter_where_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[begin:end] for begin, end in pairwise(edges)]
    assert read(*pieces) == read_slowly(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body: bytes) -> None:
    assert read(body) == read_slowly(body)


LONE = b"data: b\n\n"


@pytest.mark.parametrize(
    "before", [b"", LONE, b"\xef\xbb\xbf", b"\xef", b"x", b"event: ping\n", b"data: a\n", b"data: a\r", b"data: a\r\r"]
)
def test_an_event_that_comes_alone_is_read_as_among_others(before: bytes) -> None:
    assert read(before, LONE, LONE) == read(before + LONE + LONE)


@pytest.mark.parametrize(("most", "is_too_long"), [(6, True), (7, False)])
def test_an_event_that_comes_alone_may_be_too_long(most: int, *, is_too_long: bool) -> None:
    for body in (LONE, LONE + LONE):
        if is_too_long:
            with pytest.raises(RemoteProtocolError):
                read(body, limit_bytes=most)
        else:
            read(body, limit_bytes=most)
