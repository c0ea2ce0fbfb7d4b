"""Text-to-speech in the format that the listener wants, whatever the voice's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.transcode import Transcoder
from mediasrv.providers.base import Speech, Tts


def spoken(tts: Tts, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
    """Speak phrases as they come; raise ``ProviderError``. Cancelling, or closing this, stops the provider."""
    own = tts.format_for(wanted)
    speech = tts.speak(phrases, wanted)
    return speech if own == wanted else _transcoded(speech, own, wanted)


async def _transcoded(speech: AsyncGenerator[Speech], own: AudioFormat, wanted: AudioFormat) -> AsyncGenerator[Speech]:
    transcoder = Transcoder(own, wanted)
    async with aclosing(speech):
        async for piece in speech:
            yield Speech(transcoder.push(piece.audio), piece.text)
    if tail := transcoder.flush():
        yield Speech(tail)


async def once(phrase: str) -> AsyncGenerator[str]:
    """The phrase."""
    yield phrase
