"""ElevenLabs' own client talks to the stand-in of its HTTP stream; it has no other one for the multi-context WebSocket
than the types of its messages, which ours and the stand-in's must fit."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.providers.elevenlabs import MultiContextDiction
from native_bench.standins.elevenlabs import KEY, VOICE, alignment
from native_bench.standins.elevenlabs_http import ElevenLabsHttpStandin
from native_bench.standins.speaking import voiced

elevenlabs: Any = pytest.importorskip("elevenlabs")
types: Any = pytest.importorskip("elevenlabs.types")
api_error: Any = pytest.importorskip("elevenlabs.core.api_error")
pytestmark = pytest.mark.sdk


def client(url: str, key: str = KEY) -> Any:
    return elevenlabs.AsyncElevenLabs(api_key=key, base_url=url)


async def test_the_stream_is_spoken() -> None:
    standin = ElevenLabsHttpStandin()
    async with standin as url:
        settings = types.VoiceSettings(stability=0.5, speed=1.1)
        stream = client(url).text_to_speech.stream(
            VOICE, text="hello", model_id="eleven_flash_v2_5", output_format="ulaw_8000", voice_settings=settings
        )
        audio = b"".join([data async for data in stream])
    assert audio == voiced("hello")
    assert standin.complaints == []


async def test_a_wrong_key_is_refused() -> None:
    async with ElevenLabsHttpStandin() as url:
        stream = client(url, "wrong").text_to_speech.stream(VOICE, text="hello", output_format="ulaw_8000")
        with pytest.raises(api_error.ApiError) as caught:
            await anext(stream)
    assert caught.value.status_code == 401


def fits(kind: Any, message: str | bytes) -> None:
    """A message has what its type asks for, and nothing besides."""
    table = orjson.loads(message)
    parsed = kind.model_validate(table)
    assert not parsed.model_extra


def test_our_messages_are_the_client_s() -> None:
    diction = MultiContextDiction(MULAW_8K, {"stability": 0.5})
    diction.begin()
    diction.speak("Hello.", 0.0)
    diction.keep_alive()
    diction.finish(0.0)
    diction.keep_alive()
    opening, phrase, alive, closing, idle = diction.outbox
    fits(types.InitializeConnectionMulti, opening)
    fits(types.SendTextMulti, phrase)
    fits(types.KeepContextAlive, alive)
    fits(types.CloseContext, closing)
    fits(types.SendTextMulti, idle)


def test_the_stand_in_s_messages_are_the_vendor_s() -> None:
    times = alignment("hello")
    audio = types.AudioOutputMulti.model_validate(
        {"audio": "", "alignment": times, "normalizedAlignment": times, "contextId": "c"}
    )
    assert (audio.context_id, audio.alignment.chars) == ("c", list("hello"))
    assert audio.alignment.char_start_times_ms == [0, 10, 20, 30, 40]
    final = types.FinalOutputMulti.model_validate({"isFinal": True, "contextId": "c"})
    assert final.is_final
