from __future__ import annotations

from mediasrv.carriers.urls import stream_url, with_query


def test_a_stream_is_as_safe_as_its_origin() -> None:
    assert stream_url("https://h.example:8443", "twilio") == "wss://h.example:8443/twilio/stream"
    assert stream_url("http://127.0.0.1:8080", "telnyx") == "ws://127.0.0.1:8080/telnyx/stream"


def test_only_what_is_there_is_in_the_query() -> None:
    assert with_query("https://h/a", {"a": "", "b": ""}) == "https://h/a"
    assert with_query("https://h/a", {"a": "x y", "b": "", "c": "&"}) == "https://h/a?a=x+y&c=%26"
