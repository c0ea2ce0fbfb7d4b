"""The leash between supervisor and worker: a unix socket of whole messages, on which connections are handed over.

    supervisor ─► worker    new (a connection, with its descriptor, and the calls it is about that are lost), figures,
                            calls (requests), others (in parts), elsewhere, came (others' calls: expected, begun)
    worker ─► supervisor    load, expected (a call), stream (begun or over), figures, calls (in parts), others (asked),
                            unsealed (a connection with a request that came over TLS)

Each message is one JSON object; a descriptor goes with it by SCM_RIGHTS (unix(7)), so the connection is the worker's
as if it had accepted it. When either side ends, the other sees the end of the socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

Message = dict[str, Any]

PART_CHARS = 32_768
"""Of a long text in one message; a message must fit into the socket's buffer."""
_MESSAGE_BYTES = 262_144


def leash() -> tuple[socket.socket, socket.socket]:
    """A new leash: the supervisor's end and the worker's."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    return ends


class Leash:
    """One end, on the running loop."""

    def __init__(
        self, end: socket.socket, hear: Callable[[Message, socket.socket | None], None], ended: Callable[[], None]
    ) -> None:
        """``hear`` takes messages, with the connection that came along; ``ended`` is called once the other is gone."""
        self._end = end
        self._hear = hear
        self._ended = ended
        self._is_open = True
        asyncio.get_running_loop().add_reader(end.fileno(), self._read)

    def send(self, message: Message, connection: socket.socket | None = None) -> bool:
        """Send a message and, with it, a connection of which this process may let go then.

        ``False`` when the other end is gone, or so busy that it has not read what it was sent.
        """
        if not self._is_open:
            return False
        data = orjson.dumps(message)
        try:
            if connection is None:
                self._end.send(data)
            else:
                socket.send_fds(self._end, [data], [connection.fileno()])
        except OSError:
            return False
        return True

    def send_text(self, kind: str, text: str) -> None:
        """Send a long text in parts, for ``Parts`` to put together."""
        for at in range(0, max(len(text), 1), PART_CHARS):
            part = text[at : at + PART_CHARS]
            self.send({"kind": kind, "part": part, "is_last": at + PART_CHARS >= len(text)})

    def close(self) -> None:
        """Let go; safe to call twice."""
        if self._is_open:
            self._is_open = False
            asyncio.get_running_loop().remove_reader(self._end.fileno())
            self._end.close()

    def _read(self) -> None:
        while self._is_open:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, _MESSAGE_BYTES, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                self.close()
                self._ended()
                return
            connection = socket.socket(fileno=descriptors[0]) if descriptors else None
            if connection is not None:
                connection.setblocking(False)
            with suppress(orjson.JSONDecodeError):
                self._hear(orjson.loads(data), connection)


class Parts:
    """Puts a long text together."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def add(self, message: Message) -> str | None:
        """Take a part; return the text with its last one."""
        self._parts.append(message["part"])
        if not message["is_last"]:
            return None
        text, self._parts = "".join(self._parts), []
        return text
