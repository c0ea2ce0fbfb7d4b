"""Providers that fail by script, at the worst moments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.call.options import FallbackOptions
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, Recognition, Speech, Stt, ToolSpec, Transcript, Tts, TurnHint
from mediasrv.providers.crew import Crew
from mediasrv.providers.fallback import FallbackLlm, FallbackTts
from mediasrv.providers.fallback_stt import FallbackStt
from mediasrv.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts

NEVER_S = 10_000.0

# Each with how many items come before.
LLM_FAULTS = {"fails": 0, "hangs": 0, "breaks in a phrase": 1, "stalls in a phrase": 1, "breaks": 6, "stalls": 6}
TTS_FAULTS = {"fails": 0, "hangs": 0, "breaks": 2, "stalls": 2}
STT_FAULTS = ("fails", "hangs", "ends", "breaks at the final", "breaks after an interim")

REPLY = "This is the first sentence. And this is the second of them."


async def _suffer(fault: str, stage: str) -> None:
    if fault.startswith(("hangs", "stalls")):
        await asyncio.sleep(NEVER_S)
    raise ProviderError("HTTP 500", stage=stage, provider="troubled", retryable=True)


class TroubledLlm(Llm):
    """A scripted one, whose replies all have the same fault."""

    name = "troubled"

    def __init__(self, fault: str, text: str = REPLY, left: int | None = None) -> None:
        super().__init__(None)
        self._fault = fault
        self._left = LLM_FAULTS[fault] if left is None else left
        self._inner = ScriptedLlm(ScriptedLlm.Options(replies=(text,)))

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        left = self._left
        async with aclosing(self._inner.reply(messages, tools)) as deltas:
            async for delta in deltas:
                if not left:
                    await _suffer(self._fault, "llm")
                left -= 1
                yield delta


class TroubledTts(Tts):
    """Likewise."""

    name = "troubled"

    def __init__(self, fault: str, left: int | None = None) -> None:
        super().__init__(None)
        self._fault = fault
        self._left = TTS_FAULTS[fault] if left is None else left
        self._inner = ScriptedTts(ScriptedTts.Options())

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        left = self._left
        async with aclosing(self._inner.speak(phrases, wanted)) as speech:
            async for piece in speech:
                if not left:
                    await _suffer(self._fault, "tts")
                left -= 1
                yield piece


class TroubledStt(Stt):
    """Likewise; some faults come with the first words."""

    name = "troubled"
    formats = (MULAW_8K,)

    def __init__(self, fault: str) -> None:
        super().__init__(None)
        self._fault = fault

    def listen(self, audio: AudioFormat) -> Recognition:
        return _Troubled(self._fault)


class _Troubled(Recognition):
    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._moves: asyncio.Queue[str] = asyncio.Queue()

    def send(self, payload: bytes) -> None: ...

    def begin(self) -> None:
        self._moves.put_nowait("begin")

    def finalize(self, request: int) -> None:
        self._moves.put_nowait("finalize")

    def commit(self) -> None: ...

    async def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        match self._fault:
            case "breaks at the final":
                while await self._moves.get() != "finalize":
                    pass
            case "breaks after an interim":
                await self._moves.get()
                yield Transcript("Hel")
            case "ends":
                await self._moves.get()
                return
        await _suffer(self._fault, "stt")


def crew(stage: str, *providers: Any, options: FallbackOptions | None = None) -> Any:
    """What the agency would make of these providers."""
    made: dict[str, Any] = {"stt": FallbackStt, "llm": FallbackLlm, "tts": FallbackTts}
    return made[stage](Crew(stage, providers, (options or FallbackOptions()).patience(stage)))


def troubled(stage: str, fault: str) -> Any:
    """A provider with a fault."""
    made: dict[str, Any] = {"stt": TroubledStt, "llm": TroubledLlm, "tts": TroubledTts}
    return made[stage](fault)


def sound(stage: str) -> Any:
    """A provider without any."""
    made: dict[str, Any] = {
        "stt": ScriptedStt(ScriptedStt.Options(texts=("Hello.",))),
        "llm": ScriptedLlm(ScriptedLlm.Options(replies=(REPLY,))),
        "tts": ScriptedTts(ScriptedTts.Options()),
    }
    return made[stage]


def everything() -> list[tuple[str, str]]:
    """All stages with all their faults."""
    faults: dict[str, Iterable[str]] = {"stt": STT_FAULTS, "llm": LLM_FAULTS, "tts": TTS_FAULTS}
    return [(stage, fault) for stage, those in faults.items() for fault in those]
