"""A voice that begins at once: the silence ahead of its first sound is left out, see ``audio.onset``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.onset import Onset
from mediasrv.providers.base import Speech, Tts


class PromptTts(Tts):
    """Speaks as another voice does; whoever started that one closes it."""

    def __init__(self, tts: Tts) -> None:
        super().__init__(None)
        self.name = tts.name  # type: ignore[misc]
        self._tts = tts

    async def prepare(self) -> None:
        await self._tts.prepare()

    @property
    def joins(self) -> bool:
        return self._tts.joins

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return self._tts.format_for(wanted)

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak likewise; words whose audio is left out keep their place in front of what follows."""
        onset = Onset(self.format_for(wanted))
        async with aclosing(self._tts.speak(phrases, wanted)) as speech:
            async for piece in speech:
                audio = onset.cut(piece.audio)
                if audio or piece.text:
                    yield piece if audio is piece.audio else Speech(audio, piece.text)
