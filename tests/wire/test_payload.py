from __future__ import annotations

import re
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.payload import decode_payload, encode_payload

WHOLE_QUANTA = re.compile("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@given(st.binary(min_size=1))
def test_encoding_is_standard_base64_without_line_breaks(payload: bytes) -> None:
    assert encode_payload(payload, 1) == b64encode(payload).decode()
    assert decode_payload(encode_payload(payload, 1), 1) == payload


@given(st.text("Aa0+/= \n-_", max_size=12) | st.text(max_size=8))
def test_decoding_takes_nothing_but_base64_of_whole_quanta(text: str) -> None:
    if text and WHOLE_QUANTA.fullmatch(text):
        assert decode_payload(text, 1) == b64decode(text)
    else:
        with pytest.raises(RemoteProtocolError, match=r"not base64|empty"):
            decode_payload(text, 1)


@pytest.mark.parametrize(
    "text", ["AAA", "A", "A===", "====", "AAAA=", "AAAA====", "AA==AA==", "AA-_", " AAAA", "AAAA\n", "é"]
)
def test_near_misses_of_base64_are_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="not base64"):
        decode_payload(text, 1)


@pytest.mark.parametrize("value", [None, 1, ["AAAA"], {"a": 1}])
def test_a_payload_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match="not a text"):
        decode_payload(value, 1)


def test_no_audio_is_refused_both_ways() -> None:
    with pytest.raises(RemoteProtocolError, match="empty"):
        decode_payload("", 1)
    with pytest.raises(LocalProtocolError, match="no audio"):
        encode_payload(b"", 1)


def test_half_a_sample_is_refused_both_ways() -> None:
    with pytest.raises(RemoteProtocolError, match="within a sample"):
        decode_payload("AAAA", 2)
    with pytest.raises(LocalProtocolError, match="within a sample"):
        encode_payload(b"\0\0\0", 2)
