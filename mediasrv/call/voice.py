"""The bot's voice: a text-to-speech provider in any stream's format, with its common phrases made ahead of time.

Set phrases are said as a person would say them, like replies, but told as they were given: the transcript, and the
model's history, keep the text of whoever wrote it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.transcode import Transcoder
from mediasrv.call.studio import LookedUp, Narrator, Studio, nobody_counts
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.spoken import once, spoken
from mediasrv.turn.phrases import as_spoken
from mediasrv.turn.retelling import Retelling


class Voice:
    """One agent's voice, shared by its calls."""

    def __init__(self, tts: Tts, studio: Studio | None = None, looked_up: LookedUp = nobody_counts) -> None:
        """``studio`` is where phrases are rendered; without one, by the voice itself.

        ``looked_up`` is told of each set phrase that is to be said whether it was rendered.
        """
        self._tts = tts
        self._studio = studio or Studio([Narrator(tts, {})])
        self._looked_up = looked_up
        self._rendered: dict[str, dict[AudioFormat, Sequence[Speech]]] = {}

    @property
    def joins(self) -> bool:
        """Whether it speaks the phrases of a reply in one breath, see ``Tts.joins``."""
        return self._tts.joins

    async def prepare(self) -> None:
        """A call is about to come."""
        await self._tts.prepare()

    async def render(self, text: str, wanted: AudioFormat) -> None:
        """Make the audio of a text now, so that ``say`` has it at once; raise ``ProviderError`` when it cannot."""
        if text and wanted not in self._rendered.get(text, {}):
            said = as_spoken(text)
            recording = await self._studio.record(said, wanted) if said else []
            retelling = Retelling(text, said)
            told = [Speech(piece.audio, retelling.tell(piece.text)) for piece in recording]
            self._rendered.setdefault(text, {})[wanted] = told

    def rendered(self, text: str, wanted: AudioFormat) -> Sequence[Speech]:
        """The audio of a text that was rendered, if need be for another format; empty when it was not."""
        formats = self._rendered.get(text)
        if formats is None:
            return ()
        if wanted not in formats:
            source, pieces = next(iter(formats.items()))
            formats[wanted] = _transcoded(pieces, source, wanted)
        return formats[wanted]

    async def say(self, text: str, wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Say a text as one phrase, from what was rendered where it was; raise ``ProviderError``.

        What was rendered for another format is second to what the provider makes for this one, as long as it can.
        """
        is_ready = wanted in self._rendered.get(text, {})
        self._looked_up(is_ready)
        if is_ready:
            for piece in self.rendered(text, wanted):
                yield piece
            return
        said = as_spoken(text)
        if not said:
            return
        has_begun = False
        retelling = Retelling(text, said)
        try:
            async with aclosing(self.speak(once(said), wanted)) as speech:
                async for piece in speech:
                    has_begun = True
                    yield Speech(piece.audio, retelling.tell(piece.text))
        except ProviderError:
            if has_begun or text not in self._rendered:
                raise
            for piece in self.rendered(text, wanted):
                yield piece

    def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak phrases as they come; the audio is in the wanted format. Cancelling stops the provider."""
        return spoken(self._tts, phrases, wanted)


def _transcoded(pieces: Sequence[Speech], source: AudioFormat, wanted: AudioFormat) -> Sequence[Speech]:
    transcoder = Transcoder(source, wanted)
    made = [Speech(transcoder.push(piece.audio), piece.text) for piece in pieces]
    return [*made, Speech(transcoder.flush())]
