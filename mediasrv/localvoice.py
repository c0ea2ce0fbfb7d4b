"""A voice on this machine for whoever needs a sentence spoken: the first local one whose packages are installed."""

from __future__ import annotations

from types import TracebackType
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import L16_16K
from mediasrv.call.voice import Voice
from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.base import Tts

LOCAL_VOICES = ("piper", "espeak")
"""Best first."""


class LocalVoice:
    """Speaks within its ``async with``; entering raises ``ConfigError`` where no voice is installed."""

    async def __aenter__(self) -> Self:
        missing = {name: registry.load("tts", name).missing() for name in LOCAL_VOICES}
        ready = [name for name, reason in missing.items() if not reason]
        if not ready:
            raise ConfigError(missing[LOCAL_VOICES[0]])
        self._tts = cast(Tts, registry.build("tts", {"provider": ready[0]}))
        await self._tts.start()
        self._voice = Voice(self._tts)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tts.aclose()

    async def render(self, sentence: str) -> tuple[NDArray[np.int16], int]:
        """Speak a sentence; return int16 mono samples and their rate in hertz. Raise ``ProviderError``."""
        audio = b"".join([piece.audio async for piece in self._voice.say(sentence, L16_16K)])
        return np.frombuffer(audio, dtype="<i2"), L16_16K.rate_hz
