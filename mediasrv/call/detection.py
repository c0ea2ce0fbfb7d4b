"""Detection: asking a trained turn detector, in every pause of the caller's, whether he has finished.

What it says moves the wait of endpointing, so an answer is worth something only while its pause lasts, and only soon.
No pause waits for one. A detector that fails, or whose package breaks, is as if there were none; the first failure in a
call is logged, and all are counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mediasrv.call.call import CallParts
from mediasrv.call.observer import Observer
from mediasrv.call.spawn import Spawn
from mediasrv.errors import ProviderError
from mediasrv.providers.base import JUDGE_LIMIT_S, Pause, TurnDetector
from mediasrv.providers.hedge import Fate
from mediasrv.providers.witness import Outcome, Requests
from mediasrv.turn.events import EndRated

log = logging.getLogger(__name__)

# What was said long ago tells nothing of whether this sentence is whole.
HISTORY_MESSAGES = 6
_STAGE = "detector"

Tell = Callable[[EndRated], None]


class Detection:
    """One call's questions; each pause is numbered by the request for a final with which it began."""

    def __init__(
        self,
        detector: TurnDetector | None,
        call_id: str,
        parts: CallParts,
        spawn: Spawn,
        observer: Observer,
    ) -> None:
        self._detector = detector
        self._call_id = call_id
        self._parts = parts
        self._spawn = spawn
        self._observer = observer
        self._question = (0, "")
        self._asked = self._answered = 0
        self._has_failed = False

    def ask(self, request: int, text: str, tell: Tell) -> None:
        """Ask about a pause, with what was said until now; nothing happens when that was asked before.

        ``tell`` is called with what the detector says of the pause, which may be over by then; without one, never.
        """
        if self._detector is None or self._question == (request, text):
            return
        self._question = request, text
        self._asked += 1
        history = tuple(self._parts.history.messages[-HISTORY_MESSAGES:])
        pause = Pause(text, self._parts.ear.utterance(), history)
        self._spawn(self._judge(self._detector, self._asked, request, pause, tell))

    async def _judge(self, detector: TurnDetector, number: int, request: int, pause: Pause, tell: Tell) -> None:
        made = Requests(_STAGE)
        made.begin(number, detector.name)
        try:
            async with asyncio.timeout(JUDGE_LIMIT_S):
                probability = await detector.judge(pause)
            if not 0 <= probability <= 1:
                message = f"{probability!r} is no probability"
                raise ProviderError(message, stage=_STAGE, provider=detector.name, retryable=True)
            made.answer(number)
        except Exception as error:  # The last door: this code may be somebody else's, and no call is to end of it.
            made.end(number, Outcome.FAILED)
            self._note_failure(detector, error)
            return
        finally:
            made.end_all(Outcome.ANSWERED, Outcome.DROPPED)
        self._observer.asked(_STAGE, detector.name, Fate.ANSWERED)
        if number > self._answered:
            # Of two answers about one pause, the one to the later question counts, whichever comes first.
            self._answered = number
            tell(EndRated(probability=float(probability), request=request))

    def _note_failure(self, detector: TurnDetector, error: Exception) -> None:
        self._observer.asked(_STAGE, detector.name, Fate.FAILED)
        self._observer.detector_failed(self._call_id)
        if not self._has_failed:
            self._has_failed = True
            what = str(error) if isinstance(error, ProviderError) else type(error).__name__
            log.warning("turn detector failed", extra={"call": self._call_id, "error": what})
