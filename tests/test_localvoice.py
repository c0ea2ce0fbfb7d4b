from __future__ import annotations

import numpy as np
import pytest

from mediasrv.errors import ConfigError
from mediasrv.localvoice import LocalVoice
from mediasrv.providers.espeak import EspeakTts
from mediasrv.providers.piper import PiperTts


@pytest.mark.local
async def test_a_sentence_becomes_speech() -> None:
    async with LocalVoice() as voice:
        pcm, rate_hz = await voice.render("Good morning.")
    assert pcm.dtype == np.int16
    assert 0.3 < len(pcm) / rate_hz < 3
    assert np.abs(pcm).max() > 1000


@pytest.mark.local
async def test_the_second_voice_speaks_where_the_first_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PiperTts, "missing", staticmethod(lambda: "piper is not installed"))
    async with LocalVoice() as voice:
        pcm, rate_hz = await voice.render("Good morning.")
    assert 0.3 < len(pcm) / rate_hz < 3


async def test_without_any_voice_the_remedy_for_the_best_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PiperTts, "missing", staticmethod(lambda: "piper is not installed"))
    monkeypatch.setattr(EspeakTts, "missing", staticmethod(lambda: "espeak is not installed"))
    with pytest.raises(ConfigError, match=r"^piper is not installed$"):
        await LocalVoice().__aenter__()
