from __future__ import annotations

from typing import Any

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.protocol import UnsupportedFormatError

ALAW_8K = AudioFormat(Encoding.ALAW, 8000)
SPOKEN = (MULAW_8K, ALAW_8K, L16_8K, L16_16K)


@pytest.mark.parametrize(
    ("member", "stream"),
    [
        (None, MULAW_8K),
        ({}, MULAW_8K),
        ({"encoding": None, "sampleRate": None}, MULAW_8K),
        ({"encoding": "audio/x-mulaw", "sampleRate": 8000}, MULAW_8K),
        ({"encoding": "audio/x-l16", "sampleRate": "16000"}, L16_16K),
        ({"encoding": "audio/x-l16", "sample_rate": "8000"}, L16_8K),
        ({"type": "audio/x-l16", "rate": 16000}, L16_16K),
        ({"encoding": "audio/x-l16;rate=16000"}, L16_16K),
        ({"encoding": " Audio/X-L16 ; channels=1 ; Rate = 16000 "}, L16_16K),
        ({"encoding": "audio/x-l16;rate=16000", "sampleRate": 8000}, L16_8K),
        ({"encoding": "audio/x-l16;channels=1"}, L16_8K),
        ({"encoding": "audio/x-l16"}, L16_8K),
        ({"encoding": "PCMU", "sample_rate": 8000, "channels": 1}, MULAW_8K),
        ({"encoding": "PCMA"}, ALAW_8K),
        ({"encoding": "audio/x-alaw"}, ALAW_8K),
        ({"encoding": "mulaw"}, MULAW_8K),
        ({"encoding": "L16", "rate": 8000}, L16_8K),
    ],
)
def test_every_spelling_of_a_format_is_read(member: object, stream: AudioFormat) -> None:
    assert read_media_format(member, MULAW_8K, SPOKEN) == stream


def test_what_is_assumed_stands_where_nothing_is_said() -> None:
    assert read_media_format(None, L16_8K, SPOKEN) == L16_8K
    assert read_media_format({"sampleRate": 16000}, L16_8K, SPOKEN) == L16_16K


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ({"encoding": "audio/opus", "sampleRate": 48000}, "the stream's encoding is not spoken here"),
        ({"encoding": ""}, "the stream's encoding is not spoken here"),
        ({"encoding": "audio/x-l16", "sampleRate": 44100}, "audio/x-l16;rate=44100 is not spoken here"),
        ({"sampleRate": 16000}, "audio/x-mulaw;rate=16000 is not spoken here"),
        ({"sampleRate": 0}, "audio/x-mulaw;rate=0 is not spoken here"),
    ],
)
def test_a_format_that_is_not_spoken_is_final(member: dict[str, Any], text: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        read_media_format(member, MULAW_8K, SPOKEN)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("audio/x-mulaw", "the media format is not an object"),
        ([], "the media format is not an object"),
        ({"encoding": 7}, "the media format's encoding is not a text"),
        ({"encoding": "audio/x-l16", "sampleRate": "8e3"}, "the media format's rate is not a number"),
        ({"encoding": "audio/x-l16", "sampleRate": True}, "the media format's rate is not a number"),
        ({"encoding": "audio/x-l16", "sampleRate": 8000.5}, "the media format's rate is not a number"),
        ({"encoding": "audio/x-l16", "sampleRate": -8000}, "the media format's rate is not a number"),
        ({"encoding": "audio/x-l16;rate="}, "the media format's rate is not a number"),
    ],
)
def test_what_is_no_format_is_their_error_and_not_final(member: object, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_media_format(member, MULAW_8K, SPOKEN)
    assert str(caught.value) == text
    assert not isinstance(caught.value, UnsupportedFormatError)
