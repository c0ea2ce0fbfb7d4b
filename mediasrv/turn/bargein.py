"""Barge-in: caller speech that stops the bot, in two steps.

A suspicion costs nothing that cannot be taken back: the bot stops feeding the pacer and what the carrier holds runs
out. Only when the voice goes on is the playout cleared; when it does not, the bot goes on where the caller last heard
it.
"""

from __future__ import annotations

from enum import Enum, auto

from mediasrv.turn.options import TurnOptions
from mediasrv.turn.voicerun import VoiceRun


class Verdict(Enum):
    """What a frame of the caller means to the bot that is speaking."""

    NOTHING = auto()
    SUSPECTED = auto()
    CONFIRMED = auto()
    FALSE_ALARM = auto()


class BargeIn:
    """Watches the caller while the bot speaks; one object a call, reset whenever the bot begins to speak."""

    def __init__(self, options: TurnOptions) -> None:
        self._options = options
        self.suspected = False
        """Whether the bot is holding its breath."""

    def reset(self) -> None:
        """The bot begins to speak, or has stopped."""
        self.suspected = False

    def judge(self, run: VoiceRun) -> Verdict:
        """Judge the caller's voice as it is after a frame."""
        if run.voice_ms >= self._options.barge_in_ms:
            self.suspected = False
            return Verdict.CONFIRMED
        if not self.suspected and run.voice_ms >= self._options.suspicion_ms:
            self.suspected = True
            return Verdict.SUSPECTED
        if self.suspected and run.silence_ms >= self._options.false_alarm_ms:
            self.suspected = False
            return Verdict.FALSE_ALARM
        return Verdict.NOTHING
