"""A conversation's account: what becomes of the bot's words, and how long the caller waited for them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from mediasrv.call.audience import PlayoutWatcher
from mediasrv.call.call import Call, CallParts
from mediasrv.call.filler import Answer
from mediasrv.call.manners import Manners
from mediasrv.call.observer import Observer
from mediasrv.call.role import Role
from mediasrv.call.stopwatch import Stopwatch
from mediasrv.call.trace import TurnTrace
from mediasrv.turn.events import Event, PlayoutFinished, PlayoutStarted
from mediasrv.turn.utterance import Heard


class Account(Manners, PlayoutWatcher):
    """Kept in the history, and told to the observer and the turn machine."""

    def __init__(self, role: Role, call: Call, parts: CallParts, observer: Observer) -> None:
        super().__init__(role, call, parts)
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._stopwatch = Stopwatch(call.id, observer)
        self._answer: Answer | None = None

    @abstractmethod
    def _tell(self, event: Event) -> None:
        """Tell the turn machine, and do what it orders."""

    def _note_words(self, turn: int, text: str) -> None:
        """Keep what the caller said."""
        self._parts.history.caller_went_on(turn, text)
        self._observer.said(self._call.id, "caller", text, self._loop.time(), turn=turn)

    def _time(self, trace: TurnTrace, endpoint_s: float) -> None:
        """A turn of the caller's, which ended then, is to be answered."""
        self._stopwatch.run(trace)
        trace.last_voice_s = self._last_voice_s
        trace.reach("endpoint", endpoint_s)
        trace.reach("final", self._loop.time())

    def bot_started(self, interruptible: bool) -> None:
        """The first audio of an utterance of ours was queued."""
        if self._answer is None or not self._answer.is_filling:
            # An apology is an answer too.
            self._stopwatch.answer_begins(self._loop.time(), self._loop.time())
        self._tell(PlayoutStarted(interruptible))

    def _note_answer(self) -> None:
        """The reply itself begins to be queued."""
        self._stopwatch.answer_begins(self._loop.time(), self._parts.mouth.audible_until_s)

    def audio_cut(self, now: float) -> None:
        """The carrier was told to drop our audio."""
        self._parts.ear.hear_no_more_of_us(now)

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        """Audio of ours was sent."""
        self._parts.ear.hear_us(payload, begins_s)
        ends_s = begins_s + self._parts.audio.samples_of(payload) / self._parts.audio.rate_hz
        self._stopwatch.audio_sent(self._loop.time(), begins_s, ends_s)

    def bot_audible(self, at_s: float) -> None:
        """The caller has heard the first sample of an utterance of ours."""
        self._stopwatch.audible(at_s, self._parts.mouth.ledger.lag_s, self._loop.time())

    def bot_heard(self, heard: Heard) -> None:
        """An utterance of ours was heard, or cut."""
        if heard.text:
            self._stopwatch.heard(self._parts.mouth.ledger.lag_s, self._loop.time())
        self._parts.history.bot_said(heard.text, complete=heard.complete)
        if heard.text:
            self._observer.said(self._call.id, "bot", heard.text, self._loop.time(), complete=heard.complete)

    def bot_quiet(self) -> None:
        """Everything that we said was heard."""
        self._tell(PlayoutFinished())
