from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Coroutine
from contextvars import Context, copy_context
from typing import Any

import pytest

from mediasrv.call.draft import Draft, Gate
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from tests.virtual import run_virtually

FAILURE = ProviderError("is down", stage="llm", provider="test", retryable=False)


class Reply:
    """A reply in three pieces, which notes how far it was made."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.gate = Gate()
        self.made: list[str] = []
        self.trace = TurnTrace(1)
        self._failure = failure

    async def speech(self) -> AsyncGenerator[Speech]:
        try:
            for text, audio in (("One", b""), ("", b"1"), ("Two", b"2")):
                await asyncio.sleep(0.1)
                if self._failure is not None and audio:
                    raise self._failure
                self.made.append(text or audio.decode())
                yield Speech(audio, text)
        finally:
            self.made.append("closed")

    def draft(self) -> Draft:
        def spawn(work: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None]:
            return asyncio.create_task(work, context=context)

        return Draft(self.speech(), self.gate, self.trace, copy_context(), spawn)


def test_a_draft_is_made_up_to_its_first_audio_and_no_further() -> None:
    async def act() -> Reply:
        reply = Reply()
        draft = reply.draft()
        await asyncio.sleep(5)
        assert reply.made == ["One", "1"]
        assert reply.trace.points_s["first_audio"] == pytest.approx(0.2)
        assert draft.took_ms == pytest.approx(200)
        assert not reply.gate.is_open
        draft.drop()
        await asyncio.sleep(1)
        return reply

    assert run_virtually(act()).made[-1] == "closed"


def test_a_draft_that_is_wanted_goes_on_from_where_it_is() -> None:
    async def act() -> tuple[list[bytes], float]:
        reply = Reply()
        draft = reply.draft()
        await asyncio.sleep(5)
        begun = asyncio.get_running_loop().time()
        heard = [piece.audio async for piece in draft.speech()]
        draft.drop()
        assert reply.gate.is_open
        assert reply.made == ["One", "1", "Two", "closed"]
        return heard, asyncio.get_running_loop().time() - begun

    heard, took_s = run_virtually(act())
    assert heard == [b"", b"1", b"2"]
    assert took_s == pytest.approx(0.1)


def test_a_draft_may_be_wanted_before_it_is_made() -> None:
    async def act() -> list[bytes]:
        return [piece.audio async for piece in Reply().draft().speech()]

    assert run_virtually(act()) == [b"", b"1", b"2"]


def test_a_failure_is_told_to_who_wants_the_reply() -> None:
    async def act() -> None:
        draft = Reply(FAILURE).draft()
        await asyncio.sleep(5)
        speech = draft.speech()
        assert (await anext(speech)).text == "One"
        with pytest.raises(ProviderError, match="is down"):
            await anext(speech)
        assert draft.took_ms is None

    run_virtually(act())


def test_a_failure_of_what_nobody_wants_is_nobodys_business() -> None:
    async def act() -> None:
        draft = Reply(FAILURE).draft()
        await asyncio.sleep(5)
        draft.drop()
        await asyncio.sleep(1)

    run_virtually(act())


def test_who_stops_reading_stops_the_making() -> None:
    async def act() -> list[str]:
        reply = Reply()
        reading = asyncio.create_task(anext(reply.draft().speech()))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.wait([reading])
        await asyncio.sleep(1)
        return reply.made

    assert run_virtually(act()) == ["closed"]


def test_the_gate_lets_pass_who_waits_and_who_comes_later() -> None:
    async def act() -> None:
        gate = Gate()
        waiting = asyncio.create_task(gate.passed())
        await asyncio.sleep(1)
        assert not waiting.done()
        gate.open()
        await waiting
        await gate.passed()

    run_virtually(act())


def test_a_draft_that_was_dropped_is_held_by_nobody() -> None:
    async def act() -> weakref.ref[Draft]:
        draft = Reply().draft()
        await asyncio.sleep(0.05)
        draft.drop()
        await asyncio.sleep(1)
        return weakref.ref(draft)

    gc.disable()
    try:
        assert run_virtually(act())() is None
    finally:
        gc.enable()
