"""A server of ``POST /v1/audio/transcriptions``, such as speaches.

Faults besides those of every stand-in: ``late`` (the answer comes ``delay_s`` later), ``error`` (an error object of
code ``reason`` with ``status``), ``oversize`` (an answer of two megabytes).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable, Sequence
from typing import ClassVar

from aiohttp import web

from native_bench.standins.base import Fault, Refused, Standin
from native_bench.standins.dictation import Dictation

KEY = "oa-key"
_FIELDS = {"file", "model", "language", "prompt", "temperature", "response_format"}


class TranscriptionsStandin(Standin):
    """A model that writes down files."""

    name: ClassVar[str] = "transcriptions"

    def __init__(self, *, faults: Sequence[Fault] = (), port: int = 0, final_ms: float = 0, key: str = KEY) -> None:
        """``final_ms``: from a file to its text; without a ``key`` everybody may ask."""
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.key = key
        self.forms: list[dict[str, str]] = []
        """What was asked, but for the files."""
        self.given_up = 0
        """Requests whose client went away before the answer."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/v1/audio/transcriptions", self._transcribe)]

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        fault = self.next_fault()
        response = await self.befall(request, fault)
        if response is not None:
            return response
        self.live += 1
        try:
            transcript = await self._read(request)
            if fault.kind == "hang":
                await self.until_over()
            await asyncio.sleep(self.final_ms / 1000 + (fault.delay_s if fault.kind == "late" else 0.0))
        except Refused as refused:
            return self.refusal(refused)
        finally:
            self.live -= 1
        if request.transport is None or request.transport.is_closing():
            self.given_up += 1
        match fault.kind:
            case "error":
                return web.json_response({"error": {"message": "broken", "code": fault.reason}}, status=fault.status)
            case "garbage":
                return web.Response(text="\x00 no JSON {")
            case "oversize":
                return web.json_response({"text": "x" * 2_000_000})
        return web.json_response({"text": transcript})

    async def _read(self, request: web.Request) -> str:
        allowed = not self.key or request.headers.get("Authorization") == f"Bearer {self.key}"
        self.require(allowed, 401, "invalid_api_key")
        form = await request.post()
        file = form.get("file")
        self.require(isinstance(file, web.FileField), 400, "a file is needed")
        assert isinstance(file, web.FileField)
        self.require(file.filename.endswith(".wav"), 400, "the file's name tells no format")
        self.require(set(form) <= _FIELDS, 400, "unknown fields")
        self.require(bool(form.get("model")), 400, "a model is needed")
        self.require(form.get("response_format", "json") == "json", 400, "response_format")
        self.forms.append({key: str(value) for key, value in form.items() if key != "file"})
        return self._hear(file.file.read())

    def _hear(self, wav: bytes) -> str:
        riff, size, kind, chunk, length = struct.unpack_from("<4sI4s4sI", wav)
        coding, channels, rate_hz, _, _, bits, data, data_size = struct.unpack_from("<HHIIHH4sI", wav, 20)
        self.require((riff, kind, chunk, data) == (b"RIFF", b"WAVE", b"fmt ", b"data"), 400, "no WAV file")
        is_whole = size == len(wav) - 8 and data_size == len(wav) - 44 and length == 16
        self.require(is_whole and (coding, channels, bits) == (1, 1, 16), 400, "a broken WAV file")
        dictation = Dictation(2 * rate_hz // 1000)
        dictation.hear(wav[44:])
        return " ".join(word.text for word in dictation.words)
