"""Finals: when the recogniser is asked for one, and whether it is about to write down more.

It is asked early in a pause, and again while the voice may have died away. How soon its finals come is learnt during
the call. One that holds no more than was written down while the caller still spoke lacks his last word: he went on
speaking behind it, and recognisers are never ahead of him.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import Action, EndRated, Transcribed
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.wording import Final, Wording

# Who sounds like this has most likely finished: the final is asked for in half the time.
LIKELY = 0.5
# After its first asking a final is asked for again where that costs nothing: voices die away, and in four of ten
# utterances the last sound, faint or behind the closure of a stop, came after that, nearly always within 160 ms.
RENEWED_MS = (40, 100, 160)
# A final that is in hand after so much of a pause has come soon: it was asked for at its beginning.
PROMPT_MS = 240
# Shorter than nearly any word, and longer than a voice that trails off.
UNWRITTEN_MS = 100
# What recognisers put behind words and take away again.
_ENDINGS = " .,;:?!…।"


class Finals:
    """One call's."""

    def __init__(self, options: TurnOptions, wording: Wording, *, renews: bool = False) -> None:
        """``renews``: a final may be asked for again in one pause, see ``RequestFinal``."""
        self._request_ms = options.final_request_ms
        self._wording = wording
        self._renewals = RENEWED_MS if renews else ()
        self._asked_ms = self._renewed = 0
        self._are_prompt = False
        self._written = ""
        self._unwritten_ms = 0

    def begin(self) -> None:
        """A new utterance begins, without words."""
        self._written, self._unwritten_ms = "", 0

    def hear_voice(self) -> None:
        """There is voice in a frame."""
        self._unwritten_ms += PTIME_MS

    # -- asking --------------------------------------------------------------------------------------------------

    def ask(self, pause_ms: int, rated: EndRated) -> Sequence[Action]:
        """Ask for the final when the pause is long enough for it, and again while the voice may have died away."""
        if self._wording.final is not Final.STALE:
            return self._renew(pause_ms)
        is_likely = rated.finality is not None and rated.finality >= LIKELY
        self._asked_ms, self._renewed = pause_ms, 0
        return self.ask_once(pause_ms * 2 if is_likely else pause_ms)

    def _renew(self, pause_ms: int) -> Sequence[Action]:
        waits_ms = self._renewals[self._renewed :]
        if not waits_ms or pause_ms < self._asked_ms + waits_ms[0]:
            return ()
        self._renewed += 1
        return [self._wording.renew()]

    def ask_once(self, pause_ms: int) -> Sequence[Action]:
        """The same for what is said over our own speech."""
        is_due = self._wording.final is Final.STALE and pause_ms >= self._request_ms
        return [self._wording.ask()] if is_due else ()

    # -- what comes ----------------------------------------------------------------------------------------------

    def receive(self, event: Transcribed, pause_ms: int) -> bool:
        """Take a transcript that comes after so much of a pause; returns whether it is the final that is awaited."""
        is_awaited = self._wording.receive(event)
        written = self._wording.text.casefold().rstrip(_ENDINGS)
        if written != self._written:
            self._written, self._unwritten_ms = written, 0
        if is_awaited and pause_ms:
            self._are_prompt = pause_ms < PROMPT_MS
        return is_awaited

    def go_without(self) -> None:
        """The turn is ours, and what there is has to do where there is no final."""
        self._are_prompt &= self._wording.final is Final.IN_HAND

    def are_coming(self, pause_ms: int) -> bool:
        """Whether, after so much of a pause, more is likely to be written down in a moment."""
        if not self._are_prompt or pause_ms >= PROMPT_MS:
            return False
        return self._wording.final is not Final.IN_HAND or self._unwritten_ms >= UNWRITTEN_MS
