"""A dialogue over OpenAI's Realtime: the skin of the exchange.

    Dialogue's calls ─► Exchange ─► socket ─► Exchange ─► events

The socket belongs to the generator that ``events`` returns: it opens with its first step, and closes with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from mediasrv.errors import ProviderError
from mediasrv.net.websocket import HandshakeError, WebSocket
from mediasrv.providers.lines import Line
from mediasrv.providers.openai_exchange import Exchange
from mediasrv.providers.openai_faults import PROVIDER, STAGE, ended
from mediasrv.providers.realtime import Dialogue, DialogueEvent, Expiring, SpeechPiece, ToolWanted
from mediasrv.providers.vendor import CONNECT_LIMIT_S, refusal

# From a cancel to the end of what was cancelled it takes one round trip; a reply waits no longer than this.
_CANCEL_LIMIT_S = 1.0
# Policy violations, and what no other session would take better.
_FATAL = frozenset({1002, 1003, 1007, 1008})


class OpenAiDialogue(Dialogue):
    """One call's session."""

    def __init__(self, exchange: Exchange, open_line: Callable[[], Awaitable[Line]], age_limit_s: float) -> None:
        """``open_line`` opens the socket; at ``age_limit_s`` the session is ``Expiring``."""
        self._exchange = exchange
        self._open_line = open_line
        self._age_limit_s = age_limit_s
        self._websocket: WebSocket | None = None
        self._lost: ProviderError | None = None
        self._heard: deque[DialogueEvent] = deque()
        self._news = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self._unsticking: asyncio.TimerHandle | None = None

    def send(self, payload: bytes) -> None:
        self._exchange.append(payload)
        self._flush()

    def drop(self) -> None:
        self._exchange.clear()
        self._flush()

    def answer(self, reply: int) -> None:
        self._exchange.answer(reply)
        self._flush()

    def say(self, reply: int, text: str) -> None:
        self._exchange.say(reply, text)
        self._flush()

    def answer_tool(self, call_id: str, result: str) -> None:
        self._exchange.answer_tool(call_id, result)
        self._flush()

    def go_on(self, reply: int) -> None:
        self._exchange.go_on(reply)
        self._flush()

    def cancel(self, reply: int) -> None:
        # What came faster than it was taken is not wanted either; that it was whole, and what it cost, is.
        self._heard = deque(event for event in self._heard if not _is_of(reply, event))
        self._exchange.cancel(reply)
        self._flush()

    def cut(self, item: str, heard_ms: int) -> None:
        self._exchange.cut(item, heard_ms)
        self._flush()

    async def events(self) -> AsyncGenerator[DialogueEvent]:
        try:
            await self._connect()
            while True:
                while self._heard:
                    yield self._heard.popleft()
                if self._lost is not None:
                    raise self._lost
                self._news.clear()
                await self._news.wait()
        finally:
            self._hang_up()

    # -- the socket ----------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                line = await self._open_line()
        except HandshakeError as error:
            if error.status:
                raise refusal(STAGE, PROVIDER, error.status) from None
            raise ended(str(error), retryable=True) from None
        except TimeoutError:
            raise ended("is not ready in time", retryable=True) from None
        except OSError as error:
            raise ended(f"cannot be reached: {error.strerror or error}", retryable=True) from None
        self._websocket = line.websocket
        line.listen(self._receive, self._closed)
        self._later(self._age_limit_s, lambda: self._tell([Expiring()]))
        self._flush()

    def _flush(self) -> None:
        """Send what there is to be sent, once there is a socket; what waits for a cancelled reply waits in bounds."""
        if self._websocket is None:
            return
        for message in self._exchange.outbox:
            self._websocket.send(message)
        self._exchange.outbox.clear()
        if self._exchange.is_stuck and self._unsticking is None:
            self._unsticking = self._later(_CANCEL_LIMIT_S, self._unstick)
        elif not self._exchange.is_stuck and self._unsticking is not None:
            self._unsticking.cancel()
            self._unsticking = None

    def _unstick(self) -> None:
        self._unsticking = None
        self._exchange.unstick()
        self._flush()

    def _receive(self, message: str | bytes) -> None:
        try:
            events = self._exchange.read(message)
        except ProviderError as error:
            self._lose(error)
            return
        self._flush()
        self._tell(events)

    def _closed(self, code: int, reason: str) -> None:
        self._lose(ended(f"closed the session with {code}", retryable=code not in _FATAL))

    def _tell(self, events: Sequence[DialogueEvent]) -> None:
        if events:
            self._heard.extend(events)
            self._news.set()

    def _lose(self, error: ProviderError) -> None:
        if self._lost is None:
            self._lost = error
            self._news.set()

    def _later(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        timer = asyncio.get_running_loop().call_later(delay_s, act)
        self._timers.append(timer)
        return timer

    def _hang_up(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._websocket is not None:
            self._websocket.close()
            self._websocket = None


def _is_of(reply: int, event: DialogueEvent) -> bool:
    """Whether an event is a piece of this reply."""
    return isinstance(event, SpeechPiece | ToolWanted) and event.reply == reply
