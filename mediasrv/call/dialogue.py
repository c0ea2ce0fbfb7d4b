"""A conversation by one model that hears and speaks by itself.

Turns are taken as in any call. The caller's words come when the model has written them down, which may be after its
answer has begun: their place in the history is kept for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mediasrv.call.asked import Asked
from mediasrv.call.call import Call, CallParts
from mediasrv.call.conversation import Conversation
from mediasrv.call.draft import Gate
from mediasrv.call.interlocutor import Interlocutor
from mediasrv.call.mouth import NOTHING
from mediasrv.call.observer import Observer
from mediasrv.call.reply import MAX_TOOL_ROUNDS
from mediasrv.call.role import RealtimeRole
from mediasrv.call.spawn import Spawn
from mediasrv.call.tools import run_tool
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, ToolCall
from mediasrv.turn.events import ReplyFailed
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.utterance import Heard

log = logging.getLogger(__name__)

_INTERRUPTED = "error: the caller interrupted"


class RealtimeConversation(Conversation):
    """The model's voice says everything; what it cannot, the agent's own, or what was recorded of the model's."""

    lost_hearing = "speech to speech failed"
    writes_down = False

    def __init__(
        self,
        role: RealtimeRole,
        call: Call,
        parts: CallParts,
        spawn: Spawn,
        observer: Observer,
        interlocutor: Interlocutor,
    ) -> None:
        super().__init__(role, call, parts, spawn, observer, interlocutor)
        self._own_voice, self._is_recorded = role.voice, role.is_alone
        self._interlocutor = interlocutor
        self._asked: Asked | None = None
        self._turns: dict[int, int] = {}
        self._words: dict[int, list[str]] = {}
        interlocutor.told = self._hear_of_words

    def _turn_options(self, options: TurnOptions) -> TurnOptions:
        # What is asked of a session is said, and paid for; it knows of no gate. And nobody knows the words in time, so
        # they are taken for complete unless the voice says something else.
        return replace(
            options,
            speculation=False,
            endpoint_unsure_ms=options.endpoint_ms,
            endpoint_incomplete_ms=options.endpoint_unsure_ms,
        )

    def aclose(self) -> None:
        """The call is over: whoever would tell us of it forgets us."""
        super().aclose()
        self._interlocutor.aclose()

    async def listen(self) -> None:
        """Keep the model in the call; when it is lost for good, say so and end the call."""
        self._spawn(self._interlocutor.run())
        await super().listen()

    def bot_quiet(self) -> None:
        """Everything that we said was heard."""
        super().bot_quiet()
        self._interlocutor.renew_if_due()

    # -- what the caller said ------------------------------------------------------------------------------------

    def _note_caller(self, turn: int, text: str) -> None:
        self._asked = self._interlocutor.answer()
        self._turns[self._asked.number] = turn
        self._parts.history.caller_said(turn, " ".join(self._words.setdefault(turn, [])))

    def _note_words(self, turn: int, text: str) -> None:
        """They are not written down before an answer is asked for."""

    def _hear_of_words(self, number: int, text: str) -> None:
        turn = self._turns.pop(number, None)
        if turn is None:
            return
        if text:
            self._heed(text)
            self._words[turn].append(text)
            said = " ".join(self._words[turn])
            self._parts.history.caller_said(turn, said)
            self._observer.said(self._call.id, "caller", said, self._loop.time(), turn=turn)
        elif self._asked is not None and self._asked.number == number and not self._asked.has_begun:
            # A cough is nothing to answer.
            self._cancel_reply()
            self._tell(ReplyFailed(turn))

    # -- replies -------------------------------------------------------------------------------------------------

    def _speech(self, trace: TurnTrace, gate: Gate, said: str) -> AsyncGenerator[Speech]:
        assert self._asked is not None
        return self._rounds(self._asked, trace)

    async def _rounds(self, asked: Asked, trace: TurnTrace) -> AsyncGenerator[Speech]:
        for _ in range(MAX_TOOL_ROUNDS):
            calls: list[ToolCall] = []
            async with aclosing(self._interlocutor.speech(asked, self._parts.audio, calls)) as speech:
                async for piece in speech:
                    trace.reach("first_token", self._loop.time())
                    yield piece
            if not calls:
                return
            results = [_INTERRUPTED] * len(calls)
            try:
                wanted = (run_tool(self._role.tools, each, self._call) for each in calls)
                results = await asyncio.gather(*wanted)
            finally:
                self._parts.history.tool_called(calls, results)
                self._interlocutor.give(asked, calls, results)
            self._interlocutor.go_on(asked)
        # A model that calls tools in a circle is not listened to any longer.
        self._interlocutor.cancel(asked)

    def _cancel_reply(self) -> None:
        if self._asked is not None:
            self._interlocutor.cancel(self._asked)
        super()._cancel_reply()

    def bot_silenced(self) -> None:
        """What the caller has not heard by now is about to be dropped."""
        self._interlocutor.cut()

    # -- set phrases ---------------------------------------------------------------------------------------------

    async def _say(self, text: str, *, interruptible: bool = True) -> Heard:
        """Say a set phrase in the model's voice, recorded where it can be; an apology must not depend on the model."""
        is_apology = text == self._role.options.apology
        ways = [super()._say, self._say_ourselves]
        heard = NOTHING
        for say in reversed(ways) if is_apology or self._is_recorded else ways:
            heard = await say(text, interruptible=interruptible)
            if heard is not NOTHING:
                break
        if heard is NOTHING and is_apology:
            # Nobody is left to speak to the caller: better no line than a dead one.
            self._parts.end(self.lost_hearing)
        return heard

    async def _say_ourselves(self, text: str, *, interruptible: bool) -> Heard:
        try:
            speech = self._own_voice.say(text, self._parts.audio)
            return await self._parts.mouth.speak(speech, interruptible=interruptible)
        except (ProviderError, TimeoutError) as error:
            log.error("voice failed", extra={"call": self._call.id, "error": str(error) or "timed out"})
            return NOTHING
