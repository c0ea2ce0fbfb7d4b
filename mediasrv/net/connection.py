"""An open WebSocket: a sans-IO protocol object driven over an asyncio transport by plain calls.

Nothing is awaited, and nothing is queued but in the transport's own write buffer, which is bounded: a peer that stops
reading is cut off. Text arrives as ``str``: decoding it is the check of its UTF-8 (RFC 6455 section 8.1) and costs a
small part of the parsing of its frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mediasrv.net.allowance import Allowance
from mediasrv.net.frames import BINARY, TEXT, Cutter, message_frame, payload_of
from mediasrv.net.sansio import Close, Frame, SansIo

# RFC 6455 section 5.2.
_CONTINUATION = 0
# RFC 6455 section 7.4.1.
_ABNORMAL, _INVALID_DATA = 1006, 1007
# RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code.
_REASON_BYTES = 123

FLOOD = "the peer sends too much"
"""The reason of a connection that was broken off because its peer exceeded ``Limits.frames_per_s``."""
# So many bytes count as another frame.
_FRAME_BYTES = 4096

OnMessage = Callable[[str | bytes], None]
OnClosed = Callable[[int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much and how long a peer may keep us waiting."""

    message_bytes: int = 2 * 1024 * 1024
    """Largest inbound message, fragments together; a larger one closes with 1009."""
    frames_per_s: float = 0.0
    """Inbound frames of any kind, a large one counts as several; 0: any number. Then the connection is aborted."""
    frames_at_once: float = 1000.0
    """As many may come at once after a pause."""
    buffer_bytes: int = 1024 * 1024
    """Largest backlog of unsent data; beyond it the connection is aborted."""
    stall_s: float = 10.0
    """Longest time that the transport's buffer may stand above its high-water mark; then likewise."""
    ping_s: float = 20.0
    """Time between pings, and the time after one in which anything at all must have been heard."""
    close_s: float = 5.0
    """Time from a close frame to the end of the TCP connection."""


class WebSocket(asyncio.Protocol):
    """One open WebSocket. Call ``listen`` in the same turn of the loop that gave it to you."""

    __slots__ = (
        *("_allowance", "_close_timer", "_closing", "_cutter", "_deaf", "_fault", "_heard", "_is_server"),
        *("_limits", "_loop", "_on_closed", "_on_message", "_open", "_over", "_partial", "_partial_is_text"),
        *("_ping_timer", "_protocol", "_stall_timer", "_transport"),
    )

    def __init__(self, protocol: SansIo, transport: asyncio.Transport, limits: Limits, *, is_server: bool) -> None:
        """Take over the transport, with the protocol just past its opening handshake."""
        self._protocol = protocol
        self._is_server = is_server  # clients mask what they send (RFC 6455 section 5.3)
        self._cutter = Cutter(masked=is_server, most_bytes=limits.message_bytes)
        self._transport = transport
        self._limits = limits
        loop = self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(limits.frames_per_s, limits.frames_at_once, loop.time)
        self._on_message: OnMessage | None = None
        self._on_closed: OnClosed | None = None
        self._partial: bytearray | None = None
        self._partial_is_text = False
        self._open = True
        self._closing = False  # our side began the closing handshake
        self._deaf = False  # we said goodbye or broke off: nothing is delivered any more
        self._over = False  # on_closed was called, or is for listen to call
        self._fault = ""
        self._heard = True
        self._ping_timer = loop.call_later(limits.ping_s, self._ping)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        self._flush()

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self._open and not self._transport.is_closing()

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed upon."""
        subprotocol: str | None = self._protocol.subprotocol
        return subprotocol

    def listen(self, on_message: OnMessage, on_closed: OnClosed) -> None:
        """Deliver what comes, what came already first.

        ``on_message`` gets ``str`` for text and ``bytes`` for binary; it may send, close and abort. ``on_closed`` is
        called once and last, with the peer's code and reason, or with ours when it gave none; 1006 is a connection
        that broke. After ``close`` and ``abort`` nothing but ``on_closed`` is called. Who listened is forgotten then.
        """
        was_over = self._over
        self._on_message, self._on_closed = on_message, on_closed
        self._advance()
        if was_over:
            self._tell_closed()

    def send(self, *messages: str | bytes) -> None:
        """Write text or binary messages, in one call of the system; silently nothing when the WebSocket is not open."""
        if not self._open or self._transport.is_closing():
            return
        masked = not self._is_server
        self._transport.write(b"".join([message_frame(message, masked=masked) for message in messages]))
        if self._stall_timer is not None and self._transport.get_write_buffer_size() > self._limits.buffer_bytes:
            self._break_off("the peer does not read")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake behind what was sent; safe to call twice. A long reason is cut."""
        if self._open:
            self._open, self._closing, self._deaf = False, True, True
            self._protocol.send_close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
            self._flush()
            self._await_end()

    def abort(self) -> None:
        """Drop the connection and all that is unsent; ``on_closed`` follows in the next turn of the loop."""
        self._open, self._deaf = False, True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard = True
        message, on_message = self._cutter.lone_message(data), self._on_message
        if message is not None and self._open and on_message is not None:
            if self._allowance.spend(1 + len(data) // _FRAME_BYTES):
                self._tell(message, not data[0] & BINARY, on_message)
            else:
                self._break_off(FLOOD)
            return
        data, spans = self._cutter.cut(data)
        if not self._allowance.spend(len(spans) + len(data) // _FRAME_BYTES):
            self._break_off(FLOOD)
            return
        for begin, body, end in spans:
            if body and self._open and self._on_message is not None:
                payload = payload_of(data, body, end, masked=self._is_server)
                self._tell(payload, not data[begin] & BINARY, self._on_message)
            else:
                self._protocol.receive_data(data[begin:end])
                self._advance()

    def eof_received(self) -> None:
        self._heard, self._open = True, False
        self._protocol.receive_eof()
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._ping_timer, self._stall_timer, self._close_timer):
            if timer is not None:
                timer.cancel()
        self._open = False
        self._protocol.receive_eof()
        self._finish()

    def pause_writing(self) -> None:
        self._stall_timer = self._loop.call_later(self._limits.stall_s, self._break_off, "the peer does not read")

    def resume_writing(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _advance(self) -> None:
        """Do what the protocol's new state asks for: deliver, write, end."""
        if self._on_message is not None:
            for frame in self._protocol.events_received():
                if frame.opcode <= BINARY and not self._deaf:
                    self._deliver(frame, self._on_message)
        self._flush()
        if self._protocol.close_expected():
            self._open = False
            self._await_end()
            if not self._closing or self._protocol.close_rcvd is not None:
                self._finish()

    def _deliver(self, frame: Frame, on_message: OnMessage) -> None:
        """Hand over the message that this data frame is, or that it ends."""
        data, is_text = frame.data, frame.opcode == TEXT
        if frame.opcode == _CONTINUATION or not frame.fin:
            if self._partial is None:
                self._partial, self._partial_is_text = bytearray(), is_text
            self._partial += data
            if not frame.fin:
                return
            data, is_text, self._partial = self._partial, self._partial_is_text, None
        self._tell(bytes(data), is_text, on_message)

    def _tell(self, payload: bytes, is_text: bool, on_message: OnMessage) -> None:
        try:
            message = payload.decode() if is_text else payload
        except UnicodeDecodeError:
            self._deaf = True
            self._protocol.fail(_INVALID_DATA, "the text is not UTF-8")
            self._advance()
            return
        on_message(message)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
            else:  # TLS cannot be half closed
                self._transport.close()

    def _ping(self) -> None:
        if not self._heard:
            self._break_off("the peer does not answer")
            return
        self._heard = False
        if self._open:
            self._protocol.send_ping(b"")
            self._flush()
        self._ping_timer = self._loop.call_later(self._limits.ping_s, self._ping)

    def _break_off(self, fault: str) -> None:
        if not self._transport.is_closing():  # What ends it already is its cause.
            self._fault = fault
        self.abort()

    def _await_end(self) -> None:
        """Give the peer a moment to end the TCP connection."""
        if self._close_timer is None:
            self._close_timer = self._loop.call_later(self._limits.close_s, self._transport.abort)

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self._tell_closed()

    def _tell_closed(self) -> None:
        on_closed, self._on_closed = self._on_closed, None
        if on_closed is not None:
            self._on_message = None
            on_closed(*self._verdict())

    def _verdict(self) -> tuple[int, str]:
        """How it ended: code and reason."""
        close: Close | None = self._protocol.close_rcvd or self._protocol.close_sent
        if self._fault or close is None:
            return _ABNORMAL, self._fault or "the connection broke"
        return close.code, close.reason
