"""A recogniser that does not fail as long as one of several does not.

::

    send, begin, finalize, commit ─► the reel ─► the recogniser of the moment ─► transcripts
                                        └─ heard again by the next one, when that fails ─┘

What the caller says is on one reel, which whoever listens reads, and is kept until the utterance is over. A recogniser
that fails, ends, or leaves a whole utterance without an answer is followed by the next, or by itself again: the reel
is begun anew, with the utterance from its beginning, and the final that was not given is asked for. A vendor that takes
audio only so fast is fed by its own adapter as it likes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import Recognition, Stt, Transcript, TurnHint
from mediasrv.providers.crew import Crew, Member
from mediasrv.providers.meter import Meter, Use, current_meter
from mediasrv.providers.porter import following
from mediasrv.providers.reel import KEPT_MS, Reel
from mediasrv.providers.vigil import Vigil
from mediasrv.providers.witness import Outcome, Requests

log = logging.getLogger(__name__)

# An utterance begins up to this long before we are told of it.
PRE_ROLL_MS = 300
# Of a longer utterance, the end is heard again.
UTTERANCE_MS = 30_000
# A request that an utterance ends without an answer to was not answered, rather than overtaken, when it is as old.
DEAF_S = 1.0
# Each may fail twice, and the first once more, without a word from any: then none will come.
FAILURES_EACH = 2
# Before one is asked again that has just failed, and as much more each time.
_PAUSE_S = 0.3
# Audio is heard again in pieces of this.
_PIECE_MS = 1000


class FallbackStt(Stt):
    """Listens with whoever of the crew is able."""

    name = "fallback"

    def __init__(self, crew: Crew[Stt]) -> None:
        super().__init__(None)
        self.crew = crew

    @property
    def formats(self) -> Sequence[AudioFormat]:  # type: ignore[override]  # a crew's depend on who is in it
        """Those of the one preferred; for the others, the audio is brought into one of theirs."""
        return self.crew.members[0].provider.formats

    @property
    def renews_finals(self) -> bool:  # type: ignore[override]  # likewise
        """Whether any of the crew does: the others are not asked again."""
        return any(member.provider.renews_finals for member in self.crew.members)

    async def start(self) -> None:
        await self.crew.start()

    async def aclose(self) -> None:
        await self.crew.aclose()

    async def prepare(self) -> None:
        """Have the one ready that the call will begin with: each socket that waits for nothing costs its vendor one."""
        await self.crew.attempt(self.crew.in_order()[0].provider.prepare())

    def listen(self, audio: AudioFormat) -> Recognition:
        return _Relay(self.crew, audio)


class _Leg:
    """One recogniser's part of a call, from where the reel ends now."""

    def __init__(self, member: Member[Stt], reel: Reel) -> None:
        self.member = member
        self.recognition = following(member.provider, reel)
        self._reel = reel
        self._counted = reel.end

    def count(self, meter: Meter) -> None:
        """Tell how much was sent since this was last told."""
        sent_ms = self._reel.ms_at(self._reel.end - self._counted)
        meter(self.member.provider.name, Use.AUDIO_S, sent_ms / 1000)
        self._counted = self._reel.end


class _Relay(Recognition):
    """A call's recognition, leg by leg."""

    def __init__(self, crew: Crew[Stt], audio: AudioFormat) -> None:
        self._crew = crew
        self._reel = Reel(audio)
        self._begun_at: int | None = None  # on the reel; None between utterances
        self._newest = 0  # of all requests
        self._request: int | None = None  # the newest that was not answered
        self._requested_s = 0.0
        self._was_answered = False  # whether anything was heard of the present utterance
        self._failures = 0
        self._vigil = Vigil(math.inf)
        self._leg: _Leg | None = _Leg(crew.in_order()[0], self._reel)
        self._meter = current_meter()

    @property
    def send(self) -> Callable[[bytes], None]:
        """The reel's own: whoever sends frames has it called without a detour."""
        return self._reel.push

    @property
    def unsent_s(self) -> float:
        """Audio that waits, in seconds: in the present leg, or for the next one."""
        if self._leg is not None:
            return unsent_s(self._leg.recognition)
        return self._reel.ms_at(self._reel.end - self._replayed_at) / 1000

    @property
    def _replayed_at(self) -> int:
        """From where on the next leg is to hear what is on the reel."""
        reel = self._reel
        begun_at = reel.end if self._begun_at is None else self._begun_at
        return max(0, begun_at - reel.bytes_in(PRE_ROLL_MS), reel.end - reel.bytes_in(UTTERANCE_MS))

    def begin(self) -> None:
        self._begun_at = self._reel.end
        self._reel.keep(UTTERANCE_MS)
        if self._leg is not None:
            self._leg.recognition.begin()

    def finalize(self, request: int) -> None:
        is_renewed, self._newest = request == self._newest, request
        if is_renewed and self._leg is not None and not self._leg.member.provider.renews_finals:
            return
        self._request, self._requested_s = request, asyncio.get_running_loop().time()
        if self._leg is not None:
            self._leg.recognition.finalize(request)

    def commit(self) -> None:
        waited_s = asyncio.get_running_loop().time() - self._requested_s
        is_deaf = self._request is not None and not self._was_answered and waited_s >= DEAF_S
        self._begun_at = self._request = None
        self._was_answered = False
        self._reel.keep(KEPT_MS)
        if self._leg is None:
            return
        self._leg.count(self._meter)
        if is_deaf:
            self._give_up(self._leg)
        else:
            self._leg.recognition.commit()

    def _give_up(self, leg: _Leg) -> None:
        self._leg = None
        self._reel.unfollow()
        log.warning("recogniser gave no answer", extra={"provider": leg.member.provider.name})
        # Whoever has ended the utterance goes on first: he may have more to say about it.
        asyncio.get_running_loop().call_soon(self._stop_reading)

    def _stop_reading(self) -> None:
        """Wait no more for a leg that was given up, if it was not replaced already."""
        if self._leg is None:
            self._vigil.break_off()

    async def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        """Yield what whoever listens gives; raise ``ProviderError`` when one after the other fails."""
        leg = self._leg
        self._meter = current_meter()
        sessions = Requests(self._crew.stage)
        while True:
            assert leg is not None
            sessions.begin(leg, leg.member.provider.name)
            try:
                async with aclosing(leg.recognition.transcripts()) as stream:
                    while self._leg is leg:
                        heard = await self._vigil.wait(anext(stream))
                        self._note(leg, heard)
                        sessions.answer(leg)
                        yield heard
                # It was given up while nobody read.
                raise TimeoutError
            except (ProviderError, StopAsyncIteration, TimeoutError) as error:
                failure = error
                sessions.end(leg, Outcome.FAILED)
            finally:
                sessions.end_all(Outcome.ANSWERED, Outcome.DROPPED)
                if self._leg is leg:
                    leg.count(self._meter)
                self._reel.unfollow()
            leg = self._leg = await self._replace(leg, failure)

    def _note(self, leg: _Leg, heard: Transcript | TurnHint) -> None:
        if isinstance(heard, Transcript):
            self._failures = 0
            self._was_answered = True
            leg.member.breaker.succeeded()
            if heard.request is not None and heard.request == self._request:
                self._request = None

    async def _replace(self, leg: _Leg, error: Exception) -> _Leg:
        """Open the next leg and bring it to where the last one should be; raise when there were too many."""
        message = "gives no answer" if isinstance(error, TimeoutError) else "ended"
        failure = error if isinstance(error, ProviderError) else self._failure(leg, message)
        self._leg = None
        self._failures += 1
        leg.member.breaker.failed(asyncio.get_running_loop().time())
        log.warning("recognition failed", extra={"error": str(failure), "failures": self._failures})
        if self._failures > FAILURES_EACH * len(self._crew.members):
            raise failure
        member = self._crew.in_order([leg.member])[0]
        if member is leg.member:
            await asyncio.sleep(_PAUSE_S * self._failures)
        return self._replay(member)

    def _replay(self, member: Member[Stt]) -> _Leg:
        """Begin the reel anew, for the next leg."""
        reel, start, begun_at = self._reel, self._replayed_at, self._begun_at
        kept = reel.since(start)
        lead = kept if begun_at is None else kept[: max(0, begun_at - start)]
        reel.restart()
        leg = _Leg(member, reel)
        if lead:
            reel.push(lead)
        if begun_at is None:
            return leg
        self._begun_at = reel.end
        leg.recognition.begin()
        step = reel.bytes_in(_PIECE_MS)
        for at in range(len(lead), len(kept), step):
            reel.push(kept[at : at + step])
        if self._request is not None:
            leg.recognition.finalize(self._request)
        return leg

    def _failure(self, leg: _Leg, message: str) -> ProviderError:
        return ProviderError(message, stage=self._crew.stage, provider=leg.member.provider.name, retryable=True)
