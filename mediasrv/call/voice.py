"""The bot's voice: a text-to-speech provider in any stream's format, with its common phrases made ahead of time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.transcode import Transcoder
from mediasrv.providers.base import Speech, Tts


class Voice:
    """One agent's voice, shared by its calls."""

    def __init__(self, tts: Tts) -> None:
        self._tts = tts
        self._rendered: dict[tuple[str, AudioFormat], list[Speech]] = {}

    async def render(self, text: str, wanted: AudioFormat) -> None:
        """Make the audio of a text now, so that ``say`` has it at once; raise ``ProviderError`` when it cannot."""
        if text and (text, wanted) not in self._rendered:
            self._rendered[text, wanted] = [piece async for piece in self.speak(_once(text), wanted)]

    async def say(self, text: str, wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak a text as one phrase, from what was rendered where it was."""
        for piece in self._rendered.get((text, wanted), ()):
            yield piece
        if (text, wanted) in self._rendered:
            return
        async with aclosing(self.speak(_once(text), wanted)) as speech:
            async for piece in speech:
                yield piece

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak phrases as they come; the audio is in the wanted format. Cancelling stops the provider."""
        transcoder = Transcoder(self._tts.format_for(wanted), wanted)
        async with aclosing(self._tts.speak(phrases, wanted)) as speech:
            async for piece in speech:
                yield Speech(transcoder.push(piece.audio), piece.text)
        tail = transcoder.flush()
        if tail:
            yield Speech(tail)


async def _once(text: str) -> AsyncGenerator[str]:
    yield text
