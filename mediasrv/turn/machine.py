"""The turn machine: who has the floor, and when it changes hands.

::

    LISTENING --voice--> HEARING --endpoint--> THINKING --first audio--> SPEAKING --all heard--> LISTENING
        ^                  |  ^                   |                          |
        +---- no words ----+  +-- speaks again ---+                          |
        +-----------------------------------------+-- nothing to say         |
                              ^                                              |
                              +------------------ barge-in ------------------+

``hear`` takes the verdict of every frame and ``receive`` everything else; both return the actions to perform, in order.
Voice and silence are measured in media time. What is awaited from others is measured in ``now``: ``deadline`` says when
``tick`` wants to be called if nothing comes before.

An utterance stays open, and what the caller adds to it belongs to it, until our answer to it is on its way: so a reply
begun too early is replaced by one to the whole utterance.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from mediasrv.turn.bargein import BargeIn, Verdict
from mediasrv.turn.endpointing import Clues, Endpointing
from mediasrv.turn.events import (
    Action,
    AskToRepeat,
    BeginUtterance,
    CancelReply,
    ClearPlayout,
    CommitUtterance,
    Event,
    GiveUp,
    HoldPlayout,
    KeyPressed,
    PlayoutFinished,
    PlayoutStarted,
    PromptCaller,
    ReplyFailed,
    ResumePlayout,
    StartReply,
    Transcribed,
)
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Final, Wording

# Carriers send silence too; when frames stop altogether, this much after the endpoint was due we stop waiting for them.
STALLED_MEDIA_S = 0.5

NONE: Sequence[Action] = ()


class State(Enum):
    """Who has the floor."""

    LISTENING = auto()
    """Nobody speaks."""
    HEARING = auto()
    """The caller speaks, or pauses."""
    THINKING = auto()
    """The caller has finished and waits for us."""
    SPEAKING = auto()
    """We speak."""


class TurnMachine:
    """One call's turns. Not to be used after ``GiveUp``."""

    def __init__(self, options: TurnOptions) -> None:
        self._options = options
        self._endpointing = Endpointing(options)
        self._barge_in = BargeIn(options)
        self._run = VoiceRun()
        self._wording = Wording()
        self.state = State.LISTENING
        self.turn = 0
        """Number of the present turn; 0 before the first."""
        self.endpoint_s = 0.0
        """When the caller last finished."""
        self._utterance_open = self._only_suspected = self._turn_open = self._reply_started = False
        self._interruptible = True
        self._idle_prompts = 0
        self._idle_due: float | None = None
        self._final_due: float | None = None
        self._media_due: float | None = None

    def start(self, now: float) -> None:
        """The call begins."""
        self._listen(now)

    # -- what the caller does ------------------------------------------------------------------------------------

    def hear(self, voiced: bool, now: float) -> Sequence[Action]:
        """Take one frame's verdict."""
        self._run.hear(voiced)
        match self.state:
            case State.HEARING:
                return self._hear_utterance(now)
            case State.SPEAKING:
                return self._hear_over_playout(now) if self._interruptible else NONE
            case _ if self._run.voice_ms >= self._options.onset_ms:
                return self._take_floor(now)
        return NONE

    def _take_floor(self, now: float) -> list[Action]:
        """The caller begins to speak, or goes on before we have said anything."""
        actions: list[Action] = [CancelReply(self.turn)] if self._reply_started else []
        self._reply_started = False
        self._hear_on(now)
        return actions + self._open_utterance()

    def _hear_on(self, now: float) -> None:
        self.state = State.HEARING
        self._wording.go_on()
        self._idle_due = self._final_due = None
        self._expect_media(self._endpointing.wait_ms(Clues(text=self._wording.text)), now)

    def _expect_media(self, silence_ms: int, now: float) -> None:
        self._media_due = now + silence_ms / 1000 + STALLED_MEDIA_S

    def _open_utterance(self) -> list[Action]:
        if self._utterance_open:
            return []
        self._utterance_open = True
        self._wording.begin()
        return [BeginUtterance()]

    def _commit_utterance(self) -> list[Action]:
        self._utterance_open = self._turn_open = False
        return [CommitUtterance()]

    def _hear_utterance(self, now: float) -> Sequence[Action]:
        silence_ms, wait_ms = self._run.silence_ms, self._endpointing.wait_ms(Clues(text=self._wording.text))
        self._expect_media(wait_ms, now)
        if not silence_ms:
            self._wording.go_on()
        elif silence_ms >= wait_ms:
            return self._end_turn(now)
        elif self._wording.final is Final.STALE and silence_ms >= self._options.final_request_ms:
            return [self._wording.ask()]
        return NONE

    def _end_turn(self, now: float) -> list[Action]:
        """The caller has finished; the reply starts as soon as we know what he said."""
        self.state = State.THINKING
        self.endpoint_s = now
        self._media_due = None
        if self._wording.final is Final.IN_HAND:
            return self._start_reply(now)
        self._final_due = now + self._options.final_wait_ms / 1000
        return [self._wording.ask()] if self._wording.final is Final.STALE else []

    def _start_reply(self, now: float) -> list[Action]:
        self._final_due = None
        if not self._wording.text:
            return [*self._commit_utterance(), *self._listen(now)]
        self._idle_prompts = 0
        if not self._turn_open:
            self._turn_open = True
            self.turn += 1
        self._reply_started = True
        return [StartReply(self.turn, self._wording.text)]

    def _hear_over_playout(self, now: float) -> Sequence[Action]:
        verdict = self._barge_in.judge(self._run)
        if self._barge_in.suspected:
            self._expect_media(self._options.false_alarm_ms, now)
        match verdict:
            case Verdict.SUSPECTED:
                self._only_suspected = not self._utterance_open
                return [HoldPlayout(), *self._open_utterance()]
            case Verdict.FALSE_ALARM:
                return self._go_on()
            case Verdict.CONFIRMED:
                return [ClearPlayout(), *self._take_floor(now)]
        return NONE

    def _go_on(self) -> list[Action]:
        """The caller did not break in; what he said before we spoke still waits for its answer."""
        self._barge_in.reset()
        self._media_due = None
        return [ResumePlayout(), *(self._commit_utterance() if self._only_suspected else ())]

    # -- what others do ------------------------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> Sequence[Action]:
        """Take anything but a frame."""
        match event:
            case Transcribed():
                return self._receive_transcript(event, now)
            case PlayoutStarted(interruptible):
                return self._speak(interruptible)
            case PlayoutFinished() if self.state is State.SPEAKING:
                # There is nothing left to hold, and a suspicion becomes an utterance like any other.
                released = [ResumePlayout()] if self._barge_in.suspected else []
                return [*released, *self._listen(now)]
            case ReplyFailed(turn) if turn == self.turn and self._reply_started and self.state is State.THINKING:
                return [*self._commit_utterance(), *self._listen(now)]
            case KeyPressed() if self.state is State.LISTENING:
                self._idle_prompts = 0
                self._expect_caller(now)
        return NONE

    def _receive_transcript(self, event: Transcribed, now: float) -> Sequence[Action]:
        is_final = self._wording.receive(event)
        is_awaited = self.state is State.THINKING and not self._reply_started
        return self._start_reply(now) if is_final and is_awaited else NONE

    def _speak(self, interruptible: bool) -> Sequence[Action]:
        self._interruptible = interruptible
        if self.state is State.SPEAKING:
            return self._go_on() if self._barge_in.suspected and not interruptible else NONE
        self.state = State.SPEAKING
        self._idle_due = self._final_due = self._media_due = None
        # Voice from before our first word is no barge-in; it takes new voice to stop us.
        self._run.restart()
        self._barge_in.reset()
        # Words that this does not answer stay open, and are answered when we have finished.
        return self._commit_utterance() if self._reply_started else NONE

    def _listen(self, now: float) -> list[Action]:
        """Nobody speaks, unless the caller has said something that is not answered yet."""
        self._reply_started = False
        if self._utterance_open:
            self._hear_on(now)
            return []
        self.state = State.LISTENING
        self._expect_caller(now)
        return []

    def _expect_caller(self, now: float) -> None:
        self._idle_due = now + self._options.idle_ms / 1000

    # -- time ----------------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When ``tick`` has something to do, if nothing comes before."""
        return min((at for at in (self._idle_due, self._final_due, self._media_due) if at is not None), default=None)

    def tick(self, now: float) -> Sequence[Action]:
        """Do what is due."""
        if self._final_due is not None and now >= self._final_due:
            # The last interim has to do. Where there is none, nobody has said that nothing was said.
            return [*self._start_reply(now), *(() if self._wording.text else (AskToRepeat(),))]
        if self._media_due is not None and now >= self._media_due:
            return self._miss_media(now)
        if self._idle_due is not None and now >= self._idle_due:
            return [self._prompt(now)]
        return NONE

    def _miss_media(self, now: float) -> Sequence[Action]:
        """Frames have stopped coming: go on as after a silence, and let no voice from before count when they return."""
        self._run.restart()
        return self._go_on() if self.state is State.SPEAKING else self._end_turn(now)

    def _prompt(self, now: float) -> Action:
        # Our prompt, once it is heard, sets this anew; should it fail, the next is due all the same.
        self._expect_caller(now)
        self._idle_prompts += 1
        return PromptCaller() if self._idle_prompts <= self._options.idle_prompts else GiveUp()
