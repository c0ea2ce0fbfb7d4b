"""Language models and voices that do not fail as long as one of several does not.

Each stands for a crew and is a provider like any other, so that whoever uses it knows nothing of the crew.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, Speech, ToolSpec, Tts, Usage
from mediasrv.providers.crew import Crew, Member
from mediasrv.providers.meter import count_usage, metered_phrases
from mediasrv.providers.spoken import spoken
from mediasrv.providers.tape import Tape

# A reply whose voice breaks off more often than this is not worth hearing.
MAX_VOICES = 3


class FallbackLlm(Llm):
    """Asks the crew; tools are called by whoever reads the reply, so no answer but the winner's ever calls one."""

    name = "fallback"

    def __init__(self, crew: Crew[Llm]) -> None:
        super().__init__(None)
        self.crew = crew
        self.runs_ahead = all(member.provider.runs_ahead for member in crew.members)
        self._broken: list[Member[Llm]] = []

    async def start(self) -> None:
        await self.crew.start()

    async def aclose(self) -> None:
        await self.crew.aclose()

    async def prepare(self) -> None:
        await self.crew.each(lambda llm: llm.prepare())

    async def warm(self, messages: Sequence[Message]) -> None:
        await self.crew.each(lambda llm: llm.warm(messages))

    def for_call(self) -> Llm:
        """The same crew; whoever broke off in this call is asked last in it from then on."""
        return FallbackLlm(self.crew)

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        """Stream the first answer; one that breaks off in the middle is a ``ProviderError``: its words were heard."""
        # The conversation may go on while a slow answer is waited for; each attempt must see the same of it.
        shown = tuple(messages)
        return self.crew.ask(lambda llm: llm.reply(shown, tools), note=_meter_usage, broken=self._broken)


def _meter_usage(llm: Llm, delta: Delta) -> None:
    if isinstance(delta, Usage):
        count_usage(llm.name, delta)


class FallbackTts(Tts):
    """Asks the crew; a voice that breaks off is replaced by the next, from the phrase that was not spoken whole."""

    name = "fallback"

    def __init__(self, crew: Crew[Tts]) -> None:
        super().__init__(None)
        self.crew = crew

    async def start(self) -> None:
        await self.crew.start()

    async def aclose(self) -> None:
        await self.crew.aclose()

    async def prepare(self) -> None:
        await self.crew.each(lambda tts: tts.prepare())

    @property
    def joins(self) -> bool:
        """Whether all of the crew do: nobody knows who is going to speak."""
        return all(member.provider.joins for member in self.crew.members)

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        """The format that is wanted: each voice of the crew may have its own."""
        return wanted

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak with whoever answers first; what the phrases raise is raised when those before it are spoken.

        No voice is waited for, or blamed for its silence, while it waits for a phrase itself.
        """
        tape = Tape(phrases if isinstance(phrases, AsyncGenerator) else _generator(phrases))
        heard = _Progress()
        broken: list[Member[Tts]] = []
        try:
            voices_left = MAX_VOICES if await tape.begins() else 0
            while voices_left:
                voices_left -= 1
                has_spoken = False
                try:
                    async with aclosing(self._speak_from(tape, heard.whole_phrases(tape), wanted, broken)) as speech:
                        async for piece in speech:
                            has_spoken = True
                            heard.note(piece)
                            yield piece
                    break
                except ProviderError:
                    # Where nobody began to speak, all were asked, and the caller has waited long enough.
                    if not (voices_left and has_spoken):
                        raise
            if tape.error is not None:
                raise tape.error
        finally:
            await tape.aclose()

    def _speak_from(
        self, tape: Tape[str], phrase: int, wanted: AudioFormat, broken: list[Member[Tts]]
    ) -> AsyncGenerator[Speech]:
        return self.crew.ask(
            lambda tts: spoken(tts, metered_phrases(tts.name, tape.read(phrase)), wanted),
            excuse=lambda: tape.is_pulling,
            broken=broken,
        )


class _Progress:
    """Which phrases were spoken, by their words: voices may give them word by word."""

    def __init__(self) -> None:
        self._words = 0

    def note(self, piece: Speech) -> None:
        self._words += len(piece.text.split())

    def whole_phrases(self, tape: Tape[str]) -> int:
        """How many phrases were spoken to their end, as far as is known: the last that was begun is not counted."""
        begun = words = 0
        for phrase in tape.recorded:
            if words >= self._words:
                break
            words += len(phrase.split())
            begun += 1
        self._words = words - len(tape.recorded[begun - 1].split()) if begun else 0
        return max(0, begun - 1)


async def _generator(phrases: AsyncIterable[str]) -> AsyncGenerator[str]:
    async for phrase in phrases:
        yield phrase
