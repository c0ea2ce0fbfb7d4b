"""Answering: the replies of a conversation, drafted ahead of their turn or made when it comes.

Replies are tasks of the call, so that the end of the call is the end of them too. One that fails is apologised for, and
several in a row end the call.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from functools import partial

from mediasrv.call.account import Account
from mediasrv.call.call import Call, CallParts
from mediasrv.call.draft import Draft, Gate
from mediasrv.call.filler import Fillers
from mediasrv.call.floor import speaker_context
from mediasrv.call.mouth import NOTHING
from mediasrv.call.observer import Observer
from mediasrv.call.role import Role
from mediasrv.call.spawn import Spawn
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.turn.events import ReplyFailed, ReplySpent

log = logging.getLogger(__name__)


class Answering(Account, ABC):
    """Subclasses know how to make a reply."""

    def __init__(self, role: Role, call: Call, parts: CallParts, observer: Observer, spawn: Spawn) -> None:
        super().__init__(role, call, parts, observer)
        self._spawn = spawn
        self._reply: asyncio.Task[None] | None = None
        self._draft: Draft | None = None
        fallback = role.options.fallback
        after_s, limit_s = fallback.filler_after_ms / 1000, fallback.silence_ms / 1000
        phrases = partial(role.fillers_in, parts.audio)
        self._fillers = Fillers(phrases, after_s, limit_s, fallback.most_fillers)
        self._failed_replies = 0

    @abstractmethod
    def _speech(self, trace: TurnTrace, gate: Gate, said: str) -> AsyncGenerator[Speech]:
        """Make a reply in the call's format to what the caller said; raise ``ProviderError``.

        While the gate is shut, no tool may run and nothing may enter the history.
        """

    def _prepare_reply(self, turn: int, text: str) -> Draft:
        trace, gate = TurnTrace(turn, begun_s=self._loop.time()), Gate()
        return Draft(self._speech(trace, gate, text), gate, trace, speaker_context(), self._spawn)

    def _drop_draft(self) -> None:
        if self._draft is not None:
            draft, self._draft = self._draft, None
            draft.drop()
            self._count(draft, is_early=True, wasted=True)

    def _count(self, draft: Draft, *, is_early: bool, wasted: bool) -> None:
        self._tell(ReplySpent(draft.trace.tokens, wasted, draft.took_ms))
        if is_early:
            self._observer.reply_prepared(self._call.id, draft.trace.tokens, wasted=wasted)

    def _answer_turn(self, turn: int, text: str, endpoint_s: float) -> None:
        """Have what the caller said answered, by the draft where there is one."""
        self._note_caller(turn, text)
        early, self._draft = self._draft, None
        draft = early or self._prepare_reply(turn, text)
        self._time(draft.trace, endpoint_s)
        reply = self._reply = self._spawn(self._make_reply(turn, draft, is_early=early is not None), draft.context)
        if reply is not None:
            # One that is cancelled before it has the floor has opened no gate: what was made stops with it.
            reply.add_done_callback(lambda _: draft.drop())

    def _note_caller(self, turn: int, text: str) -> None:
        """Keep what the caller said, and have the model answer it."""
        self._note_words(turn, text)

    def _cancel_reply(self) -> None:
        self._stopwatch.stop()
        if self._reply is not None:
            self._reply.cancel()

    async def _make_reply(self, turn: int, draft: Draft, *, is_early: bool) -> None:
        try:
            await self._speak_reply(turn, draft)
        finally:
            self._count(draft, is_early=is_early, wasted=False)

    async def _speak_reply(self, turn: int, draft: Draft) -> None:
        options = self._role.options
        answer = self._answer = self._fillers.over(draft.speech(), self._silent_since, self._note_answer)
        try:
            heard = await self._parts.mouth.speak(answer.speech())
        except (ProviderError, TimeoutError) as error:
            log.warning("reply failed", extra={"call": self._call.id, "turn": turn, "error": str(error) or "timed out"})
            self._failed_replies += 1
            if self._failed_replies >= options.fallback.failed_replies:
                # As a task of its own: no word of the caller's is to keep him in a call that cannot go on.
                self._spawn(self._break_off("providers failed"))
                return
            heard = await self._say(options.apology)
        else:
            if answer.has_begun:
                self._failed_replies = 0
            else:
                # A model that has nothing to say must not leave the caller to wonder.
                heard = await self._say(options.repeat_request)
        if heard is NOTHING:
            self._tell(ReplyFailed(turn))

    def _silent_since(self) -> float:
        return max(self._last_voice_s, self._parts.mouth.audible_until_s)
