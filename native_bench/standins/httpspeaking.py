"""What stand-ins of voices behind a POST share; their audio is that of ``speaking``."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from aiohttp import web

from mediasrv.audio.format import AudioFormat
from native_bench.standins.base import Fault, Refused, Standin, tear
from native_bench.standins.speaking import voiced


class HttpVoiceStandin(Standin):
    """A voice behind a POST.

    Faults: ``cut`` (the connection is torn behind ``after`` chunks), ``mute`` (no more comes behind ``after`` chunks).
    """

    path: ClassVar[str]

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        first_ms: float = 0,
        chunk_ms: int = 100,
        gap_ms: float = 0,
    ) -> None:
        """``first_ms``: from a request to its audio; ``gap_ms``: between chunks."""
        super().__init__(faults=faults, port=port)
        self._first_s, self._gap_s, self._chunk_ms = first_ms / 1000, gap_ms / 1000, chunk_ms
        self.transcripts: list[str] = []
        """What was to be spoken."""
        self.given_up = 0
        """Answers whose client went away before their end."""

    @abstractmethod
    def admit(self, request: web.Request, body: Mapping[str, Any]) -> tuple[str, AudioFormat]:
        """Look at a request; raise ``Refused`` for what does not fit. The text, and the format that is wanted."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post(self.path, self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.next_fault()
        response = await self.befall(request, fault)
        if response is not None:
            return response
        try:
            text, audio = self.admit(request, await request.json())
        except Refused as refused:
            return self.refusal(refused)
        self.transcripts.append(text)
        answer = web.StreamResponse(headers={"Content-Type": "audio/basic"})
        await answer.prepare(request)
        self.live += 1
        try:
            await self._speak(request, answer, voiced(text, audio), audio.bytes_in(self._chunk_ms), fault)
        except ConnectionError:
            self.given_up += 1
        finally:
            self.live -= 1
        return answer

    async def _speak(
        self, request: web.Request, answer: web.StreamResponse, data: bytes, step: int, fault: Fault
    ) -> None:
        await asyncio.sleep(self._first_s)
        for count, at in enumerate(range(0, len(data), step)):
            if fault.kind and count >= fault.after:
                if fault.kind == "mute":
                    await self.until_over()
                tear(request)
                return
            # Cut within a sample, as chunks of HTTP may be.
            await answer.write(data[at : at + 1])
            await asyncio.sleep(0.001)
            await answer.write(data[at + 1 : at + step])
            await asyncio.sleep(self._gap_s)
