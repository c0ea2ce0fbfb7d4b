"""A conversation: the skin around the turn machine.

The machine is told every frame's verdict, transcript and change of playout; every action that it returns is performed
on the spot.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mediasrv.call.answering import Answering
from mediasrv.call.call import Call, CallParts
from mediasrv.call.detection import Detection
from mediasrv.call.effort import Work
from mediasrv.call.hearing import Hearing
from mediasrv.call.link import OUTBOUND
from mediasrv.call.mouth import NOTHING
from mediasrv.call.observer import Observer
from mediasrv.call.opening import Opening
from mediasrv.call.options import GO_ON
from mediasrv.call.role import Role
from mediasrv.call.spawn import Spawn
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.alarm import Alarm
from mediasrv.providers.base import HintKind, Transcript, TurnHint
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
    RateEnd,
    ReplyFailed,
    RequestFinal,
    ResumePlayout,
    StartReply,
    SuspendPlayout,
    Transcribed,
)
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.optout import OptOut
from mediasrv.turn.state import State

log = logging.getLogger(__name__)

_OPINIONS = {
    HintKind.EAGER_END: Opinion.EAGER_END,
    HintKind.RESUMED: Opinion.RESUMED,
    HintKind.END: Opinion.END,
}


class Conversation(Answering):
    """Agent and caller, taking turns."""

    lost_hearing = "speech-to-text failed"
    """Why the call ends when nothing is understood any more."""
    writes_down = True
    """Whether the words of the caller are known while he speaks."""

    def __init__(
        self, role: Role, call: Call, parts: CallParts, spawn: Spawn, observer: Observer, hearing: Hearing
    ) -> None:
        super().__init__(role, call, parts, observer, spawn)
        self._machine = TurnMachine(self._turn_options(role.options.turn), role.language, renews=hearing.renews_finals)
        self.outcomes = self._machine.outcomes
        """What came of the caller's voice until now."""
        self._alarm = Alarm(self._machine.deadline, lambda now: self._perform(self._machine.tick(now)))
        self._recognition = parts.ear.listen(hearing, self._judge, remembers=role.detector is not None)
        self._detection = Detection(role.detector, call.id, parts, spawn, observer)
        self._opening = Opening(role, parts.details, self._machine)
        self._takes_turns = True
        self._has_opted_out = False
        self._opt_out = OptOut(role.language)
        self._machine.start(self._loop.time())
        self._alarm.arm()

    def _turn_options(self, options: TurnOptions) -> TurnOptions:
        """The operator's, as far as this kind of conversation can follow them."""
        return options

    def aclose(self) -> None:
        """The call is over: whoever would tell us of it forgets us."""
        self._alarm.stop()
        self._parts.ear.aclose()
        self._answer = None

    async def greet(self) -> None:
        """Say the greeting, where there is one and nobody is to say hello first."""
        words = self._role.options.handover_failed if self._parts.details.earlier else self._role.greeting
        if words and not self._machine.idle.awaits_hello:
            await self._say_opening(words)

    def callee_is(self, kind: Kind) -> None:
        """Somebody knows who has picked up, such as the carrier."""
        if self._opening.settle(kind):
            self._meet(kind)

    def _meet(self, kind: Kind) -> None:
        log.info("callee is known", extra={"call": self._call.id, "kind": kind.value})
        self._parts.run(self._role.agent.on_callee(self._call, kind.value))
        if kind is Kind.MACHINE and self._role.options.callee.machine != GO_ON:
            # No machine takes turns with another.
            self._take_no_more_turns()
            self._spawn(self._deal_with_machine())

    def _take_no_more_turns(self) -> None:
        self._drop_draft()
        self._cancel_reply()
        self._parts.mouth.clear()
        self._takes_turns = False
        self._alarm.cancel()

    def opt_out(self, how: str) -> None:
        """Whoever we speak with wants no more calls: tell who keeps the list and, if we have called, say goodbye."""
        if self._has_opted_out:
            return
        self._has_opted_out = True
        log.info("callee opts out", extra={"call": self._call.id, "how": how})
        self._observer.opted_out(self._call.id, how)
        if self._parts.details.direction == OUTBOUND and self._takes_turns:
            self._take_no_more_turns()
            self._spawn(self.say_goodbye("opted out", self._role.options.callee.opt_out_goodbye))

    def _heed(self, text: str, said: str = "") -> None:
        if self._role.options.callee.heed_opt_out and self._opt_out.hears(text, said):
            self.opt_out("speech")

    # -- what comes in -------------------------------------------------------------------------------------------

    def _judge(self, voiced: bool, speech_ms: int, now: float) -> int:
        if voiced:
            self._last_voice_s = now
        if self._opening.listens and self._opening.hear(voiced):
            self._meet(self._opening.kind)
        machine, state = self._machine, self._machine.state
        actions = machine.hear(voiced, speech_ms, now)
        if actions or machine.state is not state:
            self._perform(actions)
        return machine.patience

    async def listen(self) -> None:
        """Pass on what the recogniser writes down; one that fails for good ends the call."""
        try:
            async for heard in self._recognition.transcripts():
                match heard:
                    case Transcript(text, is_final, request):
                        if self._opening.read(text, is_final=is_final):
                            self._meet(self._opening.kind)
                        if is_final:
                            self._heed(text, self._machine.said)
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

    def takes_for_opt_out(self, digit: str) -> bool:
        """Whether a key that nobody collects says that no more calls are wanted; then that is heeded."""
        is_one = digit == self._role.options.callee.opt_out_digit and self._parts.details.direction == OUTBOUND
        if is_one:
            self.opt_out("dtmf")
        return is_one

    def _tell(self, event: Event) -> None:
        self._perform(self._machine.receive(event, self._loop.time()))

    # -- what is done about it -----------------------------------------------------------------------------------

    def _perform(self, actions: Sequence[Action]) -> None:
        if not self._takes_turns:
            return
        for action in actions:
            match action:
                case _ if self._opening.excuses(action):
                    self._machine.receive(KeyPressed(), self._loop.time())
                case BeginUtterance():
                    self._parts.ear.begin()
                case RequestFinal(request):
                    self._recognition.finalize(request)
                    self._consult(request)
                case RateEnd():
                    self._tell(EndRated(finality=self._parts.ear.finality()))
                case CommitUtterance():
                    self._recognition.commit()
                case PrepareReply(turn, text):
                    if self._opening.answer(text) is None and self._parts.effort.allows(Work.SPECULATION):
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
        is_wanted = self._machine.state is State.HEARING and self._role.detector is not None
        if is_wanted and self._parts.effort.allows(Work.DETECTOR):
            self._detection.ask(request, self._machine.said if self.writes_down else "", self._tell)

    def _start_reply(self, turn: int, text: str) -> None:
        words = self._opening.answer(text)
        if words is not None:
            self._drop_draft()
            self._cancel_reply()
            self._note_words(turn, text)
            self._time(TurnTrace(turn, begun_s=self._loop.time()), self._machine.endpoint_s)
            self._reply = self._spawn(self._say_opening(words, turn))
            return
        self._answer_turn(turn, text, self._machine.endpoint_s)

    async def _say_opening(self, words: str, turn: int | None = None) -> None:
        """Say the greeting, or what takes its place; no words are no answer to the turn."""
        is_interruptible = self._role.options.turn.interruptible_greeting
        heard = await self._say(words, interruptible=is_interruptible) if words else NOTHING
        if heard is NOTHING and turn is not None:
            self._tell(ReplyFailed(turn))
