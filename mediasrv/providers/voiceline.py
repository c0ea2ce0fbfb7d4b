"""An open socket to a voice: it is lent to one reply at a time, and kept warm between replies."""

from __future__ import annotations

import asyncio
import math
from collections import deque

from mediasrv.errors import ProviderError
from mediasrv.net.websocket import WebSocket
from mediasrv.providers.base import Speech
from mediasrv.providers.diction import Diction
from mediasrv.providers.vigil import Vigil

# Far beyond any pause of a voice that is going to speak: whoever wants to wait less gives up by cancelling.
READ_LIMIT_S = 15.0
# A vendor that owes audio and has given no sign of life for so long may have lost the socket without knowing.
SUSPECT_S = 1.0


class VoiceLine:
    """Speaks a diction over a WebSocket."""

    def __init__(self, websocket: WebSocket, diction: Diction) -> None:
        """Take a WebSocket in the turn of the loop in which it was opened."""
        self.lost: ProviderError | None = None
        """Why it is of no use any more."""
        self.was_cut = False
        """Whether it was lost without a word of the vendor's, so that another one may do."""
        self._websocket = websocket
        self._diction = diction
        self._loop = asyncio.get_running_loop()
        self._heard: deque[Speech] = deque()
        self._news = asyncio.Event()
        # Where it owes nothing, the next phrase is waited for.
        self._vigil = Vigil(READ_LIMIT_S, lambda: not diction.owes)
        self._is_lent = False
        self._sign_s = 0.0  # of life, or when there was nothing to wait for
        self._idling: asyncio.TimerHandle | None = None
        self._put_off()
        websocket.listen(self._receive, self._closed)
        self._send()

    @property
    def is_open(self) -> bool:
        """Whether it works."""
        return self.lost is None and self._websocket.is_open

    @property
    def is_free(self) -> bool:
        """Whether it may speak the next reply."""
        return self.is_open and not self._is_lent and self._diction.is_free

    @property
    def is_suspect(self) -> bool:
        """Whether the reply waits for it as for a socket that is dead."""
        return self._is_lent and self._diction.owes and self._loop.time() >= self._sign_s + SUSPECT_S

    # -- what the reply says -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Speak a reply."""
        self._is_lent = True
        self._heard.clear()
        self._diction.begin()
        self._send()

    def speak(self, phrase: str) -> None:
        """Speak a phrase of it."""
        if not self._diction.owes:
            self._sign_s = self._loop.time()
        self._diction.speak(phrase, self._loop.time())
        self._send()
        self._news.set()

    def finish(self) -> None:
        """The reply has no more phrases."""
        self._diction.finish(self._loop.time())
        self._send()
        self._news.set()

    async def hear(self) -> Speech | None:
        """The next piece of the reply; ``None`` at its end. Raise ``ProviderError`` when no more is to be had."""
        while not self._heard:
            if self._diction.is_over:
                return None
            if self.lost is not None:
                raise self.lost
            self._news.clear()
            try:
                await self._vigil.wait(self._news.wait())
            except TimeoutError:
                self._lose(self._diction.failure("stopped answering", retryable=True))
                self._websocket.abort()
        return self._take()

    def _take(self) -> Speech:
        """The next piece, and all that goes on with its words: what came faster than it was wanted is one piece."""
        piece, heard = self._heard.popleft(), self._heard
        if not heard or heard[0].text:
            return piece
        parts = [piece.audio]
        while heard and not heard[0].text:
            parts.append(heard.popleft().audio)
        return Speech(b"".join(parts), piece.text)

    def release(self) -> None:
        """The reply is over, or what is left of it is not wanted; nothing of it is ever heard again."""
        self._is_lent = False
        self._heard.clear()
        self._vigil.end()
        if not self._diction.is_over:
            self._diction.cancel()
            self._send()

    def hang_up(self) -> None:
        """Nothing more will be spoken."""
        self._stop()
        self._websocket.close()

    # -- what the vendor says ------------------------------------------------------------------------------------

    def _receive(self, message: str | bytes) -> None:
        now = self._sign_s = self._loop.time()
        try:
            pieces = self._diction.read(message, now)
        except ProviderError as error:
            self._lose(error)
            self._websocket.abort()
            return
        self._send()
        if pieces and self._is_lent:
            self._heard.extend(pieces)
            self._news.set()
        elif self._diction.is_over:
            self._news.set()
        else:
            self._vigil.put_off(now + READ_LIMIT_S)

    def _closed(self, code: int, reason: str) -> None:
        self.was_cut = self.lost is None
        self._lose(self._diction.closed(code, reason))

    def _lose(self, error: ProviderError) -> None:
        if self.lost is None:
            self.lost = error
            self._stop()
            self._news.set()

    def _send(self) -> None:
        if outbox := self._diction.outbox:
            self._websocket.send(*outbox)
            outbox.clear()

    def _put_off(self) -> None:
        if not math.isinf(self._diction.idle_s):
            self._idling = self._loop.call_later(self._diction.idle_s, self._keep_alive)

    def _keep_alive(self) -> None:
        self._diction.keep_alive()
        self._send()
        self._put_off()

    def _stop(self) -> None:
        if self._idling is not None:
            self._idling.cancel()
