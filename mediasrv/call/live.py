"""A live call, from the carrier's ``start`` message to its end.

Events of the carrier come in by ``receive``, a plain call, and go on to the ear, the mouth or the operator's code. All
that waits for others runs in tasks of the call's one task group, so that the end of the call is the end of them all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from mediasrv.call.call import Call, CallParts, Speaker
from mediasrv.call.cascade import Cascade
from mediasrv.call.conversation import Conversation
from mediasrv.call.dialogue import RealtimeConversation
from mediasrv.call.digits import Digits
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.errands import Errands
from mediasrv.call.figures import Figures
from mediasrv.call.history import History
from mediasrv.call.interlocutor import Interlocutor
from mediasrv.call.levels import Levels
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.mouth import Mouth
from mediasrv.call.observer import Observer
from mediasrv.call.pacer import Pacer
from mediasrv.call.recording import CallRecording, Recorder
from mediasrv.call.role import CascadeRole, Conduct, RealtimeRole
from mediasrv.call.spending import Spending
from mediasrv.turn.callee import Kind
from mediasrv.turn.outcomes import Outcomes
from mediasrv.wire.events import (
    CarrierFailed,
    DtmfReceived,
    Event,
    MarkReached,
    MediaReceived,
    PlayFailed,
    StreamStarted,
    StreamStopped,
)

log = logging.getLogger(__name__)

# The operator's clean-up must not keep a call alive.
ON_END_LIMIT_S = 5.0


class LiveCall:
    """One call; ``run`` conducts it while ``receive`` is fed."""

    def __init__(
        self,
        role: CascadeRole | RealtimeRole,
        started: StreamStarted,
        link: Link,
        details: CallDetails,
        pacer: Pacer,
        observer: Observer,
        effort: Effort,
        recorder: Recorder | None = None,
    ) -> None:
        self.id = started.call_id
        self._stream_id = started.stream_id
        self._role = role
        self._link = link
        self._observer = observer
        self._effort = effort
        self._loop = asyncio.get_running_loop()
        self._early: list[Event] = []
        self._ear = Ear(started.format, effort)
        self._mouth = Mouth(started.format, link, pacer, gathers_ms=started.gathers_ms)
        self._recording = CallRecording(recorder, self.id, started.format)
        if self._recording.is_possible:
            self._ear.recording = self._mouth.audience.recording = self._recording
        self._digits = Digits(self._mouth.clear)
        self._history = History(role.instructions, role.options.history_chars)
        if details.earlier is not None:
            self._history.resume(details.earlier.words)
        self._spending = Spending(self.id, observer)
        self._errands = Errands(self.id, self._spending.count_in)
        spawn = self._errands.spawn
        self.end = self._errands.end
        """End the call, with a cause; the first counts."""
        self._details = details
        self._conversation: Conversation | None = None
        if isinstance(role, RealtimeRole):
            interlocutor = Interlocutor(role, self.id, self._history, self._mouth, spawn)
            parts = self._parts(interlocutor)
            self.call = Call(self.id, parts)
            self._conversation = RealtimeConversation(role, self.call, parts, spawn, observer, interlocutor)
        else:
            parts = self._parts(role.voice)
            self.call = Call(self.id, parts)
            if role.conduct is None:
                self._conversation = Cascade(role, self.call, parts, spawn, observer)
        if self._conversation is not None:
            self._mouth.audience.watcher = self._conversation
        outcomes = self._conversation.outcomes if self._conversation is not None else Outcomes()
        self.figures = Figures(self._ear, self._mouth.ledger, outcomes)
        """What may be read off the call at any time."""

    def _parts(self, voice: Speaker) -> CallParts:
        return CallParts(
            audio=self._mouth.audio,
            details=self._details,
            link=self._link,
            ear=self._ear,
            recording=self._recording,
            mouth=self._mouth,
            voice=voice,
            history=self._history,
            usage=self._spending.usage,
            digits=self._digits,
            effort=self._effort,
            run=self._errands.run_beside,
            end=self._errands.end,
        )

    # -- life ----------------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Conduct the call and return the cause of its end; cancelling ends it at once."""
        errands = self._errands
        try:
            await errands.run_until_ended(self._start)
        finally:
            self._stop(errands.cause)
        await errands.run_operators(self._role.agent.on_end(self.call), ON_END_LIMIT_S)
        return errands.cause

    def _start(self) -> None:
        self._observer.began(self.id, self._stream_id, self._role.name, self._details)
        if self._role.options.record:
            self._recording.start(self._loop.time())
        self._errands.spawn(self._limit_duration())
        if self._role.conduct is not None:
            self._errands.spawn(self._be_conducted(self._role.conduct))
        if self._conversation is not None:
            self._errands.spawn(self._conversation.listen())
            self._errands.spawn(self._conversation.greet())
            self._errands.run_beside(self._role.agent.on_start(self.call))
        for event in self._early:
            self.receive(event)

    def _stop(self, cause: str) -> None:
        self.end(cause)
        self._mouth.aclose()
        self._recording.stop(self._loop.time())
        if self._conversation is not None:
            self._conversation.aclose()
        self._link.close()
        self._observer.tallied(self.id, self.figures.close())
        self._observer.ended(self.id, cause)

    def instruct(self, work: Callable[[Call], Coroutine[Any, Any, None]]) -> bool:
        """Have somebody's work done on this call, beside all else; ``False`` when it is over. A plain call."""
        if not self._errands.can_begin:
            return False
        self._errands.run_beside(work(self.call))
        return True

    def watch(self) -> Levels:
        """Measure both voices from now on; a plain call, as is ``unwatch``."""
        levels = self._ear.levels = self._mouth.audience.levels = Levels(self._mouth.audio)
        return levels

    def unwatch(self) -> None:
        """Nobody watches any more."""
        self._ear.levels = self._mouth.audience.levels = None

    def callee_is(self, kind: Kind) -> None:
        """Somebody else knows who has picked up, such as the carrier; a plain call."""
        if self._conversation is not None:
            self._conversation.callee_is(kind)

    async def _be_conducted(self, conduct: Conduct) -> None:
        await self._errands.run_operators(conduct(self.call))
        await self.call.hangup()

    async def _limit_duration(self) -> None:
        await asyncio.sleep(self._role.options.max_duration_s)
        if self._conversation is not None:
            await self._conversation.say_goodbye("maximum duration")
        self.end("maximum duration")

    # -- what comes in -------------------------------------------------------------------------------------------

    @property
    def patience(self) -> int:
        """How many of the caller's next frames may be given to ``receive`` together, when the last has come."""
        return self._ear.patience

    def receive(self, event: Event, came_s: float | None = None) -> None:
        """Take what the carrier says, and has said at ``came_s`` if not now; a plain call that does not raise."""
        if not self._errands.can_begin:
            if not self._errands.are_over:
                self._early.append(event)
            return
        match event:
            case MediaReceived():
                self._ear.hear(event, self._loop.time() if came_s is None else came_s)
            case MarkReached(name):
                self._mouth.mark_reached(name, self._loop.time())
            case DtmfReceived(digit):
                conversation = self._conversation
                if conversation is not None:
                    conversation.key_pressed()
                if self._digits.press(digit):
                    return
                if conversation is None or not conversation.takes_for_opt_out(digit):
                    self._errands.run_beside(self._role.agent.on_dtmf(self.call, digit))
            case StreamStopped():
                self.end("caller hung up")
            case PlayFailed(reason) | CarrierFailed(reason):
                log.warning("carrier reported a failure", extra={"call": self.id, "reason": reason})
