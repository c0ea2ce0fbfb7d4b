"""The bot's half of a call's audio: who speaks, and what becomes of it; `feeder` has the way to the carrier.

Who speaks holds the floor until all of his audio is queued; what is said from within a reply interrupts that reply's
audio between two pieces.

A speech is read as fast as it comes, and waits in the ledger. While the bot is suspended, which it may be for ever, no
more than ``SUSPENDED_LIMIT_MS`` may wait there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat
from mediasrv.call.audience import Audience, PlayoutWatcher
from mediasrv.call.feeder import Feeder
from mediasrv.call.floor import Floor
from mediasrv.call.link import Link
from mediasrv.call.pacer import Pacer
from mediasrv.providers.alarm import Alarm
from mediasrv.providers.base import Speech
from mediasrv.providers.vigil import Vigil
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.turn.utterance import Audible, Heard, Outcome

# A caller who hears nothing for this long within an utterance believes that the line is dead.
SPEECH_LIMIT_S = 10.0
# Longest wait for the caller to have heard everything.
QUIET_LIMIT_S = 60.0
# Unheard audio with which a speech that is suspended is read no further.
SUSPENDED_LIMIT_MS = 10_000

NOTHING = Heard(0, "", True)
"""What is heard of a speech that has no audio."""


@dataclass(frozen=True, slots=True)
class Saying:
    """An utterance under way."""

    number: int
    settled: asyncio.Future[Heard]

    @property
    def was_cut(self) -> bool:
        """Whether it was cleared before all of it was heard."""
        return self.settled.done() and not self.settled.result().complete


class Mouth:
    """What one caller hears of the bot."""

    def __init__(self, audio: AudioFormat, link: Link, pacer: Pacer, *, gathers_ms: int = 0) -> None:
        """``gathers_ms`` is what the link may hold back of what is sent, as ``StreamStarted`` tells."""
        self.audio = audio
        self.ledger = PlayoutLedger(audio, gathers_ms=gathers_ms)
        self.audience = Audience()
        self._floor = Floor()
        self._saying: Saying | None = None
        self._unsettled: dict[int, Saying] = {}
        self._vigils: list[Vigil] = []
        self._is_quiet_told = True
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._unsuspended = asyncio.Event()
        self._unsuspended.set()
        self._loop = asyncio.get_running_loop()
        self._overdue = Alarm(self.ledger.deadline, lambda now: self._settle(self.ledger.tick(now)))
        self._feeder = Feeder(audio, self.ledger, link, pacer, self.audience, self._overdue.arm)

    # -- saying --------------------------------------------------------------------------------------------------

    async def speak(self, speech: AsyncGenerator[Speech], *, interruptible: bool = True) -> Heard:
        """Say something in the call's format and return when it was heard, or cut short.

        Raise ``TimeoutError`` when the speech stops coming, and what the speech itself raises; what was queued until
        then is heard. Cancelling stops the speech likewise.
        """
        if self._floor.is_ours:
            saying = await self._queue_all(speech, interruptible)
        else:
            try:
                async with self._floor.held():
                    saying = await self._queue_all(speech, interruptible)
            finally:
                self._tell_quiet()
        return await asyncio.shield(saying.settled) if saying else NOTHING

    async def _queue_all(self, speech: AsyncGenerator[Speech], interruptible: bool) -> Saying | None:
        saying: Saying | None = None
        is_audible = False
        vigil = Vigil(SPEECH_LIMIT_S)
        self._vigils.append(vigil)
        try:
            async with aclosing(speech):
                while True:
                    piece = await vigil.wait(anext(speech, None))
                    if piece is None or (saying is not None and saying.was_cut):
                        return saying if is_audible else None
                    is_audible |= bool(piece.audio)
                    saying = self._queue(saying, piece, interruptible)
                    while self.is_suspended and self.unheard_ms >= SUSPENDED_LIMIT_MS:
                        await self._unsuspended.wait()
        finally:
            self._vigils.remove(vigil)
            vigil.end()
            self._pause()

    def _queue(self, saying: Saying | None, piece: Speech, interruptible: bool) -> Saying:
        if saying is None or saying is not self._saying:
            saying = self._begin()
        first = not self.ledger.has_audio(saying.number)
        self.ledger.queue(saying.number, piece.audio, piece.text)
        self._feeder.wake()
        if first and piece.audio:
            self.audience.watcher.bot_started(interruptible)
        for vigil in self._vigils:
            # Who lets the caller hear something from within a reply may take his time; so may the reply then.
            vigil.put_off(self.audible_until_s + SPEECH_LIMIT_S)
        return saying

    def write(self, payload: bytes) -> None:
        """Append audio without words in the call's format; ignored while something is being said."""
        if self._floor.is_free:
            self._queue(self._saying, Speech(payload), interruptible=True)

    def _begin(self) -> Saying:
        self._pause()
        self._feeder.brace()
        saying = self._saying = Saying(self.ledger.open(), self._loop.create_future())
        self._unsettled[saying.number] = saying
        self._quiet.clear()
        self._is_quiet_told = False
        return saying

    def _pause(self) -> None:
        """Close the utterance that is open: it is all there, or goes on as another one."""
        if self._saying is not None:
            saying, self._saying = self._saying, None
            self._settle(self.ledger.close(saying.number))
            self._feeder.wake()

    async def wait_until_quiet(self) -> None:
        """Return when the caller has heard all that was said, or after ``QUIET_LIMIT_S``."""
        if self._floor.is_free or self._floor.is_ours:
            self._pause()
        try:
            async with asyncio.timeout(QUIET_LIMIT_S):
                await self._quiet.wait()
        except TimeoutError:
            return

    @property
    def audible_until_s(self) -> float:
        """When the caller will have heard, or has heard, all that was said until now."""
        return self.ledger.audible_until(self._loop.time())

    # -- what becomes of it --------------------------------------------------------------------------------------

    @property
    def is_suspended(self) -> bool:
        """Whether the bot was made to fall silent, and may go on yet."""
        return self.ledger.is_suspended

    @property
    def unheard_ms(self) -> int:
        """Audio that is queued and that the caller has not heard."""
        return self.ledger.unheard_ms(self._loop.time())

    def hold(self) -> None:
        """Stop feeding the carrier; what it has runs out softly."""
        self._feeder.hold()

    def suspend(self) -> None:
        """Fall silent at once and drop nothing; ``resume`` or ``clear`` is to follow."""
        self._unsuspended.clear()
        self._feeder.suspend(self._loop.time())

    def resume(self) -> None:
        """Go on: after a silence, from the beginning of the word that was heard last."""
        self._unsuspended.set()
        self._feeder.resume(self._loop.time())

    def clear(self) -> None:
        """Fall silent at once, if that was not done before; what was not heard is dropped."""
        self.audience.watcher.bot_silenced()
        self.suspend()
        settled = self.ledger.clear(self._loop.time())
        self._saying = None
        self._unsuspended.set()
        self._settle(settled)

    def mark_reached(self, name: str, now: float) -> None:
        """The carrier says that a mark was heard."""
        self._settle(self.ledger.reached(name, now))

    def aclose(self) -> None:
        """The call is over: nothing more is fed, and nobody follows."""
        self._feeder.aclose()
        self._overdue.stop()
        self.audience.watcher = PlayoutWatcher()

    def _settle(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Audible):
                self.audience.watcher.bot_audible(outcome.at_s)
                continue
            self._unsettled.pop(outcome.utterance).settled.set_result(outcome)
            self.audience.watcher.bot_heard(outcome)
        if not self._unsettled:
            self._quiet.set()
            self._tell_quiet()

    def _tell_quiet(self) -> None:
        """Who holds the floor has more to say, so that what he said so far does not make us quiet."""
        if not self._unsettled and self._floor.is_free and not self._is_quiet_told:
            self._is_quiet_told = True
            self.audience.watcher.bot_quiet()
