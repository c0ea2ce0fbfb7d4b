from __future__ import annotations

import pytest

from mediasrv.server.glance import LONGEST, is_whole, names_in, target_of

UPGRADE = b"GET /plivo/stream?agent=a&call=call%2B1&token=x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"
WEBHOOK = (
    b"POST /plivo/answer?agent=a HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: 33\r\n\r\nFrom=911&CallUUID=call-1&Event=x1"
)


def test_a_request_is_whole_with_its_head_and_its_body() -> None:
    assert is_whole(UPGRADE)
    assert [is_whole(UPGRADE[:length]) for length in range(1, len(UPGRADE))] == [False] * (len(UPGRADE) - 1)
    assert is_whole(WEBHOOK)
    assert [is_whole(WEBHOOK[:length]) for length in range(1, len(WEBHOOK))] == [False] * (len(WEBHOOK) - 1)


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"get / HTTP/1.1", b"A" * LONGEST, b"\r\nGET"])
def test_what_is_no_request_or_too_long_is_nothing_to_wait_for(data: bytes) -> None:
    assert is_whole(data)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (UPGRADE, ["call+1"]),
        (WEBHOOK, ["call-1"]),
        (b"POST /plivo/answer HTTP/1.1\r\n\r\nCallUUID=b&From=1&CallUUID=b&call=c", ["b", "c"]),
        (b"GET /plivo/answer?CallUUID=a HTTP/1.1\r\n\r\n", ["a"]),
        (b"POST /twilio/answer HTTP/1.1\r\n\r\nFrom=1&CallSid=CA1", ["CA1"]),
        (b'POST /telnyx/webhook HTTP/1.1\r\n\r\n{"data": {"call_control_id": "v3:x"}}', ["v3:x"]),
        (b"POST /calls/abc/transfer HTTP/1.1\r\n\r\n", ["abc"]),
        (b"GET /console/events?call=abc HTTP/1.1\r\n\r\n", ["abc"]),
        (b"GET /readyz HTTP/1.1\r\nX: CallUUID=a\r\n\r\n", []),
        (b"GET /calls HTTP/1.1\r\n\r\n", []),
    ],
)
def test_calls_are_named_in_queries_forms_paths_and_json(data: bytes, names: list[str]) -> None:
    assert names_in(data) == names


def test_only_a_get_has_a_target() -> None:
    assert target_of(b"GET /metrics?x=1 HTTP/1.1\r\n\r\n") == b"/metrics"
    assert target_of(b"POST /metrics HTTP/1.1\r\n\r\n") == b""
    assert target_of(b"\x16\x03") == b""
