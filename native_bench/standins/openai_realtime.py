"""OpenAI's ``/v1/realtime``, with turns of the client's: it hears nothing, is asked to answer, and speaks its script.

Faults besides those of every stand-in strike in the reply behind ``after`` good ones: ``error`` (an error event and a
failed response of code ``reason``), ``late`` (its first sound, by ``delay_s``), ``mute`` (created, and never heard of
again), ``tail`` (audio goes on after a cancel), ``break`` (torn down in mid-speech), ``end`` (closed with ``code`` in
mid-speech), ``expired`` (the session is over, in mid-speech).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle
from typing import ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Peer, WebSocketStandin
from native_bench.standins.realtime import RealtimeSession, Script

KEY = "oa-key"
MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5")


class OpenAiRealtimeStandin(WebSocketStandin):
    """Realtime."""

    name: ClassVar[str] = "openai_realtime"
    path = "/v1/realtime"

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        replies: Sequence[str] = ("I see. Tell me more.",),
        texts: Sequence[str] = ("Hello.",),
        first_audio_ms: float = 0,
        ms_per_char: int = 50,
        speed: float = 0,
        transcript_ms: float = 0,
    ) -> None:
        """``replies``: what the model says; ``tool:name {…}`` is a call. ``texts``: what it writes down of the caller.

        ``speed``: of generation, in multiples of real time; 0 is at once.
        """
        super().__init__(faults=faults, port=port)
        self.script = Script(
            cycle(replies), cycle(texts), first_audio_ms / 1000, transcript_ms / 1000, ms_per_char, speed
        )

    def admit(self, request: web.Request) -> None:
        self.require(request.headers.get("Authorization") == f"Bearer {KEY}", 401, "invalid_api_key")
        self.require("OpenAI-Beta" not in request.headers, 400, "the beta is over")
        self.require(set(request.query) == {"model"}, 400, "parameters")
        self.require(request.query["model"] in MODELS, 404, "model_not_found")

    async def serve(self, peer: Peer) -> None:
        async with asyncio.TaskGroup() as tasks:
            session = RealtimeSession(self, self.script, peer, tasks)
            await session.say("session.created", session={"type": "realtime", "id": "sess_1"})
            async for message in peer.messages():
                await session.receive(orjson.loads(message))
            session.stop()
