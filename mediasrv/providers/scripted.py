"""Providers that answer by script, with set delays: for tests on virtual time and for benchmarks.

What they answer depends on their options and on the one call alone, so calls do not disturb each other and a run
repeats. A delay of zero takes no turn of the clock: the answer is there at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, samples_in
from mediasrv.errors import ConfigError
from mediasrv.providers.base import (
    Delta,
    Llm,
    Message,
    Pause,
    Recognition,
    Speech,
    Stt,
    TextDelta,
    ToolCall,
    ToolSpec,
    Transcript,
    Tts,
    TurnDetector,
    Usage,
)

TOOL_PREFIX = "tool:"
"""A reply that begins so is a call: ``tool:name {"argument": 1}``."""
PIECE_MS = 100
"""Audio in a ``Speech``."""
TONE_PEAK = 9000
"""Of 32767: as loud as speech."""
EDGE_MS = 5
"""A tone that begins or ends at once clicks."""


async def _pass(delay_ms: float) -> None:
    if delay_ms > 0:
        await asyncio.sleep(delay_ms / 1000)


class ScriptedStt(Stt):
    """Hears its texts in turn, one an utterance, whatever was said."""

    name = "scripted"
    formats = (MULAW_8K, L16_16K, L16_8K)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "scripted"``."""

        texts: tuple[str, ...] = ("Hello.",)
        """What the caller says, again from the first after the last."""
        final_ms: int = 100
        """From the request to its final."""
        interim_ms: int = 0
        """Between interims, each of a word more; 0 gives none."""

    def listen(self, audio: AudioFormat) -> Recognition:
        return _ScriptedRecognition(self.options)


class _ScriptedRecognition(Recognition):
    def __init__(self, options: ScriptedStt.Options) -> None:
        self._options = options
        self._utterance = 0
        self._is_open = False
        self._answers: asyncio.Queue[tuple[int, Transcript]] = asyncio.Queue()
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def _text(self) -> str:
        texts = self._options.texts
        return texts[self._utterance % len(texts)] if texts else ""

    def send(self, payload: bytes) -> None:
        """Nothing is made of the audio."""

    def begin(self) -> None:
        if not self._is_open:
            self._is_open = True
            self._hear_words(1)

    def finalize(self, request: int) -> None:
        self._answer(self._options.final_ms, Transcript(self._text, is_final=True, request=request))

    def commit(self) -> None:
        self._utterance += 1
        self._is_open = False
        self._stop_timers()

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        try:
            while True:
                utterance, transcript = await self._answers.get()
                if utterance == self._utterance:
                    yield transcript
        finally:
            self._stop_timers()

    def _hear_words(self, count: int) -> None:
        """Give an interim of so many words after the interval, and then of one more."""
        words = self._text.split()
        if self._options.interim_ms > 0 and count <= len(words):
            self._answer(self._options.interim_ms, Transcript(" ".join(words[:count])), count)

    def _answer(self, delay_ms: int, transcript: Transcript, words: int = 0) -> None:
        utterance = self._utterance

        def give() -> None:
            self._answers.put_nowait((utterance, transcript))
            if words:
                self._hear_words(words + 1)

        if delay_ms <= 0:
            give()
            return
        self._timers.append(asyncio.get_running_loop().call_later(delay_ms / 1000, give))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class ScriptedLlm(Llm):
    """Says its replies in turn: the first to a caller's first message or a tool's first result, and so on."""

    name = "scripted"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "scripted"``."""

        replies: tuple[str, ...] = ("I see. Tell me more.",)
        """Again from the first after the last; ``tool:name {}`` calls a tool instead of speaking."""
        echo: bool = False
        """Say the caller's last words instead."""
        first_token_ms: int = 200
        """To the first token."""
        token_ms: int = 15
        """To each further token, which is a word."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        answered = [message for message in messages if message.role in ("user", "tool")]
        text = self._text(answered)
        await _pass(self.options.first_token_ms)
        tokens = re.findall(r"\S+\s*", text)
        if text.startswith(TOOL_PREFIX):
            name, _, arguments = text.removeprefix(TOOL_PREFIX).partition(" ")
            yield ToolCall(f"call-{len(answered)}", name, arguments or "{}")
        else:
            for index, token in enumerate(tokens):
                if index:
                    await _pass(self.options.token_ms)
                yield TextDelta(token)
        yield Usage(sum(len(message.text.split()) for message in messages), len(tokens))

    def _text(self, answered: Sequence[Message]) -> str:
        if self.options.echo:
            return answered[-1].text if answered else ""
        replies: tuple[str, ...] = self.options.replies
        return replies[max(0, len(answered) - 1) % len(replies)] if replies else ""


class ScriptedTts(Tts):
    """Speaks in a steady tone with soft edges, as long as the text would take to say."""

    name = "scripted"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "scripted"``."""

        first_audio_ms: int = 80
        """From a phrase to its first audio."""
        ms_per_char: int = 60
        """Duration of the speech."""
        real_time_factor: float = 0.0
        """Time to make further audio, relative to its duration; 0 makes it at once, over 1 starves the caller."""
        tone_hz: int = 440
        """What it sounds like."""

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            audio = tone(len(phrase) * self.options.ms_per_char, self.options.tone_hz, wanted)
            await _pass(self.options.first_audio_ms)
            step = wanted.bytes_in(PIECE_MS)
            yield Speech(audio[:step], phrase)
            for at in range(step, len(audio), step):
                await _pass(self.options.real_time_factor * PIECE_MS)
                yield Speech(audio[at : at + step])


class ScriptedDetector(TurnDetector):
    """Rates texts as it was told to."""

    name = "scripted"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "scripted"``."""

        probability: float = 1.0
        """That the caller has finished, when what he said is not among ``texts``."""
        texts: Mapping[str, Any] = field(default_factory=dict)
        """The same by what he said."""
        delay_ms: int = 0
        """From the question to its answer."""

        def __post_init__(self) -> None:
            for value in (self.probability, *self.texts.values()):
                if not (isinstance(value, int | float) and 0 <= value <= 1):
                    raise ConfigError(f"{value!r} is no probability: it lies between 0 and 1")

    async def judge(self, pause: Pause) -> float:
        await _pass(self.options.delay_ms)
        return float(self.options.texts.get(pause.text, self.options.probability))


@lru_cache(maxsize=128)
def tone(duration_ms: int, tone_hz: int, audio: AudioFormat) -> bytes:
    """A sine with soft edges in a stream's format."""
    count = samples_in(duration_ms, audio.rate_hz)
    edge = min(samples_in(EDGE_MS, audio.rate_hz), count // 2)
    level = np.full(count, float(TONE_PEAK))
    if edge:
        rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
        level[:edge] *= rise
        level[count - edge :] *= rise[::-1]
    wave = np.sin(2 * np.pi * tone_hz / audio.rate_hz * np.arange(count))
    return codec.encode(audio.encoding, np.round(level * wave).astype(np.int16))
