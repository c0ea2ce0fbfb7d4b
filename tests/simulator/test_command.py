"""``mediasrv call``: what is printed, written and returned."""

from __future__ import annotations

import asyncio
import sys
import wave
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K
from mediasrv.errors import ConfigError
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.command import CallOptions, place, run, stream_format
from mediasrv.wire.events import MediaReceived, PlayMedia, StreamStarted
from tests.simulator.agents import Phone, answered_by
from tests.simulator.test_speech import write_wav


async def greeter(phone: Phone) -> None:
    """Says half a second of nonsense, answers the first loud frame likewise, and hangs up when it has been heard."""
    voice = PlayMedia(np.tile(np.array([3000, -3000], "<i2"), 2000).tobytes())
    answered = 0
    async for event in phone.events():
        if isinstance(event, StreamStarted):
            await phone.send(voice)
        elif isinstance(event, MediaReceived) and event.chunk:
            if answered and event.chunk > answered + 45:
                return
            if not answered and np.abs(np.frombuffer(event.payload, "<i2")).max() > 3000:
                answered = event.chunk + 15
            if event.chunk == answered:
                await phone.send(voice)


@pytest.fixture
async def options(tmp_path: Path) -> AsyncIterator[CallOptions]:
    """A call with one short recording to the greeter."""
    hello = write_wav(tmp_path / "hello.wav", np.tile(np.array([5000, -5000], "<i2"), 800).tobytes())
    async with answered_by(greeter) as url:
        yield CallOptions(url=url, wav=(hello,), codec="l16", out=tmp_path / "call.wav")


async def test_a_call_is_reported_and_recorded(options: CallOptions, capsys: pytest.CaptureFixture[str]) -> None:
    assert await place(options) == 0
    shown = capsys.readouterr().out
    assert "the agent hung up" in shown
    assert "1     hello" in shown
    assert options.out is not None
    with wave.open(str(options.out)) as file:
        assert file.getnchannels() == 2
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.count_nonzero(np.abs(both[:, 0]) == 5000) == 1600
    assert np.count_nonzero(both[:, 1]) > 4000


async def test_a_report_can_be_parsed(options: CallOptions, capsys: pytest.CaptureFixture[str]) -> None:
    assert await place(replace(options, json=True, out=None)) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["url"] == options.url
    assert told["carrier"] == "plivo"
    assert told["format"] == str(L16_8K)
    assert len(told["turns"]) == 1
    assert told["turns"][0]["response_ms"] > 0
    assert told["greeting_ms"] >= 0


async def test_sentences_are_said_with_the_voice_that_is_handed_in(
    options: CallOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    async def render(text: str) -> tuple[NDArray[np.int16], int]:
        assert text == "Good morning."
        return np.tile(np.array([5000, -5000], np.int16), 800), 8000

    assert await place(replace(options, wav=(), say=("Good morning.",), json=True), render) == 0
    assert orjson.loads(capsys.readouterr().out)["turns"][0]["text"] == "Good morning."


async def test_without_a_voice_nothing_can_be_said(options: CallOptions) -> None:
    with pytest.raises(ConfigError, match=r"mediasrv\[local\]"):
        await place(replace(options, say=("Good morning.",)))


async def test_the_package_brings_something_to_say(options: CallOptions, capsys: pytest.CaptureFixture[str]) -> None:
    assert await place(replace(options, wav=(), json=True, out=None)) == 0
    assert "ill disposed" in orjson.loads(capsys.readouterr().out)["turns"][0]["text"]


async def test_a_server_that_breaks_the_protocol_fails_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    async def agent(phone: Phone) -> None:
        await phone.websocket.recv()
        await phone.websocket.send("{}")
        await asyncio.sleep(0.1)

    async with answered_by(agent) as url:
        assert await place(CallOptions(url=url)) == 1
    assert "error" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/plivo/stream", "http://127.0.0.1/", "nonsense"])
def test_a_url_that_does_not_answer_is_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CallOptions(url=url)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"cannot call {url}: ")
    assert told.err.count("\n") == 1


def test_what_cannot_be_obeyed_is_the_operators_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = CallOptions(url="ws://127.0.0.1:1/")
    with pytest.raises(ConfigError, match="there is plivo"):
        run(replace(options, carrier="pigeon"))
    with pytest.raises(ConfigError, match="there is mulaw-8000, l16-8000, l16-16000"):
        run(replace(options, codec="mp3"))
    with pytest.raises(ConfigError, match="missing"):
        run(replace(options, wav=(tmp_path / "missing.wav",)))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match=r"mediasrv\[mic\]"):
        run(replace(options, mic=True))


def test_codecs_have_short_names() -> None:
    plivo = carrier_named("plivo")
    assert stream_format(plivo, "") == MULAW_8K
    assert stream_format(plivo, "mulaw") == MULAW_8K
    assert stream_format(plivo, "l16") == L16_8K
    assert stream_format(plivo, "l16-16000") == L16_16K
    with pytest.raises(ConfigError):
        stream_format(plivo, "l16-16")
