"""The turn machine: who has the floor, and when it changes hands (see ``turn.state``).

``hear`` takes the verdict of every frame and ``receive`` everything else; both return the actions to perform, in order.
Voice and silence are measured in media time. What is awaited from others is measured in ``now``: ``deadline`` says when
``tick`` wants to be called if nothing comes before.

An utterance stays open, and what the caller adds to it belongs to it, until our answer to it is on its way: so a reply
begun too early is replaced by one to the whole utterance.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import (
    Action,
    AskToRepeat,
    CancelReply,
    ClearPlayout,
    EndHinted,
    EndRated,
    Event,
    KeyPressed,
    PlayoutFinished,
    PlayoutStarted,
    ReplyFailed,
    ReplySpent,
    SuspendPlayout,
    Transcribed,
)
from mediasrv.turn.idle import Idle
from mediasrv.turn.language import NO_LANGUAGE, Language
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.overlap import Overlap
from mediasrv.turn.saying import Saying
from mediasrv.turn.state import State
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Final

# Carriers send silence too; when frames stop altogether, this much after the endpoint was due we stop waiting for them.
STALLED_MEDIA_S = 0.5
NONE: Sequence[Action] = ()


class TurnMachine:
    """One call's turns. Not to be used after ``GiveUp``."""

    def __init__(self, options: TurnOptions, language: Language = NO_LANGUAGE, *, renews: bool = False) -> None:
        self._options = options
        self._saying = Saying(options, language, renews=renews)
        self._wording = self._saying.wording
        self.outcomes = Outcomes()
        """What came of the caller's voice until now."""
        self._overlap = Overlap(options, language, self._saying, self.outcomes)
        self.idle = Idle(options)
        """What becomes of it when nobody speaks."""
        self._run, self._onset = VoiceRun(), VoiceRun()
        self._patience = min(options.onset_ms, options.thinking_onset_ms, options.suspicion_ms) // PTIME_MS
        self.state = State.LISTENING
        self.endpoint_s = 0.0
        """When the caller last finished."""
        self._reply_started = False
        self._final_due: float | None = None
        self._media_s: float | None = None  # when the last frame came of a caller who is heard out

    @property
    def turn(self) -> int:
        """Number of the present turn; 0 before the first."""
        return self._saying.turn

    @property
    def said(self) -> str:
        """What the caller has said in his present utterance, as far as it is written down."""
        return self._wording.text

    def start(self, now: float) -> None:
        """The call begins."""
        self._listen(now)

    def await_hello(self, limit_ms: int, now: float) -> None:
        """The other side is to speak first, and be greeted when it has, or when nobody has spoken for so long."""
        self.idle.await_hello(limit_ms)
        if self.state is State.LISTENING:
            self.idle.expect(now)

    # -- what the caller does ------------------------------------------------------------------------------------

    def hear(self, voiced: bool, speech_ms: int, now: float) -> Sequence[Action]:
        """Take a frame's verdict: is it voice, and how much speech came to light? Voice that is none begins nothing."""
        self._run.hear(PTIME_MS if voiced else 0)
        onset, state = self._onset, self.state
        onset.hear(speech_ms)
        if state is State.HEARING:
            return self._hear_utterance(now)
        if state is State.SPEAKING:
            actions = self._overlap.hear(onset, now) if self._overlap.interruptible else NONE
            return self._lose_floor(now) if actions is None else actions
        if state is State.LISTENING:
            return self._take_floor(now) if onset.voice_ms >= self._options.onset_ms else NONE
        if onset.voice_ms < self._options.thinking_onset_ms or self._saying.is_talked_out:
            return NONE
        self._saying.regret()
        return self._take_floor(now)

    @property
    def patience(self) -> int:
        """How many of the next frames may be taken together: as many as it takes to mean anything.

        In mid-voice two, where no pause is near: its first frame would come to light with its second.
        """
        if self.state is State.HEARING:
            return 1 if self._run.silence_ms else 2
        stirs = self._run.voice_ms or self._onset.voice_ms or self._overlap.media_s is not None
        return 1 if stirs else self._patience

    def _take_floor(self, now: float) -> list[Action]:
        """The caller begins to speak, or goes on before we have said anything."""
        actions: list[Action] = [CancelReply(self.turn)] if self._reply_started else []
        self._reply_started = False
        self.outcomes.utterances += not self._saying.is_open
        self._hear_on(now)
        return [*actions, *self._saying.begin()]

    def _hear_on(self, now: float) -> None:
        self.state = State.HEARING
        self.idle.cancel()
        self._final_due = None
        self._media_s = now
        self._saying.go_on()

    def _hear_utterance(self, now: float) -> Sequence[Action]:
        self._media_s = now
        actions = self._saying.hear(self._run)
        if self._saying.is_over:
            return [*actions, *self._end_turn(now)]
        # While he speaks, nothing but his words makes a difference to what there is to prepare.
        return [*actions, *self._saying.prepare()] if self._run.silence_ms else actions

    def _end_turn(self, now: float) -> list[Action]:
        """The caller has finished; the reply starts as soon as we know what he said."""
        self.state = State.THINKING
        self.endpoint_s = now
        self._media_s = None
        if self._wording.final is Final.IN_HAND:
            return self._start_reply(now)
        self._final_due = now + self._options.final_wait_ms / 1000
        return [self._wording.ask()] if self._wording.final is Final.STALE else []

    def _start_reply(self, now: float) -> list[Action]:
        self._final_due = None
        if not self._wording.text:
            self.outcomes.wordless += self._wording.final is Final.IN_HAND
            return [*self._saying.commit(), *self._listen(now)]
        self.idle.forgive()
        self._reply_started = True
        return self._saying.start_reply()

    def _lose_floor(self, now: float) -> list[Action]:
        """The caller takes the floor from us, with words that are in hand or on their way."""
        self._overlap.lose(now, is_answer=self._reply_started)
        final = self._wording.final
        actions = [ClearPlayout(), *self._take_floor(now)]
        self._wording.final = final
        return actions

    # -- what others do ------------------------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> Sequence[Action]:
        """Take anything but a frame."""
        match event:
            case Transcribed():
                return self._receive_transcript(event, now)
            case EndHinted(opinion) if self.state is State.HEARING:
                return self._saying.hint(opinion)
            case EndRated():
                self._saying.rate(event)
                return self._saying.ask() if self.state is State.HEARING else NONE
            case ReplySpent():
                self._saying.speculation.spend(event)
            case PlayoutStarted(interruptible):
                return self._speak(interruptible, now)
            case PlayoutFinished() if self.state is State.SPEAKING:
                return [*self._overlap.finish(), *self._listen(now)]
            case ReplyFailed(turn) if turn == self.turn and self._reply_started and self.state is State.THINKING:
                return [*self._saying.commit(), *self._listen(now)]
            case KeyPressed() if self.state is State.LISTENING:
                self.idle.forgive()
                self.idle.expect(now)
        return NONE

    def _receive_transcript(self, event: Transcribed, now: float) -> Sequence[Action]:
        is_final = self._saying.receive(event)
        match self.state:
            case State.HEARING:
                return self._saying.prepare()
            case State.THINKING if is_final and not self._reply_started:
                return self._start_reply(now)
            case State.SPEAKING if is_final:
                actions = self._overlap.receive_final()
                return [SuspendPlayout(), *self._lose_floor(now)] if actions is None else actions
        return NONE

    def _speak(self, interruptible: bool, now: float) -> Sequence[Action]:
        self._overlap.interruptible = interruptible
        if self.state is State.SPEAKING:
            return NONE if interruptible else self._overlap.insist()
        self.state = State.SPEAKING
        self.idle.begin()
        self._final_due = self._media_s = None
        # Voice from before our first word is no barge-in; it takes new voice to stop us.
        self._onset.restart()
        self._overlap.begin(over_caller=self._reply_started and self._saying.is_talked_out)
        if not self._reply_started:
            # Words that this does not answer stay open, and are answered when we have finished.
            return self._saying.drop()
        return self._saying.answer(now)

    def _listen(self, now: float) -> list[Action]:
        """Nobody speaks, unless the caller has said something that is not answered yet."""
        self._reply_started = False
        if self._saying.is_open:
            self._hear_on(now)
            return []
        self.state = State.LISTENING
        self.idle.expect(now)
        return []

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def _media_due(self) -> float | None:
        """When frames have stopped for longer than the silence that we wait for."""
        is_over_us = self.state is State.SPEAKING
        if (media_s := self._overlap.media_s if is_over_us else self._media_s) is None:
            return None
        return media_s + (self._options.false_alarm_ms if is_over_us else self._saying.wait_ms) / 1000 + STALLED_MEDIA_S

    def deadline(self) -> float | None:
        """When ``tick`` has something to do, if nothing comes before."""
        return min((at for at in (self.idle.due_s, self._final_due, self._media_due) if at is not None), default=None)

    def tick(self, now: float) -> Sequence[Action]:
        """Do what is due."""
        if self._final_due is not None and now >= self._final_due:
            self.outcomes.late_finals += 1
            # The last interim has to do. Where there is none, nobody has said that nothing was said.
            return [*self._start_reply(now), *(() if self._wording.text else (AskToRepeat(),))]
        if (media_due := self._media_due) is not None and now >= media_due:
            return self._miss_media(now)
        if self.idle.due_s is not None and now >= self.idle.due_s:
            return [self.idle.lapse(now)]
        return NONE

    def _miss_media(self, now: float) -> Sequence[Action]:
        """Frames have stopped coming: go on as after a silence, and let no voice from before count when they return."""
        self._run.restart()
        self._onset.restart()
        return self._overlap.go_on() if self.state is State.SPEAKING else self._end_turn(now)
