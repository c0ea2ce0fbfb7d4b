from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Usage
from mediasrv.providers.meter import Use, set_meter
from mediasrv.providers.modelvoice import ModelVoice, RecordedVoice
from mediasrv.providers.realtime import DialogueEvent, Expiring, Realtime, ReplyDone, SpeechPiece
from mediasrv.providers.spoken import once

PIECES = [SpeechPiece(1, "i", b"one", "Good"), SpeechPiece(1, "i", b"two", " day.")]
COST = Usage(5, 7)


class Model(Realtime):
    """Each of its sessions goes by script."""

    name = "model"
    formats = (MULAW_8K,)

    def __init__(self, *events: DialogueEvent) -> None:
        super().__init__(None)
        self.told: list[tuple[int, str]] = []
        self.closed = 0
        self._events = events

    def converse(self, *_: Any, **__: Any) -> Any:
        return self

    def say(self, reply: int, text: str) -> None:
        self.told.append((reply, text))

    async def events(self) -> AsyncGenerator[DialogueEvent]:
        try:
            for event in self._events:
                yield event
        finally:
            self.closed += 1


async def spoken(model: Model, text: str = "Good day") -> list[Speech]:
    return [piece async for piece in ModelVoice(model).speak(once(text), MULAW_8K)]


async def test_a_phrase_is_said_in_a_session_of_its_own_and_paid_for() -> None:
    bill: list[tuple[str, Use, float]] = []
    model = Model(Expiring(), *PIECES, ReplyDone(1, None, COST))
    set_meter(lambda *entry: bill.append(entry))
    assert await spoken(model) == [Speech(b"one", "Good"), Speech(b"two", " day.")]
    assert model.told == [(1, "Good day")]
    assert model.closed == 1
    assert bill == [("model", Use.PROMPT_TOKENS, 5), ("model", Use.COMPLETION_TOKENS, 7)]


async def test_a_model_that_says_anything_else_is_no_voice() -> None:
    with pytest.raises(ProviderError, match="does not say"):
        await spoken(Model(*PIECES, ReplyDone(1)), "Good night.")


async def test_what_the_model_fails_with_is_raised() -> None:
    failure = ProviderError("no", stage="realtime", provider="model", retryable=True)
    model = Model(ReplyDone(1, failure))
    with pytest.raises(ProviderError, match="no"):
        await spoken(model)
    assert model.closed == 1


async def test_a_session_that_ends_too_soon_is_a_failure() -> None:
    with pytest.raises(ProviderError, match="ended"):
        await spoken(Model(*PIECES))


async def test_it_speaks_a_format_of_the_models() -> None:
    voice = ModelVoice(Model())
    assert voice.format_for(MULAW_8K) == MULAW_8K
    assert voice.format_for(L16_8K) == MULAW_8K


async def test_recordings_say_nothing_else() -> None:
    voice = RecordedVoice(None)
    assert voice.format_for(L16_8K) == L16_8K
    with pytest.raises(ProviderError, match="were not made"):
        await anext(voice.speak(once("Good day."), L16_8K))
