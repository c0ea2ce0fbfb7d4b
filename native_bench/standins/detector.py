"""A turn detector behind HTTP, as people host one themselves.

It rates texts as it was told to, and reads the audio as a model would. Faults besides those of every stand-in: ``late``
(the answer comes ``delay_s`` later), ``error`` (JSON with ``status``), ``oversize`` (an answer of two megabytes).
"""

from __future__ import annotations

import asyncio
import io
import wave
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Refused, Standin

KEY = "detector-key"
RATE_HZ, LONGEST_S = 16_000, 8
_KEYS = {"text", "audio", "history"}


class DetectorStandin(Standin):
    """Says how probable it is that the caller has finished."""

    name: ClassVar[str] = "detector"

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        answer_ms: float = 0,
        probability: float = 0.9,
        texts: Mapping[str, float] | None = None,
        key: str = KEY,
    ) -> None:
        """``probability`` is that of texts that are not among ``texts``; without a ``key`` everybody may ask."""
        super().__init__(faults=faults, port=port)
        self.answer_ms = answer_ms
        self.probability = probability
        self.texts = texts or {}
        self.key = key
        self.questions: list[dict[str, Any]] = []
        """What was asked, with the seconds of audio in the place of the audio."""
        self.sockets: set[object] = set()
        """Connections that questions came on."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/judge", self._judge)]

    async def _judge(self, request: web.Request) -> web.StreamResponse:
        fault = self.next_fault()
        self.sockets.add(request.transport)
        response = await self.befall(request, fault)
        if response is not None:
            return response
        self.live += 1
        try:
            probability = await self._read(request)
            if fault.kind == "hang":
                await self.until_over()
            await asyncio.sleep(self.answer_ms / 1000 + (fault.delay_s if fault.kind == "late" else 0.0))
        except Refused as refused:
            return self.refusal(refused)
        finally:
            self.live -= 1
        match fault.kind:
            case "error":
                return web.json_response({"error": fault.reason}, status=fault.status)
            case "garbage":
                return web.Response(text="\x00 no JSON {")
            case "oversize":
                return web.json_response({"error": "x" * 2_000_000})
        return web.json_response({"probability": probability})

    async def _read(self, request: web.Request) -> float:
        allowed = not self.key or request.headers.get("Authorization") == f"Bearer {self.key}"
        self.require(allowed, 401, "wrong key")
        self.require(request.content_type == "application/json", 415, "no JSON")
        body = orjson.loads(await request.read())
        self.require_known(body, _KEYS)
        self.require(isinstance(body.get("text"), str), 400, "a text is needed")
        for message in body["history"]:
            self.require(set(message) == {"role", "text"}, 400, "a message has a role and a text")
        asked = {"text": body["text"], "history": body["history"]}
        if "audio" in body:
            asked["audio_s"] = self._length_s(b64decode(body["audio"], validate=True))
        self.questions.append(asked)
        return self.texts.get(body["text"], self.probability)

    def _length_s(self, file: bytes) -> float:
        with wave.open(io.BytesIO(file), "rb") as audio:
            form = audio.getnchannels(), audio.getsampwidth(), audio.getframerate()
            self.require(form == (1, 2, RATE_HZ), 400, f"audio of another form: {form}")
            length_s = audio.getnframes() / RATE_HZ
        self.require(length_s <= LONGEST_S, 400, f"{length_s} s of audio")
        return length_s
