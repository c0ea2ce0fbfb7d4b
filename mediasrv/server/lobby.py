"""The lobby: where connections wait until it is known which worker they are for.

    accept ─► peek until the request is whole ─┬─► a worker, with all that was sent (see ``steering``)
                                               └─► answered here: what is asked of all workers together

Peeking takes nothing from the socket. It also tells nothing of when there is more, so a request that is not whole is
looked at again in a few milliseconds, which happens to few: carriers send a request in one piece.

Of a connection that speaks TLS nothing can be seen: it goes to the worker that has least to do, which brings back what
may be for another one (see ``relay``).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

from mediasrv.server import crowd
from mediasrv.server.door import HEAD_WITHIN_S
from mediasrv.server.glance import LONGEST, is_whole, names_in, target_of
from mediasrv.server.steering import Steering

log = logging.getLogger(__name__)

WHOLE_WITHIN_S = 1.0
"""From its first byte; what takes longer goes to a worker as it is, which knows how to wait."""
ANSWER_WITHIN_S = 5.0
_AGAIN_S = 0.005
_ACCEPTED_AT_ONCE = 64
# Without a descriptor for it no connection can be accepted, and asking again at once would not help.
_BREATH_S = 0.1

Answer = Callable[[], Awaitable[tuple[HTTPStatus, str]]]
"""What is answered here, as plain text."""
Hand = Callable[[int, socket.socket, Sequence[str], bool], bool]
"""Gives a connection to a worker, with the names of calls that the request is about and that died with another worker,
and whether it speaks TLS; tells whether it could."""


class Lobby:
    """Accepts connections and hands them on."""

    def __init__(
        self, steering: Steering, hand: Hand, answers: Mapping[bytes, Answer], *, is_sealed: bool = False
    ) -> None:
        """``answers`` are by path; ``is_sealed``: connections speak TLS."""
        self._steering = steering
        self._hand = hand
        self._answers = answers
        self._is_sealed = is_sealed
        self._doors: Sequence[socket.socket] = ()
        self._visitors: dict[_Visitor, None] = {}  # the first has waited longest
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, doors: Sequence[socket.socket]) -> None:
        """Accept from these sockets, which listen."""
        self._loop = asyncio.get_running_loop()
        self._doors = doors
        for door in doors:
            door.setblocking(False)
            self._loop.add_reader(door.fileno(), self._accept, door)

    def close_doors(self) -> None:
        """Accept no more; those who wait are still seen to. Safe to call twice."""
        for door in self._doors:
            self._loop.remove_reader(door.fileno())
        self._doors = ()

    def close(self) -> None:
        """Send everybody away; safe to call twice."""
        self.close_doors()
        for visitor in list(self._visitors):
            visitor.leave()
        for task in self._tasks:
            task.cancel()

    def _accept(self, door: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, _ = door.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.error("cannot accept connections", extra={"error": error.strerror})
                self._loop.remove_reader(door.fileno())
                self._loop.call_later(_BREATH_S, self._resume, door)
                return
            connection.setblocking(False)
            self._seat(connection, self._pass_sealed if self._is_sealed else self._decide)

    def bring_back(self, connection: socket.socket) -> None:
        """A worker has unsealed a connection: what it holds is looked at now."""
        self._seat(connection, self._decide)

    def _seat(self, connection: socket.socket, decide: Callable[[socket.socket, bytes], None]) -> None:
        if len(self._visitors) >= crowd.MOST_WAITING:
            next(iter(self._visitors)).leave()
        self._visitors[_Visitor(connection, decide, self._visitors.pop)] = None

    def _resume(self, door: socket.socket) -> None:
        if door in self._doors:
            self._loop.add_reader(door.fileno(), self._accept, door)

    def _decide(self, connection: socket.socket, data: bytes) -> None:
        answer = self._answers.get(target_of(data))
        if answer is not None:
            self._reply(connection, answer)
            return
        if not self._give(connection, names_in(data)):
            self._reply(connection, _nobody)

    def _pass_sealed(self, connection: socket.socket, data: bytes) -> None:
        self._give(connection, (), is_sealed=True)
        connection.close()

    def _give(self, connection: socket.socket, names: Sequence[str], *, is_sealed: bool = False) -> bool:
        """Find a worker that takes a connection; ``False`` where there is none."""
        tried = set[int]()
        while (worker := self._steering.choose(names, self._loop.time(), tried)) is not None:
            if self._hand(worker, connection, self._steering.lost(names, worker), is_sealed):
                connection.close()
                return True
            tried.add(worker)
        return False

    def _reply(self, connection: socket.socket, answer: Answer) -> None:
        task = asyncio.create_task(self._write(connection, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, connection: socket.socket, answer: Answer) -> None:
        # A close with bytes unread would reset the connection, and the answer with it.
        with suppress(OSError), connection:
            connection.recv(LONGEST)
            status, text = await answer()
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                f"Content-Length: {len(text.encode())}\r\nConnection: close\r\n\r\n"
            )
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._loop.sock_sendall(connection, (head + text).encode())


async def _nobody() -> tuple[HTTPStatus, str]:
    return HTTPStatus.SERVICE_UNAVAILABLE, "no worker is there\n"


class _Visitor:
    """A connection whose request is looked at."""

    def __init__(
        self,
        connection: socket.socket,
        decide: Callable[[socket.socket, bytes], None],
        left: Callable[[_Visitor], object],
    ) -> None:
        self._connection = connection
        self._decide = decide
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(HEAD_WITHIN_S, self.leave)
        self._whole_by_s: float | None = None
        self._loop.add_reader(connection.fileno(), self._look)

    def leave(self) -> None:
        """Close the connection."""
        self._stop()
        self._connection.close()

    def _look(self) -> None:
        try:
            data = self._connection.recv(LONGEST, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = self._loop.time()
        self._whole_by_s = self._whole_by_s or now + WHOLE_WITHIN_S
        if not data:
            self.leave()
        elif is_whole(data.lstrip(b"\r\n")) or now >= self._whole_by_s:
            self._stop()
            self._decide(self._connection, data.lstrip(b"\r\n"))
        else:
            self._loop.remove_reader(self._connection.fileno())
            self._timer.cancel()
            self._timer = self._loop.call_later(_AGAIN_S, self._look)

    def _stop(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._connection.fileno())
        self._left(self)
