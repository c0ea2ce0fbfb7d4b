"""Speech recognition over a WebSocket: the skin around a vendor's ``Dialect`` and the ``Minutes`` of the utterances.

    send ─► Reel ─► (Pace) ─► Dialect.audio ─► socket ─► Dialect.read ─► Minutes ─► transcripts

A frame walks straight to the socket while nothing is in its way. Before the vendor is ready, after a socket was lost,
and where frames are merged, the reel remembers what the socket has not had; ``_feed`` gives it that, as fast as the
vendor takes it, and the wishes for finals at their places in between.

A socket that breaks is replaced, and what was said since the last final is sent again. The socket belongs to the
generator that ``transcripts`` returns: it opens when that is first asked, and closes with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from functools import partial

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.net.websocket import HandshakeError
from mediasrv.providers.base import Recognition, Transcript, TurnHint
from mediasrv.providers.dialect import STAGE, Dialect, Hello, Message, Reading
from mediasrv.providers.lines import Line
from mediasrv.providers.minutes import LEAD_IN_MS, Minutes
from mediasrv.providers.pace import Pace
from mediasrv.providers.reel import Reel
from mediasrv.providers.vendor import CONNECT_LIMIT_S, refusal

log = logging.getLogger(__name__)

# Beyond this, what the caller said first is lost: it would come too late to be answered.
_KEPT_MS = 10_000
# A caller waits for the words of a socket that was lost.
_RECONNECT_LIMIT_S = 2.0
_MAX_RETRIES = 2
_BACKOFF_S = 0.3
# A session that lived so long was a good one, though nothing may have been said in it.
_SETTLED_S = 10.0
# Frames that were kept are sent in messages of this size, where the vendor has no wish of its own.
_BATCH_MS = 100
_PACE_S = 0.05


class Recogniser(Recognition):
    """One call's recognition."""

    def __init__(
        self,
        audio: AudioFormat,
        dialect: Callable[[], Dialect],
        open_line: Callable[[], Awaitable[Line]],
        final_wait_s: float,
    ) -> None:
        """``dialect`` makes one for each socket, which ``open_line`` opens; see ``Minutes`` for ``final_wait_s``."""
        self._new_dialect = dialect
        self._open_line = open_line
        self._dialect = dialect()
        self._reel = Reel(audio, _KEPT_MS)
        self._minutes = Minutes(final_wait_s)
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._write: Callable[[Message], None] = _nowhere
        self._is_ready = False  # the vendor takes audio
        self._is_direct = False  # nothing stands between a frame and the socket
        self._zero_ms = 0.0  # the call's media time at the session's beginning
        self._wishes: deque[tuple[int, int]] = deque()  # positions of requests that the vendor was not told of
        self._heard: deque[Transcript | TurnHint] = deque()
        self._woken = asyncio.Event()
        self._greeted = asyncio.Event()
        self._lost: ProviderError | None = None
        self._retries = 0
        self._began_s = self._loop.time()
        self._pace = Pace(self._dialect.speed, self._dialect.burst_ms, self._began_s)
        self._feeding: asyncio.TimerHandle | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._idling: asyncio.TimerHandle | None = None

    # -- what the call says --------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        self._reel.push(payload)
        if self._is_direct:
            self._reel.given = self._reel.end
            self._write(payload)
        elif self._is_ready:
            self._feed()

    def begin(self) -> None:
        self._minutes.begin(self._reel.end_ms)
        if self._is_ready:
            if self._dialect.wants_utterances:
                self._skip_to(self._reel.end - self._reel.bytes_in(LEAD_IN_MS))
            self._say(self._dialect.begin())
            self._feed()

    def finalize(self, request: int) -> None:
        self._minutes.request(request, self._reel.end_ms)
        if self._is_ready:
            self._wishes.append((self._reel.end, request))
            self._feed()
            self._await_finals()

    def commit(self) -> None:
        messages = self._dialect.commit(self._minutes.is_dirty) if self._is_ready else ()
        self._wishes.clear()
        # What waited to be sent is of no use any more, but for the first sounds of the next utterance.
        self._skip_to(self._reel.end - self._reel.bytes_in(LEAD_IN_MS))
        self._say(messages)
        self._minutes.commit(self._reel.end_ms, self._loop.time(), forced=bool(messages))
        self._await_finals()

    async def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        try:
            while True:
                await self._connect()
                while self._heard or self._lost is None:
                    await self._woken.wait()
                    self._woken.clear()
                    while self._heard:
                        yield self._heard.popleft()
                await self._recover(self._lost)
        finally:
            self._hang_up()

    # -- the socket ----------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Open a socket and wait until the vendor is ready; leave ``_lost`` when another try may do better."""
        self._lost = None
        self._dialect = self._new_dialect()
        self._greeted.clear()
        try:
            async with asyncio.timeout(_RECONNECT_LIMIT_S if self._retries else CONNECT_LIMIT_S):
                line = self._line = await self._open_line()
                self._write = line.websocket.send
                line.listen(self._receive, partial(self._close, line))
                if self._dialect.greets:
                    await self._greeted.wait()
                elif self._lost is None:
                    self._begin_session()
        except HandshakeError as error:
            if error.status:
                raise refusal(STAGE, self._dialect.provider, error.status) from None
            self._lose(self._dialect.failure(str(error), retryable=True))
        except TimeoutError:
            raise self._dialect.failure("is not ready in time", retryable=True) from None
        except OSError as error:
            self._lose(self._dialect.failure(f"cannot be reached: {error.strerror or error}", retryable=True))

    async def _recover(self, lost: ProviderError | None) -> None:
        """Get ready for another socket; raise when that is of no use."""
        assert lost is not None
        if self._loop.time() > self._began_s + _SETTLED_S:
            self._retries = 0
        if not lost.retryable or self._retries >= _MAX_RETRIES:
            raise lost
        log.warning("recogniser lost", extra={"provider": self._dialect.provider, "error": str(lost)})
        await asyncio.sleep(_BACKOFF_S * self._retries)
        self._retries += 1

    def _receive(self, message: Message) -> None:
        try:
            readings = self._dialect.read(message)
        except ProviderError as error:
            self._lose(error)
            return
        if self._is_ready:
            self._minutes.notice()
        for reading in readings:
            self._take(reading)
        if self._heard:
            self._woken.set()
        self._await_finals()

    def _take(self, reading: Reading) -> None:
        if isinstance(reading, Hello):
            self._greeted.set()
            if not self._is_ready:
                self._begin_session()
            return
        if isinstance(reading, TurnHint):
            self._heard.append(reading)
            return
        self._retries = 0
        self._heard.extend(self._minutes.hear(reading.shifted(self._zero_ms)))
        if reading.hint is not None:
            self._heard.append(TurnHint(reading.hint))

    def _close(self, line: Line, code: int, reason: str) -> None:
        if line is self._line:
            self._lose(self._dialect.closed(code, reason))

    def _lose(self, error: ProviderError) -> None:
        """The socket is of no use any more."""
        if self._lost is None:
            self._lost = error
        line = self._line
        self._stop()
        if line is not None:
            line.websocket.abort()
        self._greeted.set()
        self._woken.set()

    def _hang_up(self) -> None:
        """The call is over."""
        line = self._line
        self._stop()
        if line is not None:
            for message in self._dialect.farewell():
                line.websocket.send(message)
            line.websocket.close()

    def _stop(self) -> None:
        self._line, self._write = None, _nowhere
        self._is_ready = self._is_direct = False
        self._wishes.clear()
        for timer in (self._feeding, self._waiting, self._idling):
            if timer is not None:
                timer.cancel()
        self._feeding = self._waiting = self._idling = None

    # -- a session -----------------------------------------------------------------------------------------------

    def _begin_session(self) -> None:
        """The vendor is ready: send what it missed, and go on from there."""
        dialect, reel, minutes = self._dialect, self._reel, self._minutes
        self._began_s = self._loop.time()
        reel.rewind(reel.bytes_in(minutes.reopen(reel.end_ms - dialect.replay_ms, reel.end_ms - dialect.burst_ms)))
        self._zero_ms = reel.ms_at(reel.given)
        self._pace = Pace(dialect.speed, dialect.burst_ms, self._began_s)
        self._wishes.extend((reel.bytes_in(at_ms), request) for request, at_ms in minutes.unanswered)
        self._is_ready = True
        self._keep_alive(reel.given)
        if minutes.is_open:
            self._say(dialect.begin())
        self._feed()
        self._await_finals()

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._write(message)

    def _feed(self) -> None:
        """Give the socket what it has not had yet."""
        if self._feeding is not None or (self._dialect.wants_utterances and not self._minutes.is_open):
            return
        while self._wishes:
            position, request = self._wishes[0]
            if not self._send_audio(position, is_last=True):
                return
            self._wishes.popleft()
            self._say(self._dialect.finalize())
            self._minutes.asked(request, self._loop.time())
            self._await_finals()
        is_fed = self._send_audio(self._reel.end, is_last=False)
        self._is_direct = is_fed and not self._dialect.chunk_ms

    def _send_audio(self, upto: int, *, is_last: bool) -> bool:
        """Send audio up to a position, in whole chunks but for the last; ``False`` when the vendor wants it slower."""
        reel, dialect = self._reel, self._dialect
        chunk = reel.bytes_in(dialect.chunk_ms)
        least = reel.bytes_in(dialect.least_ms) if is_last else chunk
        while (left := upto - reel.given) > 0 and left >= least:
            size = min(left, chunk or reel.bytes_in(_BATCH_MS))
            if not self._pace.take(reel.ms_at(size), self._loop.time()):
                self._feeding = self._loop.call_later(_PACE_S, self._feed_on)
                return False
            given = reel.given
            payload = reel.take(size)
            self._zero_ms += reel.ms_at(reel.given - given - len(payload))
            self._write(dialect.audio(payload))
        return True

    def _feed_on(self) -> None:
        self._feeding = None
        self._feed()

    def _skip_to(self, position: int) -> None:
        """Leave out audio that the socket has not had."""
        skipped = position - self._reel.given
        if skipped > 0:
            self._reel.given = position
            self._zero_ms += self._reel.ms_at(skipped)

    def _await_finals(self) -> None:
        """Be there when a final is overdue."""
        if self._waiting is not None:
            self._waiting.cancel()
        due = self._minutes.deadline() if self._is_ready else None
        self._waiting = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        if self._dialect.always_answers and self._minutes.is_deaf(now):
            self._retries += 1  # one such socket may be bad luck; two in a row are no luck at all
            self._lose(self._dialect.failure("does not answer", retryable=True))
            return
        self._heard.extend(self._minutes.tick(now))
        self._woken.set()
        self._await_finals()

    def _keep_alive(self, given: int) -> None:
        """Send something when nothing was sent since ``given``."""
        if given == self._reel.given and self._idling is not None:
            self._say(self._dialect.keep_alive())
            self._zero_ms -= self._dialect.silence_ms
        again = partial(self._keep_alive, self._reel.given)
        self._idling = self._loop.call_later(self._dialect.idle_s, again)


def _nowhere(message: Message) -> None:
    """Where there is no socket."""
