"""Talkers that do not conform, likewise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Message, ToolSpec
from mediasrv.providers.realtime import Dialogue, DialogueEvent, Realtime, ReplyDone, SpeechPiece
from tests.providers.conformance.trying import failed


class Talker(Realtime):
    """Says two words to everything."""

    name = "talker"
    formats = (MULAW_8K,)

    def converse(
        self, audio: AudioFormat, instructions: str, tools: Sequence[ToolSpec] = (), history: Sequence[Message] = ()
    ) -> Dialogue:
        return _Talk(self.options)


class _Talk(Dialogue):
    def __init__(self, flaw: str) -> None:
        self._flaw = flaw
        self._events: list[DialogueEvent] = []
        self._news = asyncio.Event()

    def send(self, payload: bytes) -> None: ...
    def drop(self) -> None: ...
    def answer_tool(self, call_id: str, result: str) -> None: ...
    def go_on(self, reply: int) -> None: ...
    def cut(self, item: str, heard_ms: int) -> None: ...

    def answer(self, reply: int) -> None:
        audio = b"" if self._flaw == "mute" else b"\x00" * 80
        failure = ProviderError("ran dry", stage="realtime", provider="talker", retryable=True)
        self._events += [SpeechPiece(reply, "item", audio, word) for word in ("Good", "morning.")]
        self._events.append(ReplyDone(reply, failure if self._flaw == "fails" else None))
        self._news.set()

    def say(self, reply: int, text: str) -> None:
        self.answer(reply)

    def cancel(self, reply: int) -> None:
        if self._flaw != "tail":
            self._events.clear()

    async def events(self) -> AsyncGenerator[DialogueEvent]:
        try:
            while self._flaw != "ends":
                await self._news.wait()
                self._news.clear()
                while self._events:
                    yield self._events.pop(0)
        finally:
            if self._flaw == "lingers":
                await asyncio.sleep(0.4)


@pytest.mark.parametrize(
    ("flaw", "amiss"),
    [
        ("", {}),
        ("mute", {"streams": "says nothing"}),
        ("fails", {"streams": "ran dry"}),
        ("ends", {"streams": "says nothing"}),
        ("tail", {"stops": "goes on with a reply that was stopped"}),
        ("lingers", {"stops": "takes 400 ms to stop, 250 at most"}),
    ],
)
def test_a_talker_that_does_not_conform_is_found(flaw: str, amiss: dict[str, str]) -> None:
    assert failed(Talker(flaw)) == amiss
