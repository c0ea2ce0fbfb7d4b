from __future__ import annotations

from typing import Any

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.wire.events import MediaReceived, StreamStopped
from tests.wire.kin import TELNYX
from tests.wire.mutation import SAMPLES, text


def media(chunk: int) -> str:
    return text(TELNYX.media | {"media": TELNYX.media["media"] | {"chunk": str(chunk)}})


def test_chunks_out_of_order_are_put_into_it() -> None:
    protocol = TELNYX.opened()
    events = [event for chunk in (2, 4, 5, 3, 6) for event in protocol.receive(media(chunk))]
    assert events == [MediaReceived(SAMPLES, chunk) for chunk in (2, 3, 4, 5, 6)]


def test_what_waits_is_heard_before_the_stream_stops() -> None:
    protocol = TELNYX.opened()
    assert [*protocol.receive(media(2)), *protocol.receive(media(4))] == [MediaReceived(SAMPLES, 2)]
    assert list(protocol.receive(text(TELNYX.stop))) == [MediaReceived(SAMPLES, 4), StreamStopped()]


@pytest.mark.parametrize(
    ("member", "audio"),
    [
        ({"encoding": "PCMU", "sample_rate": 8000, "channels": 1}, MULAW_8K),
        ({"encoding": "PCMA", "sample_rate": 8000, "channels": 1}, AudioFormat(Encoding.ALAW, 8000)),
        ({"encoding": "L16", "sample_rate": 16000, "channels": 1}, L16_16K),
        (None, MULAW_8K),
    ],
)
def test_the_codec_is_the_one_that_start_names(member: Any, audio: AudioFormat) -> None:
    assert TELNYX.opened(media_format=member).format == audio
