"""Differences are told to the byte, and without what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.replay.comparison import LINK_CLOSED, Difference
from mediasrv.replay.telling import told
from mediasrv.replay.wire import Refused, Written
from mediasrv.wire.events import Clear, DtmfReceived, MediaReceived, PlayMedia, SendDtmf, StreamStarted

PLAY = '{"event":"playAudio","media":{"sampleRate":8000,"payload":"c2VjcmV0"}}'
NUMBER = StreamStarted("c", "s", MULAW_8K, from_number="+15550001")


@pytest.mark.parametrize(
    ("expected", "got", "line"),
    [
        (Clear(), None, "expected Clear(), got nothing"),
        (SendDtmf("42"), LINK_CLOSED, "expected SendDtmf of 2 keys, got closed link"),
        (
            PlayMedia(b"abc"),
            PlayMedia(b"ab"),
            "expected PlayMedia of 3 bytes, got PlayMedia of 2 bytes, from byte 2 on",
        ),
        (MediaReceived(b"ab"), MediaReceived(b"xb"), "MediaReceived of 2 bytes, from byte 0 on"),
        (DtmfReceived("4"), NUMBER, "expected DtmfReceived, got StreamStarted"),
        (
            NUMBER,
            replace(NUMBER, from_number="", call_id="d"),
            "got StreamStarted, with another call_id and from_number",
        ),
        (MediaReceived(b"ab"), Refused("media is not base64"), "got a refusal: media is not base64"),
        (Written((PLAY,)), None, "expected 1 messages to the carrier, got nothing"),
        (Written((PLAY, PLAY)), Written((PLAY,)), "to the carrier: expected 2 messages, got 1"),
        (
            Written((PLAY, PLAY)),
            Written((PLAY, PLAY.replace("8000", "16000"))),
            "message 2 of 2 is otherwise from byte 43 on: media.sampleRate: expected 8000, got 16000",
        ),
        (
            Written((PLAY,)),
            Written((PLAY.replace("c2VjcmV0", "c2Vj"),)),
            "message 1 of 1 is otherwise from byte 63 on: media.payload: expected 8 characters, got 4 characters",
        ),
        (
            Written(('{"event":"clear"}',)),
            Written(('{"event":"clear","streamId":"s1"}',)),
            'from byte 16 on: streamId: expected nothing, got "s1"',
        ),
        (
            Written(('{"event":"clear"}',)),
            Written(('{"event": "clear"}',)),
            "from byte 9 on: the same members, otherwise spelled",
        ),
        (Written(("one",)), Written(("once",)), "from byte 2 on: 3 characters, now 4"),
    ],
)
def test_a_difference_is_told_in_a_line(expected: Any, got: Any, line: str) -> None:
    found = told(Difference(1.25, expected, got))
    assert found.startswith("after 1.250 s: ")
    assert found.endswith(line)
    for secret in ("c2Vj", "42", "5550001"):
        assert secret not in found


def test_without_a_difference_there_is_nothing_to_tell() -> None:
    assert told(None) == ""
