"""A model's sessions in one call, each following the one before: because that was lost, or because it has grown old."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Protocol

from mediasrv.audio.format import AudioFormat
from mediasrv.call.history import History
from mediasrv.call.role import RealtimeRole
from mediasrv.call.spawn import Spawn
from mediasrv.errors import ProviderError
from mediasrv.providers.meter import count_usage
from mediasrv.providers.realtime import Dialogue, DialogueEvent, ReplyDone
from mediasrv.providers.witness import Outcome, Requests

log = logging.getLogger(__name__)

# Sessions lost in a row, without a reply between them.
MAX_LOSSES = 2
_BACKOFF_S = 0.3


class Partner(Protocol):
    """Whom sessions tell; plain calls."""

    def receive(self, event: DialogueEvent) -> None:
        """Something happened in the session."""

    def lose(self, error: ProviderError) -> None:
        """The session is lost; unless ``is_gone``, another is about to begin."""

    def resume(self) -> None:
        """A new session has begun, which knows the history: tell it the rest."""


class Sessions:
    """One call's; ``open`` comes first, then ``run``."""

    def __init__(self, role: RealtimeRole, call_id: str, history: History, spawn: Spawn) -> None:
        self.number = 0
        """Of the present session."""
        self.is_gone = False
        """Whether no more sessions are to be had."""
        self.dialogue: Dialogue
        self._role = role
        self._call_id = call_id
        self._history = history
        self._spawn = spawn
        self._losses = 0
        self._loss: ProviderError | None = None
        self._hearing: asyncio.Task[None] | None = None

    def open(self, audio: AudioFormat) -> None:
        """Begin the first session, in the format of all of them."""
        self._audio = audio
        self._converse()

    async def run(self, partner: Partner) -> None:
        """Keep a session for as long as the call lasts and sessions are to be had."""
        while (hearing := self._spawn(self._hear(self.dialogue, partner))) is not None:
            self._hearing = hearing
            await asyncio.wait([hearing])
            self._hearing = None
            if self._loss is not None:
                self._losses += 1
                self.is_gone = not self._loss.retryable or self._losses > MAX_LOSSES
                partner.lose(self._loss)
                if self.is_gone:
                    return
                await asyncio.sleep(_BACKOFF_S * (self._losses - 1))
            self._loss = None
            self.number += 1
            self._converse()
            partner.resume()

    def succeed(self) -> None:
        """A reply came: this session was a good one."""
        self._losses = 0

    def renew(self, loss: ProviderError | None = None) -> None:
        """Go over to another session, because of a failure if there was one; nothing when that is under way."""
        if self._hearing is not None:
            self._loss = loss
            self._hearing.cancel()

    async def _hear(self, dialogue: Dialogue, partner: Partner) -> None:
        made = Requests("realtime")
        made.begin(dialogue, self._role.realtime.name)
        try:
            async with aclosing(dialogue.events()) as events:
                async for event in events:
                    made.answer(dialogue)
                    if isinstance(event, ReplyDone) and event.usage is not None:
                        count_usage(self._role.realtime.name, event.usage)
                    partner.receive(event)
        except ProviderError as error:
            log.warning("session lost", extra={"call": self._call_id, "error": str(error)})
            self._loss = error
            made.end(dialogue, Outcome.FAILED)
        finally:
            made.end_all(Outcome.ANSWERED, Outcome.DROPPED)

    def _converse(self) -> None:
        role = self._role
        specs = [tool.spec for tool in role.tools.values()]
        said = [*self._history.messages, *(role.opening(self._audio) if self.number == 0 else ())]
        self.dialogue = role.realtime.converse(self._audio, role.instructions, specs, said)
