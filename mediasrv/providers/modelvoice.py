"""The voice of a model that hears and speaks by itself, as a text-to-speech: its set phrases are recorded with it.

So a caller who waits for a model that has no other voice beside it hears a filler, and an apology when it is gone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.meter import count_usage
from mediasrv.providers.realtime import Realtime, ReplyDone, SpeechPiece

STAGE = "realtime"


class ModelVoice(Tts):
    """Says each phrase in a session of its own, in which nothing was said before."""

    name = "model voice"

    def __init__(self, realtime: Realtime) -> None:
        super().__init__(None)
        self._realtime = realtime

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted if wanted in self._realtime.formats else self._realtime.formats[0]

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak; raise ``ProviderError`` as well when the model says anything else."""
        async for phrase in phrases:
            said = ""
            async with aclosing(self._say(phrase, self.format_for(wanted))) as pieces:
                async for piece in pieces:
                    said += piece.text
                    yield Speech(piece.audio, piece.text)
            if _bare(said) != _bare(phrase):
                raise self._failure("does not say what it is told to")

    async def _say(self, phrase: str, audio: AudioFormat) -> AsyncGenerator[SpeechPiece]:
        dialogue = self._realtime.converse(audio, "")
        dialogue.say(1, phrase)
        async with aclosing(dialogue.events()) as events:
            async for event in events:
                if isinstance(event, SpeechPiece):
                    yield event
                elif isinstance(event, ReplyDone):
                    if event.usage is not None:
                        count_usage(self._realtime.name, event.usage)
                    if event.failure is not None:
                        raise event.failure
                    return
        raise self._failure("ended its session")

    def _failure(self, what: str) -> ProviderError:
        return ProviderError(what, stage=STAGE, provider=self._realtime.name, retryable=True)


class RecordedVoice(Tts):
    """Says nothing that was not recorded: who would have to say it may be the one who has failed."""

    name = "recordings"

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        raise ProviderError("were not made", stage="tts", provider=self.name, retryable=False)
        yield


def _bare(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
