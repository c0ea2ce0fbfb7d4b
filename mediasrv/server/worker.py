"""A worker's end of the leash: it stands in the place of the port, and tells the supervisor how its server is doing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from ssl import SSLContext
from typing import Any

from mediasrv.server.board import Board, Entry
from mediasrv.server.calls import Calls
from mediasrv.server.leash import Leash, Message, Parts
from mediasrv.server.port import HANDSHAKE_WITHIN_S
from mediasrv.server.relay import Relay

OTHERS_WITHIN_S = 2.0
TELL_EVERY_S = 0.1
"""How often the load is told: calls do not come so fast that two reports apart would matter."""


class Tether:
    """Where connections come from, one descriptor at a time."""

    def __init__(self, end: socket.socket, board: Board | None = None, tls: SSLContext | None = None) -> None:
        """``end`` is the worker's of a leash; ``board`` knows who is on the line here; ``tls`` is for connections that
        speak it."""
        self.number = 0
        """No port of its own."""
        self.is_inherited = False
        self.is_for_one = True
        """A connection's next request may be another worker's."""
        end.setblocking(False)
        self._end = end
        self._tls = tls
        self._board = board or Board()
        self._parts = Parts()
        self._others: asyncio.Future[str] | None = None
        self._leash: Leash | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._calls: Calls | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def claim(self) -> None:
        """Nothing is to be claimed: the supervisor has done it."""

    async def open(self, make_protocol: Callable[..., asyncio.Protocol]) -> None:
        """Take connections; of one that speaks TLS, ``make_protocol`` is told how its requests are served."""
        self._make_protocol = make_protocol
        self._leash = Leash(self._end, self._hear, self._ended)

    def close(self) -> None:
        """Take no more; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
        if self._leash is not None:
            if self._calls is not None:
                self._leash.send_text("figures", self._calls.metrics.render().decode())
            self._leash.close()
            self._leash = None
        self._end.close()

    def attend(self, calls: Calls, stop: Callable[[], None]) -> None:
        """Tell of these calls from now on; ``stop`` is called when the supervisor is gone."""
        self._calls, self._stop = calls, stop
        calls.tell, calls.tell_expected = self._tell_stream, self._tell_expected
        self._tell_load(calls)

    async def others(self) -> list[Entry]:
        """Who is on the line at the other workers; those who do not tell it in time are left out."""
        if self._others is None:
            # Whoever asks meanwhile is told the same.
            self._others = asyncio.get_running_loop().create_future()
            self._send({"kind": "others"})
        try:
            async with asyncio.timeout(OTHERS_WITHIN_S):
                told = await asyncio.shield(self._others)
        except TimeoutError:
            self._others, told = None, ""
        return [Entry.read(line) for line in told.split("\n") if line]

    def _tell_load(self, calls: Calls) -> None:
        load = {"calls": calls.occupied, "refusal": calls.lasting_refusal, "is_paced": calls.is_paced}
        self._send({"kind": "load", **load})
        self._timer = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell_load, calls)

    def _tell_stream(self, call_id: str, is_live: bool) -> None:
        self._send({"kind": "stream", "call": call_id, "is_live": is_live})

    def _tell_expected(self, call_id: str, from_number: str, to_number: str, direction: str) -> None:
        """A stream whose URL does not name its call may come to another worker, who has to know it then."""
        self._send({"kind": "expected", "call": [call_id, from_number, to_number, direction]})

    def _send(self, message: Message) -> None:
        if self._leash is not None:
            self._leash.send(message)

    def _hear(self, message: Message, connection: socket.socket | None) -> None:
        if connection is not None:
            for call_id in message.get("lost", ()):
                self._call_lost(call_id)
            self._do(self._unseal(connection) if message.get("is_sealed") else self._take(connection))
        elif self._leash is not None and self._calls is not None:
            match message:
                case {"kind": "figures"}:
                    self._do(self._tell_figures(self._leash, self._calls))
                case {"kind": "calls"}:
                    self._leash.send_text("calls", "".join(f"{each.line()}\n" for each in self._board.entries.values()))
                case {"kind": "others"} if (text := self._parts.add(message)) is not None:
                    asked, self._others = self._others, None
                    if asked is not None and not asked.done():
                        asked.set_result(text)
                case {"kind": "elsewhere", "call": [call_id, from_number, to_number, direction]}:
                    self._calls.expect_elsewhere(call_id, from_number, to_number, direction)
                case {"kind": "came", "call": call_id}:
                    self._calls.came_elsewhere(call_id)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_figures(self, leash: Leash, calls: Calls) -> None:
        figures = await calls.metrics.rendered()
        if self._leash is leash:
            leash.send_text("figures", figures.decode())

    def _call_lost(self, call_id: str) -> None:
        if self._calls is not None:
            self._calls.bygones.break_off(call_id)

    async def _take(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, connection)

    async def _unseal(self, connection: socket.socket) -> None:
        """Take a connection that speaks TLS: its stream is ours, and its request may be another worker's."""
        if self._tls is None:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        # Whoever does not know how to shake hands is gone then, without a word.
        with suppress(OSError):
            await loop.connect_accepted_socket(
                lambda: self._make_protocol(partial(Relay, self._bring_back)),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_WITHIN_S,
            )

    def _bring_back(self, connection: socket.socket) -> bool:
        return self._leash is not None and self._leash.send({"kind": "unsealed"}, connection)

    def _ended(self) -> None:
        """Nobody hands us connections any more: finish what there is."""
        self._leash = None
        if self._calls is not None:
            self._stop()
