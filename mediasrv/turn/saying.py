"""What the caller is saying: one utterance, with its pauses, from its first word until it is answered.

In a pause the recogniser is asked for its final, and the utterance is over when the pause has outlasted the wait that
endpointing thinks right. As soon as an end is likely the reply is prepared, and dropped when other words turn up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.endpointing import Clues, Endpointing
from mediasrv.turn.events import (
    Action,
    BeginUtterance,
    CommitUtterance,
    DropReply,
    EndRated,
    Opinion,
    PrepareReply,
    RateEnd,
    StartReply,
    Transcribed,
)
from mediasrv.turn.finals import Finals
from mediasrv.turn.language import Language
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.sameness import same_meaning
from mediasrv.turn.speculation import Speculation
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Final, Wording

# Shorter silences are the gaps between syllables and the closures of stops, and say nothing of a caller's habits.
LEAST_PAUSE_MS = 200
# Who speaks so soon after our first word has not been answered: he goes on with what he was saying.
REJOIN_S = 1.0
# Longer than the silences between syllables and most between words, and about what it takes to draw breath.
BREATH_MS = 300
# Beyond the limit of an utterance any breath ends it, and beyond this many times the limit nothing is waited for.
TALKED_OUT = 1.25
_UNRATED = EndRated()


class Saying:
    """One call's; each utterance begins anew."""

    def __init__(self, options: TurnOptions, language: Language, *, renews: bool = False) -> None:
        """``renews``: a final may be asked for again in one pause, see ``RequestFinal``."""
        self._options = options
        self._endpointing = Endpointing(options, language)
        self._pause_ms = self._heard_ms = 0
        self._stirs = False
        self._rated = _UNRATED
        self._hinted: Opinion | None = None
        self._is_turn_open = False
        self._answered: tuple[str, int, float] = ("", 0, -math.inf)
        """What our last reply answers, the pause that it came in, and when its first audio was on its way."""
        self._taken: tuple[str, int] | None = None
        self.wording = Wording()
        self._finals = Finals(options, self.wording, renews=renews)
        self.speculation = Speculation(options)
        self.turn = 0
        """Number of the present turn; 0 before the first."""
        self.is_open = False
        """Whether there is an utterance that is not answered yet."""
        self.only_suspected = False
        """Whether all there is of it was said over our own speech."""

    def begin(self, *, over_playout: bool = False) -> list[Action]:
        """The caller begins an utterance, if none is open."""
        if self.is_open:
            return []
        self.is_open, self.only_suspected = True, over_playout
        self._pause_ms = self._heard_ms = 0
        self._taken = None
        self.speculation.begin_turn()
        self._forget_opinions()
        self.wording.begin()
        self._finals.begin()
        return [BeginUtterance()]

    def commit(self) -> list[Action]:
        """It is over, answered or not worth an answer."""
        self.is_open = self.only_suspected = self._is_turn_open = False
        return [*self.drop(), CommitUtterance()]

    # -- a frame at a time ---------------------------------------------------------------------------------------

    def hear(self, run: VoiceRun) -> Sequence[Action]:
        """Take the voice as it is after a frame."""
        self._heard_ms += PTIME_MS
        if not run.silence_ms:
            self.go_on()
            self._finals.hear_voice()
            return ()
        begins, self._pause_ms = not self._pause_ms, run.silence_ms
        self._stirs = bool(run.voice_ms)
        return [RateEnd()] if begins else self.ask()

    def go_on(self) -> None:
        """The caller says more: no final asked for until now is all of it.

        A reply that is being prepared stays until that shows in other words: most such pauses lie within a word.
        """
        if self._pause_ms >= LEAST_PAUSE_MS:
            self._endpointing.went_on(self._pause_ms)
        self._pause_ms = 0
        self._forget_opinions()
        self.wording.go_on()

    def regret(self) -> None:
        """We took the turn in this pause, and the caller speaks on: if he has more to say we were too early."""
        self._taken = (self.wording.text, self._pause_ms)
        self._pause_ms = 0

    def rejoin(self, now: float) -> None:
        """The caller breaks into our reply: if it has just begun, he goes on with what it answers, in the same turn."""
        earlier, pause_ms, since_s = self._answered
        if now - since_s < REJOIN_S:
            self.wording.prepend(earlier)
            self._endpointing.cut_in(pause_ms)
            self._is_turn_open = True

    def _learn(self) -> None:
        if self._taken is None:
            return
        text, pause_ms = self._taken
        if not same_meaning(text, self.wording.text):
            self._endpointing.cut_in(pause_ms)
            self._taken = None

    def receive(self, event: Transcribed) -> bool:
        """Take a transcript; returns whether it is the final that is awaited."""
        return self._finals.receive(event, self._pause_ms)

    def ask(self) -> Sequence[Action]:
        """Ask for the final when it is time for that."""
        return self._finals.ask(self._pause_ms, self._rated)

    def ask_over_playout(self, run: VoiceRun) -> Sequence[Action]:
        """The same for what is said over our own speech."""
        return self._finals.ask_once(run.silence_ms)

    # -- the end -------------------------------------------------------------------------------------------------

    @property
    def wait_ms(self) -> int:
        """The silence that ends it, as far as is known."""
        if self._heard_ms >= self._options.utterance_limit_ms:
            return BREATH_MS
        return self._endpointing.wait_ms(self._clues)

    @property
    def _clues(self) -> Clues:
        return Clues(
            self.wording.text,
            is_final=self.wording.final is Final.IN_HAND,
            finality=self._rated.finality,
            probability=self._rated.probability,
            has_ended=self._hinted is Opinion.END,
        )

    @property
    def is_talked_out(self) -> bool:
        """Whether the caller has talked for so long that no pause of his is waited for."""
        return self._heard_ms >= self._options.utterance_limit_ms * TALKED_OUT

    @property
    def is_over(self) -> bool:
        """Whether it is our turn."""
        # Voice too short to be told from a click may be his next word: that shows in a moment.
        return self.is_talked_out or (self._pause_ms > 0 and not self._stirs and self.wait_ms <= self._pause_ms)

    def rate(self, rated: EndRated) -> None:
        """Take what somebody makes of this pause; what is not known leaves what was."""
        if rated.request is not None and not self.wording.is_asked(rated.request):
            return
        known = self._rated
        self._rated = EndRated(
            known.finality if rated.finality is None else rated.finality,
            known.probability if rated.probability is None else rated.probability,
        )

    def hint(self, opinion: Opinion) -> list[Action]:
        """Take the recogniser's opinion."""
        self._hinted = opinion
        if opinion is Opinion.RESUMED:
            return self.drop()
        if opinion is Opinion.END:
            self.wording.end()
        return self.prepare()

    def _forget_opinions(self) -> None:
        self._rated = _UNRATED
        self._hinted = None

    # -- the reply -----------------------------------------------------------------------------------------------

    @property
    def _next_turn(self) -> int:
        return self.turn if self._is_turn_open else self.turn + 1

    def prepare(self) -> list[Action]:
        """Prepare a reply to what was said, when its time has come and the one there is does not fit."""
        self._learn()
        text = self.wording.text
        if self.speculation.fits(text):
            return []
        actions = self.drop()
        if self.speculation.may_begin(text) and self._is_probably_over:
            self.speculation.begin(text)
            actions.append(PrepareReply(self._next_turn, text))
        return actions

    @property
    def _is_probably_over(self) -> bool:
        if self._hinted in (Opinion.EAGER_END, Opinion.END):
            return True
        if not self._pause_ms or self._finals.are_coming(self._pause_ms):
            return False
        is_due = self._pause_ms >= self.wait_ms - self.speculation.lead_ms
        return is_due and self._pause_ms >= self._endpointing.likely_ms(self._clues)

    def start_reply(self) -> list[Action]:
        """The reply is wanted now: the one there is if it fits, another one otherwise."""
        dropped: list[Action] = [] if self.speculation.fits(self.wording.text) else self.drop()
        self.speculation.end()
        self._finals.go_without()
        self.turn, self._is_turn_open = self._next_turn, True
        return [*dropped, StartReply(self.turn, self.wording.text)]

    def answer(self, now: float) -> list[Action]:
        """The first audio of the reply is on its way."""
        self._answered = (self.wording.text, self._pause_ms, now)
        return self.commit()

    def drop(self) -> list[Action]:
        """The reply that is being prepared, if there is one, is not wanted."""
        if self.speculation.text is None:
            return []
        self.speculation.end()
        return [DropReply()]
