"""Server-Sent Events, sans-IO: the bytes of a body go in, wherever they are cut, and events come out.

Source: the WHATWG's HTML standard, sections 9.2.5 and 9.2.6. Lines end with CR, LF or both; a line that begins with a
colon is a comment, and a blank one ends an event. ``id`` and ``retry`` are for clients that reconnect, which a client
of an answer that is made once does not; they are skipped like every unknown field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mediasrv.errors import RemoteProtocolError

# A vendor's longest: a tool call whose arguments come whole. One that never ends a line must not eat our memory.
EVENT_LIMIT_BYTES = 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a model's tokens come as: whole events of one line each, and nothing else in the packet.
_PLAIN_EVENTS = re.compile(rb"(?:data: [^\r\n]++\n\n)++")
_DATA = len(b"data: ")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event."""

    data: str
    """Its ``data`` lines, joined by LF; what is no UTF-8 is replaced."""
    name: str = ""
    """Its ``event``; empty where it has none."""


class EventReader:
    """Reads one body."""

    def __init__(self, limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        """``limit_bytes``: the longest line, and the most data in one event."""
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._is_new = True
        self._ended_with_cr = False
        self._name = b""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def receive(self, data: bytes) -> list[ServerEvent]:
        """Take more of the body; raise ``RemoteProtocolError`` when a line or an event is too long."""
        if self._is_between_events and _PLAIN_EVENTS.fullmatch(data):
            self._is_new = False
            plain = data[:-2].split(b"\n\n")
            self._check(max(map(len, plain)))
            return [ServerEvent(line[_DATA:].decode(errors="replace")) for line in plain]
        if self._ended_with_cr and data:
            self._ended_with_cr = False
            data = data.removeprefix(b"\n")
        self._rest += data
        if self._is_new:
            if _BYTE_ORDER_MARK.startswith(self._rest):
                return []
            self._rest = self._rest.removeprefix(_BYTE_ORDER_MARK)
            data = bytes(self._rest)
            self._is_new = False
        lines: list[bytes] = []
        if b"\n" in data or b"\r" in data:
            lines = bytes(self._rest).splitlines(keepends=True)
            self._ended_with_cr = lines[-1].endswith(b"\r")
            self._rest = bytearray() if lines[-1].endswith((b"\r", b"\n")) else bytearray(lines.pop())
        self._check(len(self._rest))
        return [event for line in lines if (event := self._take(line.rstrip(b"\r\n")))]

    @property
    def _is_between_events(self) -> bool:
        return not (self._rest or self._data or self._name or self._ended_with_cr)

    def finish(self) -> list[ServerEvent]:
        """The body has ended. A browser would drop an event without its blank line; some servers forget that."""
        last = bytes(self._rest)
        self._rest = bytearray()
        return [event for line in (last, b"") if (event := self._take(line))]

    def _take(self, line: bytes) -> ServerEvent | None:
        self._check(len(line))
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_bytes += len(value)
            self._check(self._data_bytes)
        elif field == b"event":
            self._name = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        data, name = self._data, self._name
        self._data, self._name, self._data_bytes = [], b"", 0
        if not data:
            return None
        return ServerEvent(b"\n".join(data).decode(errors="replace"), name.decode(errors="replace"))

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise RemoteProtocolError(f"an event of more than {self._limit_bytes} bytes")
