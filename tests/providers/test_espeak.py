import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest

from mediasrv.audio.format import MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError
from mediasrv.providers import installed
from mediasrv.providers.base import Speech
from mediasrv.providers.espeak import EspeakTts
from tests.patience import WAIT_S
from tests.providers.local import needs

local = needs(EspeakTts)
LINE = "It is a truth universally acknowledged, that a single man must be in want of a wife."


async def speak(text: str, **options: Any) -> list[Speech]:
    async def once() -> AsyncGenerator[str]:
        yield text

    tts = EspeakTts(EspeakTts.Options(**options))
    async with asyncio.timeout(WAIT_S):
        await tts.start()
        assert tts.format_for(MULAW_8K) == AudioFormat(Encoding.L16, 22050)
        pieces = [piece async for piece in tts.speak(once(), MULAW_8K)]
    await tts.aclose()
    return pieces


def samples(pieces: list[Speech]) -> int:
    return sum(len(piece.audio) for piece in pieces) // 2


async def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    assert EspeakTts.missing() == "espeakng_loader is not installed: pip install 'mediasrv[local]'"
    with pytest.raises(ConfigError, match="espeakng_loader is not installed"):
        await EspeakTts(EspeakTts.Options()).start()


@local
async def test_a_sentence_comes_in_small_pieces() -> None:
    pieces = await speak(LINE)
    assert len(pieces) > 20
    assert max(len(piece.audio) for piece in pieces) <= 2 * 2205 + 200
    assert [piece.text for piece in pieces if piece.text] == [LINE]
    assert 3 * 22050 < samples(pieces) < 8 * 22050
    pcm = np.frombuffer(b"".join(piece.audio for piece in pieces), "<i2")
    assert abs(pcm).max() > 8000


@local
async def test_more_words_per_minute_take_less_time() -> None:
    assert samples(await speak(LINE, words_per_minute=300)) < 0.7 * samples(await speak(LINE, words_per_minute=150))


@local
@pytest.mark.parametrize(
    "text", ["naïve café — \u201cyes\u201d", "a\0b", "yes \ud800", "<speak>one</speak> [[two]]", "x " * 3000]
)
async def test_any_text_can_be_spoken(text: str) -> None:
    assert samples(await speak(text, words_per_minute=450)) > 1000


@local
async def test_an_unknown_voice_is_told_in_a_line() -> None:
    tts = EspeakTts(EspeakTts.Options(voice="klingon-xyz"))
    with pytest.raises(ConfigError, match="ValueError: espeak-ng has no voice 'klingon-xyz'"):
        await tts.start()
    await tts.aclose()
