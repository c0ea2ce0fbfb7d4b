"""A conversation: the skin around the turn machine.

The machine is told every frame's verdict, transcript and change of playout; every action that it returns is performed
on the spot. Replies are tasks of the call, so that the end of the call is the end of them too.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence

from mediasrv.call.account import Account
from mediasrv.call.alarm import Alarm
from mediasrv.call.call import Call, CallParts
from mediasrv.call.detection import Detection
from mediasrv.call.draft import Draft, Gate
from mediasrv.call.ear import Hearing
from mediasrv.call.filler import Fillers
from mediasrv.call.floor import speaker_context
from mediasrv.call.mouth import NOTHING
from mediasrv.call.observer import Observer
from mediasrv.call.opening import Opening
from mediasrv.call.options import GO_ON
from mediasrv.call.role import Role
from mediasrv.call.spawn import Spawn
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import HintKind, Speech, Transcript, TurnHint
from mediasrv.turn.callee import Kind
from mediasrv.turn.events import (
    Action,
    AskToRepeat,
    BeginUtterance,
    CancelReply,
    ClearPlayout,
    CommitUtterance,
    DropReply,
    EndHinted,
    EndRated,
    Event,
    GiveUp,
    Greet,
    HoldPlayout,
    KeyPressed,
    Opinion,
    PrepareReply,
    PromptCaller,
    ReplyFailed,
    ReplySpent,
    RequestFinal,
    ResumePlayout,
    StartReply,
    SuspendPlayout,
    Transcribed,
)
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.state import State

log = logging.getLogger(__name__)

_OPINIONS = {
    HintKind.EAGER_END: Opinion.EAGER_END,
    HintKind.RESUMED: Opinion.RESUMED,
    HintKind.END: Opinion.END,
}


class Conversation(Account, ABC):
    """Agent and caller, taking turns; subclasses know how to make a reply."""

    lost_hearing = "speech-to-text failed"
    """Why the call ends when nothing is understood any more."""
    writes_down = True
    """Whether the words of the caller are known while he speaks."""

    def __init__(
        self, role: Role, call: Call, parts: CallParts, spawn: Spawn, observer: Observer, hearing: Hearing
    ) -> None:
        super().__init__(role, call, parts, observer)
        self._spawn = spawn
        self._machine = TurnMachine(self._turn_options(role.options.turn), role.language)
        self._alarm = Alarm(self._machine.deadline, lambda now: self._perform(self._machine.tick(now)))
        self._recognition = parts.ear.listen(hearing, self._judge, remembers=role.detector is not None)
        self._detection = Detection(role.detector, call.id, parts, spawn, observer, self._tell)
        self._reply: asyncio.Task[None] | None = None
        self._draft: Draft | None = None
        after_s, limit_s = role.options.fallback.filler_after_ms / 1000, role.options.fallback.silence_ms / 1000
        self._fillers = Fillers(lambda: role.fillers_in(parts.audio), after_s, limit_s, self._silent_since)
        self._failed_replies = 0
        self._opening = Opening(role, parts.details, self._machine)
        self._is_left_to_machine = False
        self._machine.start(self._loop.time())
        self._alarm.arm()

    def _turn_options(self, options: TurnOptions) -> TurnOptions:
        """The operator's, as far as this kind of conversation can follow them."""
        return options

    def aclose(self) -> None:
        """The call is over."""
        self._alarm.cancel()

    async def greet(self) -> None:
        """Say the greeting, where there is one and nobody is to say hello first."""
        if self._role.greeting and not self._machine.awaits_hello:
            await self._say_opening(self._role.greeting)

    def callee_is(self, kind: Kind) -> None:
        """Somebody knows who has picked up, such as the carrier."""
        if self._opening.settle(kind):
            self._meet(kind)

    def _meet(self, kind: Kind) -> None:
        log.info("callee is known", extra={"call": self._call.id, "kind": kind.value})
        self._parts.run(self._role.agent.on_callee(self._call, kind.value))
        if kind is Kind.MACHINE and self._role.options.callee.machine != GO_ON:
            self._drop_draft()
            self._cancel_reply()
            self._parts.mouth.clear()
            # No machine takes turns with another.
            self._is_left_to_machine = True
            self._alarm.cancel()
            self._spawn(self._deal_with_machine())

    # -- what comes in -------------------------------------------------------------------------------------------

    def _judge(self, voiced: bool, speech_ms: int, now: float) -> None:
        if voiced:
            self._last_voice_s = now
        if self._opening.hear(voiced):
            self._meet(self._opening.kind)
        state = self._machine.state
        actions = self._machine.hear(voiced, speech_ms, now)
        if actions or self._machine.state is not state:
            self._perform(actions)

    async def listen(self) -> None:
        """Pass on what the recogniser writes down; one that fails for good ends the call."""
        try:
            async for heard in self._recognition.transcripts():
                match heard:
                    case Transcript(text, is_final, request):
                        if self._opening.read(text, is_final=is_final):
                            self._meet(self._opening.kind)
                        self._tell(Transcribed(text, is_final, request))
                        if is_final and request is not None:
                            self._consult(request)
                    case TurnHint(kind):
                        self._tell(EndHinted(_OPINIONS[kind]))
        except ProviderError as error:
            log.error("recognition failed", extra={"call": self._call.id, "error": str(error)})
        await self._break_off(self.lost_hearing)

    def key_pressed(self) -> None:
        """The caller pressed a key."""
        self._tell(KeyPressed())

    def _tell(self, event: Event) -> None:
        self._perform(self._machine.receive(event, self._loop.time()))

    # -- what is done about it -----------------------------------------------------------------------------------

    def _perform(self, actions: Sequence[Action]) -> None:
        if self._is_left_to_machine:
            return
        for action in actions:
            match action:
                case _ if self._opening.excuses(action):
                    self._machine.receive(KeyPressed(), self._loop.time())
                case BeginUtterance():
                    self._parts.ear.begin()
                case RequestFinal(request):
                    self._recognition.finalize(request)
                    self._machine.receive(EndRated(finality=self._parts.ear.finality()), self._loop.time())
                    self._consult(request)
                case CommitUtterance():
                    self._recognition.commit()
                case PrepareReply(turn, text):
                    if self._opening.answer(text) is None:
                        self._draft = self._prepare_reply(turn, text)
                case DropReply():
                    self._drop_draft()
                case StartReply(turn, text):
                    self._start_reply(turn, text)
                case CancelReply():
                    self._cancel_reply()
                case HoldPlayout():
                    self._parts.mouth.hold()
                case SuspendPlayout():
                    self._parts.mouth.suspend()
                case ResumePlayout():
                    self._parts.mouth.resume()
                    self._observer.false_alarm(self._call.id, self._loop.time())
                case ClearPlayout():
                    self._parts.mouth.clear()
                    self._observer.barged_in(self._call.id, self._loop.time())
                case PromptCaller(step):
                    self._spawn(self._ask_who_is_there(step))
                case Greet():
                    self._reply = self._spawn(self._say_opening(self._role.greeting))
                case AskToRepeat():
                    self._spawn(self._ask(self._opening.answer("") or self._role.options.repeat_request))
                case GiveUp():
                    self._spawn(self.say_goodbye("nobody answered"))
        self._alarm.arm()

    def _consult(self, request: int) -> None:
        """Ask the turn detector about the pause that began with a request."""
        if self._machine.state is State.HEARING:
            self._detection.ask(request, self._machine.said if self.writes_down else "")

    def _prepare_reply(self, turn: int, text: str) -> Draft:
        trace, gate = TurnTrace(turn, begun_s=self._loop.time()), Gate()
        return Draft(self._speech(trace, gate, text), gate, trace, speaker_context(), self._spawn)

    def _drop_draft(self) -> None:
        if self._draft is not None:
            draft, self._draft = self._draft, None
            draft.drop()
            self._count(draft, is_early=True, wasted=True)

    def _count(self, draft: Draft, *, is_early: bool, wasted: bool) -> None:
        self._machine.receive(ReplySpent(draft.trace.tokens, wasted), self._loop.time())
        if is_early:
            self._observer.reply_prepared(self._call.id, draft.trace.tokens, wasted=wasted)

    def _start_reply(self, turn: int, text: str) -> None:
        words = self._opening.answer(text)
        if words is not None:
            self._drop_draft()
            self._cancel_reply()
            self._note_words(turn, text)
            self._time(TurnTrace(turn, begun_s=self._loop.time()), self._machine.endpoint_s)
            self._reply = self._spawn(self._say_opening(words, turn))
            return
        self._note_caller(turn, text)
        early, self._draft = self._draft, None
        draft = early or self._prepare_reply(turn, text)
        self._time(draft.trace, self._machine.endpoint_s)
        self._reply = self._spawn(self._make_reply(turn, draft, is_early=early is not None), draft.context)

    def _note_caller(self, turn: int, text: str) -> None:
        """Keep what the caller said, and have the model answer it."""
        self._note_words(turn, text)

    @abstractmethod
    def _speech(self, trace: TurnTrace, gate: Gate, said: str) -> AsyncGenerator[Speech]:
        """Make a reply in the call's format to what the caller said; raise ``ProviderError``.

        While the gate is shut, no tool may run and nothing may enter the history.
        """

    def _cancel_reply(self) -> None:
        self._stopwatch.stop()
        if self._reply is not None:
            self._reply.cancel()

    async def _say_opening(self, words: str, turn: int | None = None) -> None:
        """Say the greeting, or what takes its place; no words are no answer to the turn."""
        is_interruptible = self._role.options.turn.interruptible_greeting
        heard = await self._say(words, interruptible=is_interruptible) if words else NOTHING
        if heard is NOTHING and turn is not None:
            self._tell(ReplyFailed(turn))

    async def _make_reply(self, turn: int, draft: Draft, *, is_early: bool) -> None:
        try:
            await self._speak_reply(turn, draft)
        finally:
            self._count(draft, is_early=is_early, wasted=False)

    async def _speak_reply(self, turn: int, draft: Draft) -> None:
        options = self._role.options
        answer = self._answer = self._fillers.over(draft.speech(), self._note_answer)
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
