"""Speech recognition over a WebSocket: one call, and the sockets that it takes.

    Reel ─► Session (Pace, Dialect) ─► socket ─► Session (Dialect) ─► Minutes ─► transcripts

What is sent goes onto the reel, and the session is told when there is enough for a message.

A session that is lost is followed by another, and what was said since the last final is heard again. The socket belongs
to the generator that ``transcripts`` returns: it opens when that is first asked, and closes with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from mediasrv.errors import ProviderError
from mediasrv.net.websocket import HandshakeError
from mediasrv.providers.base import Recognition, Transcript, TurnHint
from mediasrv.providers.dialect import STAGE, Dialect
from mediasrv.providers.lines import Line
from mediasrv.providers.minutes import Minutes
from mediasrv.providers.reel import Reel
from mediasrv.providers.session import Deaf, Session
from mediasrv.providers.vendor import CONNECT_LIMIT_S, refusal

log = logging.getLogger(__name__)

# A caller waits for the words of a socket that was lost.
_RECONNECT_LIMIT_S = 2.0
_MAX_RETRIES = 2
_BACKOFF_S = 0.3
# A session that lived so long was a good one, though nothing may have been said in it.
_SETTLED_S = 10.0


class Recogniser(Recognition):
    """One call's recognition."""

    def __init__(
        self,
        reel: Reel,
        dialect: Callable[[], Dialect],
        open_line: Callable[[], Awaitable[Line]],
        final_wait_s: float,
    ) -> None:
        """Hear what comes onto a reel, which nobody else follows meanwhile.

        ``dialect`` makes one for each socket, which ``open_line`` opens; see ``Minutes`` for ``final_wait_s``.
        """
        self._new_dialect = dialect
        self._open_line = open_line
        self._reel = reel
        self._minutes = Minutes(final_wait_s)
        self._session: Session | None = None
        self._heard: deque[Transcript | TurnHint] = deque()
        self._woken = asyncio.Event()
        self._retries = 0
        self._was_deaf = False  # one session that does not answer may be bad luck; two in a row are not

    @property
    def send(self) -> Callable[[bytes], None]:
        """The reel's own: whoever sends frames has it called without a detour."""
        return self._reel.push

    def begin(self) -> None:
        self._minutes.begin(self._reel.end_ms, asyncio.get_running_loop().time())
        if self._session is not None:
            self._session.begin()

    def finalize(self, request: int) -> None:
        self._minutes.request(request, self._reel.end_ms)
        if self._session is not None:
            self._session.finalize(request)

    def commit(self) -> None:
        forced = self._session is not None and self._session.commit(self._minutes.is_dirty)
        self._minutes.commit(self._reel.end_ms, asyncio.get_running_loop().time(), forced=forced)

    @property
    def unsent_s(self) -> float:
        """Audio that waits for the vendor, in seconds; what is said between utterances may not be meant for it."""
        session = self._session
        is_kept_back = session is not None and session.dialect.wants_utterances and not self._minutes.is_open
        return 0.0 if is_kept_back else self._reel.left_ms / 1000

    async def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        try:
            while True:
                session = await self._connect()
                while self._heard or session.lost is None:
                    await self._woken.wait()
                    self._woken.clear()
                    while self._heard:
                        yield self._heard.popleft()
                await self._recover(session)
        finally:
            if self._session is not None:
                self._session.hang_up()

    def _tell(self, heard: list[Transcript | TurnHint]) -> None:
        self._heard.extend(heard)
        self._woken.set()

    async def _connect(self) -> Session:
        """Open a session; it is ready, or lost already. Raise when no vendor is to be had."""
        while True:
            dialect = self._new_dialect()
            try:
                async with asyncio.timeout(_RECONNECT_LIMIT_S if self._retries else CONNECT_LIMIT_S):
                    line = await self._open_line()
                    session = self._session = Session(dialect, line, self._reel, self._minutes, self._tell)
                    await session.ready()
                    return session
            except HandshakeError as error:
                if error.status:
                    raise refusal(STAGE, dialect.provider, error.status) from None
                failure = dialect.failure(str(error), retryable=True)
            except TimeoutError:
                raise dialect.failure("is not ready in time", retryable=True) from None
            except OSError as error:
                failure = dialect.failure(f"cannot be reached: {error.strerror or error}", retryable=True)
            await self._try_again(failure)

    async def _recover(self, session: Session) -> None:
        """Get ready for another session in the place of one that was lost; raise when that is of no use."""
        assert session.lost is not None
        if session.was_answered or asyncio.get_running_loop().time() > session.began_s + _SETTLED_S:
            self._retries, self._was_deaf = 0, False
        is_deaf = isinstance(session.lost, Deaf)
        if is_deaf and self._was_deaf:
            raise session.lost
        self._was_deaf = self._was_deaf or is_deaf
        await self._try_again(session.lost)

    async def _try_again(self, failure: ProviderError) -> None:
        if not failure.retryable or self._retries >= _MAX_RETRIES:
            raise failure
        log.warning("recogniser lost", extra={"provider": failure.provider, "error": str(failure)})
        await asyncio.sleep(_BACKOFF_S * self._retries)
        self._retries += 1
