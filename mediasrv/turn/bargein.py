"""Barge-in: caller speech that stops the bot, in three steps of which only the last cannot be taken back.

    nothing --60 ms of voice--> suspected --120 ms--> confirmed --words--> interrupted
       ^                            |                     |
       +--------- false alarm ------+---------------------+   silence, and no words but a backchannel's

A suspicion makes the bot hold its breath: it stops feeding the pacer and what the carrier holds runs out. A
confirmation makes it fall silent, but nothing is thrown away before it is known that the caller wants the floor. After
a cough, or a "mhm", the bot goes on from the word that was last heard.

A caller who talks without end is answered while he talks. He is given time to notice: his voice counts when he has
paused, or when he has talked over the bot for longer than that takes.
"""

from __future__ import annotations

from enum import Enum, auto

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.language import Language
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.sameness import is_backchannel
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Wording

# Short noises in quick succession are no reason to hold our breath for longer.
LONGEST_SUSPICION_MS = 800
# Who is talked over falls silent within a second, most of the time; who is still heard after this does not mean to.
OVERLAP_MS = 2000
# Shorter silences are within a word.
OVERLAP_PAUSE_MS = 200


class Verdict(Enum):
    """What a frame of the caller means to the bot that is speaking."""

    NOTHING = auto()
    SUSPECTED = auto()
    CONFIRMED = auto()
    INTERRUPTED = auto()
    FALSE_ALARM = auto()


class BargeIn:
    """Watches the caller while the bot speaks; one object a call, reset whenever the bot begins to speak."""

    def __init__(self, options: TurnOptions, language: Language) -> None:
        self._options = options
        self._language = language
        self.reset()

    def reset(self, *, over_caller: bool = False) -> None:
        """The bot begins to speak, maybe over the caller, or goes on, or has stopped."""
        self._ignores_run = False
        self._overlap_ms = OVERLAP_MS if over_caller else 0
        self._stand_down()

    def _stand_down(self) -> None:
        self.suspected = False
        """Whether the bot is holding its breath, or has fallen silent."""
        self._confirmed = False
        self._suspected_ms = self._voice_ms = 0

    def judge(self, run: VoiceRun, wording: Wording | None) -> Verdict:
        """Judge the caller's voice as it is after a frame.

        ``wording`` is what he has said since the suspicion; None when his words cannot be told from earlier ones.
        """
        if not self.suspected:
            return self._suspect(run)
        self._suspected_ms += PTIME_MS
        self._voice_ms += 0 if run.silence_ms else PTIME_MS
        if self._confirmed and self._wants_floor(wording):
            return Verdict.INTERRUPTED
        if not self._confirmed and self._is_barge_in(run, wording):
            self._confirmed = True
            return Verdict.CONFIRMED
        is_wordless = self._confirmed and self._is_wordless(wording)
        if is_wordless or run.silence_ms >= self._options.false_alarm_ms or self._lasts_too_long:
            return Verdict.FALSE_ALARM
        return Verdict.NOTHING

    def go_on(self) -> None:
        """It was a false alarm; music that plays on shall not be the next."""
        self._ignores_run = self._confirmed
        self._stand_down()

    def _suspect(self, run: VoiceRun) -> Verdict:
        if self._overlap_ms > 0:
            self._overlap_ms = 0 if run.silence_ms >= OVERLAP_PAUSE_MS else self._overlap_ms - PTIME_MS
            return Verdict.NOTHING
        self._ignores_run &= bool(run.voice_ms)
        if run.voice_ms < self._options.suspicion_ms or self._ignores_run:
            return Verdict.NOTHING
        self.suspected = True
        self._suspected_ms = self._voice_ms = run.voice_ms
        return Verdict.SUSPECTED

    def _is_barge_in(self, run: VoiceRun, wording: Wording | None) -> bool:
        if self._options.barge_in_words and wording is not None:
            return self.has_words(wording)
        return run.voice_ms >= self._options.barge_in_ms or (wording is not None and self.has_words(wording))

    @property
    def _lasts_too_long(self) -> bool:
        return self._suspected_ms >= LONGEST_SUSPICION_MS and not (self._confirmed or self._options.barge_in_words)

    def _wants_floor(self, wording: Wording | None) -> bool:
        if wording is None or self.has_words(wording):
            return True
        return self._voice_ms >= self._options.backchannel_ms and not self._is_wordless(wording)

    def _is_wordless(self, wording: Wording | None) -> bool:
        """Whether there is much voice, and not a word of it written down by a recogniser that would have."""
        is_long = self._voice_ms >= self._options.backchannel_ms
        return is_long and wording is not None and wording.keeps_up and not wording.text

    def has_words(self, wording: Wording) -> bool:
        """Whether he has said more than that he is listening."""
        words = len(wording.text.split())
        return words >= max(1, self._options.barge_in_words) and not is_backchannel(wording.text, self._language)
