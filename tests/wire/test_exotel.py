from __future__ import annotations

import orjson
import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.wire.events import Mark, PlayMedia, StreamStarted
from tests.wire.kin import EXOTEL
from tests.wire.mutation import text


@pytest.mark.parametrize(
    ("member", "audio", "gathers_ms"),
    [
        ({"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"}, L16_8K, 200),
        ({"encoding": "base64", "sample_rate": "16000"}, L16_16K, 100),
        ({"encoding": "raw"}, L16_8K, 200),
        ({"sample_rate": 16000}, L16_16K, 100),
        ({"encoding": "audio/x-mulaw", "sample_rate": "8000"}, MULAW_8K, 400),
        (None, L16_8K, 200),
    ],
)
def test_the_media_format_is_read_in_every_spelling(member: object, audio: AudioFormat, gathers_ms: int) -> None:
    (started,) = EXOTEL.ours().receive(text(EXOTEL.start | {"start": EXOTEL.start["start"] | {"media_format": member}}))
    assert isinstance(started, StreamStarted)
    assert (started.format, started.gathers_ms) == (audio, gathers_ms)
    assert (started.from_number, started.to_number) == ("+919990001111", "+918000002222")


def test_frames_are_gathered_and_the_last_ones_filled_up() -> None:
    protocol = EXOTEL.opened()
    messages = [message for _ in range(14) for message in protocol.send(PlayMedia(b"\x01\x02" * 160))]
    messages += protocol.send(Mark("end", ends_utterance=True))
    kinds = [orjson.loads(message)["event"] for message in messages]
    assert kinds == ["media", "media", "mark"]
    sizes = [len(orjson.loads(message)["media"]["payload"]) * 3 // 4 for message in messages[:2]]
    assert [size // 320 * 320 for size in sizes] == [3200, 3200]
