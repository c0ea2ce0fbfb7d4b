"""Both speak: what the caller says over the bot's words, and whether the floor is his.

The bot holds its breath when a break-in is suspected, falls silent when it is confirmed, and goes on after a false
alarm; `bargein` judges which it is. What the caller says meanwhile is an utterance like any other, but nobody answers
it unless he takes the floor: it is dropped with the alarm that it gave.

A final may come after the bot has gone on, and say that the caller wanted the floor after all. Without one the bot
cannot know: until it comes the utterance stays open.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediasrv.turn.bargein import BargeIn, Verdict
from mediasrv.turn.events import Action, HoldPlayout, ResumePlayout, SuspendPlayout
from mediasrv.turn.language import Language
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.saying import Saying
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Final


class Overlap:
    """One call's; each time the bot begins to speak it begins anew."""

    def __init__(self, options: TurnOptions, language: Language, saying: Saying, outcomes: Outcomes) -> None:
        """What comes of it is counted in ``outcomes``."""
        self._barge_in = BargeIn(options, language)
        self._saying = saying
        self._outcomes = outcomes
        self.interruptible = True
        """Whether the caller may break in."""
        self.media_s: float | None = None
        """When the last frame of a suspicion came; None while nothing is suspected."""

    def begin(self, *, over_caller: bool) -> None:
        """We begin to speak, maybe over a caller who does not end."""
        self.media_s = None
        self._barge_in.reset(over_caller=over_caller)

    def hear(self, run: VoiceRun, now: float) -> Sequence[Action] | None:
        """Take the caller's voice as it is after a frame; None: he takes the floor, and ``lose`` is to follow."""
        verdict = self._barge_in.judge(run, self._saying.wording if self._saying.only_suspected else None)
        if not self._barge_in.suspected:
            return ()
        self.media_s = now
        match verdict:
            case Verdict.SUSPECTED:
                self._outcomes.suspicions += 1
                return [HoldPlayout(), *self._saying.begin(over_playout=True)]
            case Verdict.CONFIRMED:
                return [SuspendPlayout()]
            case Verdict.INTERRUPTED:
                return None
            case Verdict.FALSE_ALARM:
                return self.go_on()
        return self._saying.ask_over_playout(run)

    def receive_final(self) -> Sequence[Action] | None:
        """It is known what he said; None: he wanted the floor, when we had gone on, and ``lose`` is to follow."""
        has_gone_on = self._saying.only_suspected and not self._barge_in.suspected
        if not has_gone_on or not self.interruptible:
            return ()
        return None if self._barge_in.has_words(self._saying.wording) else self._dismiss()

    def insist(self) -> list[Action]:
        """What we say now is not to be broken into."""
        return self.go_on() if self._barge_in.suspected else []

    def go_on(self) -> list[Action]:
        """The caller did not break in; what he said before we spoke still waits for its answer."""
        self._barge_in.go_on()
        self.media_s = None
        # A final that is on its way may say that he did.
        is_known = self._saying.only_suspected and self._saying.wording.final is not Final.ASKED
        return [ResumePlayout(), *(self._dismiss() if is_known else ())]

    def _dismiss(self) -> list[Action]:
        """What he said is known, and is nothing to answer."""
        if self._saying.wording.text:
            self._outcomes.backchannels += 1
        else:
            self._outcomes.noises += 1
        return self._saying.commit()

    def lose(self, now: float, *, is_answer: bool) -> None:
        """The caller takes the floor from us; ``is_answer`` tells whether it was his turn that we were answering."""
        self._outcomes.barge_ins += 1
        self._barge_in.reset()
        if is_answer and self._saying.only_suspected:
            self._saying.rejoin(now)
        self._saying.only_suspected = False

    def finish(self) -> list[Action]:
        """We have nothing more to say: nothing is left to hold, and a suspicion becomes an utterance like any other."""
        self._saying.only_suspected = False
        return [ResumePlayout()] if self._barge_in.suspected else []
