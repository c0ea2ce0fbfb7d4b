"""Recognisers that do not conform, likewise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.providers.base import Recognition, Stt, Transcript
from tests.providers.conformance.trying import failed


class Ear(Stt):
    """Hears a word, at once; ``texts`` and the like are what it may do wrong."""

    name = "ear"
    formats = (MULAW_8K,)

    def __init__(self, options: str) -> None:
        super().__init__(options)
        self.flaw = options
        self.asked: list[int] = []

    def listen(self, audio: AudioFormat) -> Recognition:
        return _Hearing(self)


class _Hearing(Recognition):
    def __init__(self, ear: Ear) -> None:
        self._flaw = ear.flaw
        self._requests = ear.asked if ear.flaw == "shared" else []
        self._news = asyncio.Event()

    def send(self, payload: bytes) -> None:
        self._news.set()

    def finalize(self, request: int) -> None:
        self._requests.append(request)

    def commit(self) -> None:
        if self._flaw != "stale":
            self._requests.clear()

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        try:
            while self._flaw != "ends":
                await self._news.wait()
                self._news.clear()
                while self._requests:
                    text = "" if self._flaw == "empty" else "Hello."
                    yield Transcript(text, is_final=self._flaw != "interim", request=self._requests.pop(0))
        finally:
            if self._flaw == "lingers":
                await asyncio.sleep(0.4)


@pytest.mark.parametrize(
    ("flaw", "amiss"),
    [
        ("", {}),
        ("empty", {"streams": "hears no words"}),
        ("interim", {"streams": "answers with a transcript that is not final"}),
        ("ends", {"streams": "ends without a final"}),
        ("stale", {"keeps utterances apart": "answers a request of an utterance that is over"}),
        ("lingers", {"stops": "takes 400 ms to stop, 250 at most"}),
    ],
)
def test_a_recogniser_that_does_not_conform_is_found(flaw: str, amiss: dict[str, str]) -> None:
    assert failed(Ear(flaw)) == amiss


def test_a_recogniser_that_mixes_calls_is_found() -> None:
    class Mixed(Ear):
        def listen(self, audio: AudioFormat) -> Recognition:
            hearing = _Hearing(self)
            hearing.commit = lambda: None  # type: ignore[method-assign]
            return hearing

    assert failed(Mixed("shared"))["stops"] == "answers requests of another call"
