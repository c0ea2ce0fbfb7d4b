"""A recogniser's session: one socket, from the vendor's readiness to its loss.

Audio goes to the socket in chunks of a few frames: a message costs what it costs, however short it is, and nobody waits
for the rest of a chunk, because a wish for a final takes along what there is. What was said before the vendor is ready,
and what an earlier socket took with it, is on the reel; ``feed`` gives it to the vendor, as fast as that takes it, and
the wishes for finals at their places in between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from mediasrv.errors import ProviderError
from mediasrv.providers.alarm import Alarm
from mediasrv.providers.base import Transcript, TurnHint
from mediasrv.providers.dialect import STAGE, Dialect, Hello, Message, Reading
from mediasrv.providers.lines import Line
from mediasrv.providers.minutes import LEAD_IN_MS, Minutes, Piece
from mediasrv.providers.pace import Pace
from mediasrv.providers.reel import Reel

# How often a vendor that takes audio no faster than this is fed while we catch up.
_PACE_S = 0.05


class Deaf(ProviderError):
    """A vendor that takes audio and does not give a sign of life."""

    def __init__(self, provider: str) -> None:
        super().__init__("does not answer", stage=STAGE, provider=provider, retryable=True)


class Session:
    """Speaks a dialect over a line, about the audio on the reel, for the minutes."""

    def __init__(
        self,
        dialect: Dialect,
        line: Line,
        reel: Reel,
        minutes: Minutes,
        tell: Callable[[list[Transcript | TurnHint]], None],
    ) -> None:
        """``tell`` is called with what was heard, and with nothing when the socket is lost."""
        self.dialect = dialect
        self.lost: ProviderError | None = None
        """Why it is over."""
        self.was_answered = False
        """Whether anything was ever heard."""
        self._line = line
        self._reel = reel
        self._minutes = minutes
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self.began_s = self._loop.time()
        """When the vendor was ready."""
        self._ready = asyncio.Event()
        self._is_ready = False
        self._zero_ms = 0.0  # the call's media time at the session's beginning
        self._pace = Pace(dialect.speed, dialect.burst_ms, self.began_s)
        self._chunk = reel.bytes_in(dialect.chunk_ms)
        self._quiet_chunk = reel.bytes_in(max(dialect.chunk_ms, dialect.quiet_chunk_ms))
        self._least = max(1, reel.bytes_in(dialect.least_ms))
        self._wishes: deque[tuple[int, int]] = deque()  # positions of requests that the vendor was not told of
        self._feeding: asyncio.TimerHandle | None = None
        self._alarm = Alarm(minutes.deadline, self._tick)  # for a final that is overdue
        self._idling: asyncio.TimerHandle | None = None
        line.listen(self._receive, lambda code, reason: self.lose(dialect.closed(code, reason)))
        if not dialect.greets and self.lost is None:
            self._start()

    async def ready(self) -> None:
        """Wait until the vendor is ready, or ``lost``."""
        await self._ready.wait()

    # -- what the call says --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The caller has begun to speak."""
        if self._is_ready:
            if self.dialect.wants_utterances:
                self._skip_to(self._reel.end - self._reel.bytes_in(LEAD_IN_MS))
            self._say(self.dialect.begin())
            self.feed()

    def finalize(self, request: int) -> None:
        """A final is wanted of all that is on the reel."""
        if self._is_ready:
            self._wishes.append((self._reel.end, request))
            self.feed()

    def commit(self, is_dirty: bool) -> bool:
        """The utterance is over; return whether one more final will come because of it."""
        if not self._is_ready:
            return False
        self._wishes.clear()
        # What waited to be sent is of no use any more, but for the first sounds of the next utterance.
        self._skip_to(self._reel.end - self._reel.bytes_in(LEAD_IN_MS))
        messages = self.dialect.commit(is_dirty)
        self._say(messages)
        return bool(messages)

    def feed(self) -> None:
        """Give the vendor what it has not had yet, and the next as soon as there is enough of it for a message."""
        if not self._is_ready or self._feeding or (self.dialect.wants_utterances and not self._minutes.is_open):
            return
        messages: list[Message] = []
        if self._fulfil(messages):
            # Between utterances nothing that is heard is in a hurry.
            enough = self._chunk if self._minutes.is_open else self._quiet_chunk
            if self._pick_up(self._reel.end, enough, messages):
                self._reel.follow(self.feed, enough)
        self._say(messages)

    def _fulfil(self, messages: list[Message]) -> bool:
        """Add what fulfils the wishes for finals; ``False`` when the vendor wants it slower."""
        while self._wishes:
            position, request = self._wishes[0]
            if not self._pick_up(position, self._least, messages):
                return False
            self._wishes.popleft()
            messages += self.dialect.finalize()
            self._minutes.asked(request, self._loop.time())
            self._alarm.arm()
        return True

    def hang_up(self) -> None:
        """The call is over: take leave of the vendor."""
        self._stop()
        self._tell = _nobody
        if self.lost is None:
            self._say(self.dialect.farewell())
            self._line.websocket.close()

    def lose(self, error: ProviderError) -> None:
        """The socket is of no use any more."""
        if self.lost is None:
            self.lost = error
            self._stop()
            self._line.websocket.abort()
            self._ready.set()
            tell, self._tell = self._tell, _nobody
            tell([])

    # -- what the vendor says ------------------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        try:
            readings = self.dialect.read(message)
        except ProviderError as error:
            self.lose(error)
            return
        if self._is_ready:
            self._minutes.notice(self._loop.time())
        for reading in readings:
            self._take(reading)
        if self._is_ready:
            self._alarm.arm()

    def _take(self, reading: Reading) -> None:
        match reading:
            case Piece():
                self.was_answered = True
                reading.shift(self._zero_ms)
                heard: list[Transcript | TurnHint] = [*self._minutes.hear(reading)]
                if reading.hint is not None:
                    heard.append(TurnHint(reading.hint))
                if heard:
                    self._tell(heard)
            case TurnHint():
                self._tell([reading])
            case Hello() if not self._is_ready:
                self._start()

    def _start(self) -> None:
        """The vendor is ready: send what it missed, and go on from there."""
        dialect, reel, minutes = self.dialect, self._reel, self._minutes
        self.began_s = self._loop.time()
        reel.rewind(reel.bytes_in(minutes.reopen(reel.end_ms - dialect.replay_ms, reel.end_ms - dialect.burst_ms)))
        self._zero_ms = reel.ms_at(reel.given)
        self._pace = Pace(dialect.speed, dialect.burst_ms, self.began_s)
        self._wishes.extend((reel.bytes_in(at_ms), request) for request, at_ms in minutes.unanswered)
        self._is_ready = True
        self._ready.set()
        self._watch(-1)
        if minutes.is_open:
            self._say(dialect.begin())
        self.feed()
        self._alarm.arm()

    # -- what is done about it -----------------------------------------------------------------------------------

    def _say(self, messages: Sequence[Message]) -> None:
        if messages:
            self._line.websocket.send(*messages)

    def _pick_up(self, upto: int, least: int, messages: list[Message]) -> bool:
        """Add audio up to a position, as long as there is enough of it; ``False`` when the vendor wants it slower."""
        reel = self._reel
        while (left := upto - reel.given) >= least:
            size = min(left, self._quiet_chunk)
            if not self._pace.take(reel.ms_at(size), self._loop.time()):
                self._feeding = self._loop.call_later(_PACE_S, self._feed_on)
                return False
            given = reel.given
            payload = reel.take(size)
            if (dropped := reel.given - given - len(payload)) > 0:
                self._zero_ms += reel.ms_at(dropped)
            messages.append(self.dialect.audio(payload))
        return True

    def _feed_on(self) -> None:
        self._feeding = None
        self.feed()

    def _skip_to(self, position: int) -> None:
        """Leave out audio that the vendor has not had."""
        skipped = position - self._reel.given
        if skipped > 0:
            self._reel.given = position
            self._zero_ms += self._reel.ms_at(skipped)

    def _tick(self, now: float) -> None:
        if self._minutes.is_deaf(now, self.dialect.noise_ms):
            self.lose(Deaf(self.dialect.provider))
        elif overdue := self._minutes.tick(now):
            self._tell([*overdue])

    def _watch(self, given: int) -> None:
        """Keep the session alive when nothing was sent since ``given``."""
        if given == self._reel.given:
            self._say(self.dialect.keep_alive())
            self._zero_ms -= self.dialect.silence_ms
        self._idling = self._loop.call_later(self.dialect.idle_s, partial(self._watch, self._reel.given))

    def _stop(self) -> None:
        if self._is_ready:
            self._is_ready = False
            self._reel.unfollow()
        self._alarm.stop()
        for timer in (self._feeding, self._idling):
            if timer is not None:
                timer.cancel()


def _nobody(heard: list[Transcript | TurnHint]) -> None:
    pass
