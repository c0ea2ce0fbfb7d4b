"""The media door: from an upgrade request to a call.

    upgrade ─► proof, agent, room ─► 101 ─► start ─► agency.open ─► events … ─► stop or close ─► the call ends

Where a carrier's URL has no query, the agent and the proof whose stream it is come with ``start``.

A message walks from the socket through the carrier's protocol into the call in plain calls; a command walks back the
same way. Before ``start`` a broken message ends the socket, for there is nothing to save; after it, it is skipped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from mediasrv.carriers.base import Carrier
from mediasrv.errors import RemoteProtocolError, SignatureError
from mediasrv.net.websocket import FLOOD, HandshakeError, Limits, ServerHandshake, WebSocket
from mediasrv.server.batch import Batch
from mediasrv.server.calls import Calls
from mediasrv.server.contracts import LiveCall
from mediasrv.server.keypad import press
from mediasrv.server.request import first_values, origin_of, subprotocol_of
from mediasrv.server.visit import DEFAULT_AGENT, Visit, visit_of
from mediasrv.server.wallclock import WALL
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import Command, MediaReceived, SendDtmf, StreamStarted, StreamStopped
from mediasrv.wire.fields import name_in
from mediasrv.wire.protocol import Phase, UnsupportedFormatError

log = logging.getLogger(__name__)

START_WITHIN_S = 10.0
"""Longest silence of a socket before its ``start``; a carrier sends that at once."""
END_WITHIN_S = 6.0
"""Longest life of a call whose stream is over: an agent's last words to its own books may take five."""

# Carriers send 50 frames a second, and at once what was held up: the burst is 20 s of them.
STREAM_LIMITS = Limits(frames_per_s=200.0, frames_at_once=1000.0)
"""What a carrier may send."""

# RFC 6455 section 7.4.1: what a peer that closes on purpose says, or leaves out.
_PURPOSEFUL = (1000, 1005)
_GOING_AWAY, _UNSUPPORTED, _ABNORMAL, _POLICY, _INTERNAL = 1001, 1003, 1006, 1008, 1011


class MediaDoor:
    """Answers upgrade requests."""

    def __init__(self, calls: Calls, carriers: Mapping[str, Carrier], public_url: str) -> None:
        """``carriers`` by the path of their streams; ``public_url`` as ``origin_of`` takes it."""
        self._calls = calls
        self._carriers = carriers
        self._public_url = public_url

    def serves(self, path: str) -> bool:
        """Whether streams are served at this path."""
        return path in self._carriers

    def upgrade(self, handshake: ServerHandshake, rest: bytes, left: Callable[[], None] = lambda: None) -> None:
        """Answer a request for a path that is served; ``rest`` are the bytes that came behind it.

        ``left`` is called when a WebSocket that was opened is closed.
        """
        path, _, query = handshake.target.partition("?")
        carrier = self._carriers[path]
        try:
            params = first_values(query)
        except ValueError:
            self._refuse(handshake, 400, "the query is too long", "")
            return
        call_id = name_in(params.get("call", ""))
        origin = origin_of(handshake.headers, self._public_url)
        url = f"{origin}{handshake.target}"
        try:
            carrier.verify_stream(url, handshake.headers.items(), call_id, params.get("token", ""), WALL.earliest())
        except SignatureError as error:
            self._refuse(handshake, 403, "forbidden", call_id, str(error))
            return
        agent = params.get("agent", "")
        if (agent or not carrier.tells_at_start) and (agent or DEFAULT_AGENT) not in self._calls.agency.names:
            self._refuse(handshake, 404, "there is no such agent", call_id)
            return
        slot = self._calls.enter_nameless() if carrier.tells_at_start and not call_id else self._calls.enter(call_id)
        if slot is None:
            self._refuse(handshake, 503, self._calls.refusal, call_id)
            return
        try:
            websocket = handshake.accept(subprotocol_of(handshake.headers), rest)
        except HandshakeError:
            self._calls.leave(slot)
            return
        MediaStream(self._calls, visit_of(carrier, slot, origin, params, call_id), websocket, left).open()

    def _refuse(self, handshake: ServerHandshake, status: int, text: str, call_id: str, reason: str = "") -> None:
        self._calls.complaints.refused(reason or text, call_id)
        handshake.refuse(status, text)


class MediaStream:
    """One carrier socket and the call on it: the ``Link`` of the one to the other."""

    stream_id = ""
    start: str | bytes = ""

    def __init__(self, calls: Calls, visit: Visit, websocket: WebSocket, left: Callable[[], None]) -> None:
        self._calls = calls
        self._left = left
        self.wire = visit.carrier.protocol()
        self._visit = visit
        self._websocket = websocket
        self.call: LiveCall | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        self._batch = Batch(self._hear, self._loop.time)
        self._timer = self._loop.call_later(START_WITHIN_S, self._refuse, _POLICY, "no start within 10 s")

    def open(self) -> None:
        """Begin to listen."""
        self._calls.join(self)
        self._websocket.listen(self._batch.hear, self._closed)

    def send(self, command: Command) -> None:
        """Write a command to the carrier; silently nothing when the stream is gone."""
        if isinstance(command, SendDtmf) and not self.wire.sends_dtmf and self._visit.carrier.keypad is not None:
            self._calls.spawn(press(self._visit.carrier.keypad, self.wire.call_id, command.digits))
        elif self.wire.phase is Phase.OPEN and self._websocket.is_open:
            for message in self.wire.send(command):
                self._websocket.send(message)

    def close(self) -> None:
        """Close the socket behind what was sent; the carrier hangs up on it."""
        self._websocket.close()

    def turn_away(self) -> None:
        """Close the socket because the server stops."""
        self._websocket.close(_GOING_AWAY, "the server stops")

    def callee_is(self, kind: Kind) -> None:
        """The carrier knows who has picked up."""
        if self.call is not None:
            self.call.callee_is(kind)

    def hang_up(self, reason: str) -> None:
        """Tell the call that its stream is over, and see that it ends; once is enough."""
        if self.call is not None and self._task is not None and not self._is_over:
            self._leave()
            self._timer = self._loop.call_later(END_WITHIN_S, self._task.cancel)
            self.call.receive(StreamStopped(reason))

    def _hear(self, message: str | bytes, came_s: float) -> int:
        try:
            events = self.wire.receive(message)
        except RemoteProtocolError as error:
            self._calls.complaints.broke_protocol(error, self.wire.call_id)
            if self.call is None:
                self._refuse(_UNSUPPORTED if isinstance(error, UnsupportedFormatError) else _POLICY, str(error))
            return 1
        patience = 1
        for event in events:
            if isinstance(event, MediaReceived):
                if (call := self.call) is not None:
                    call.receive(event, came_s)
                    patience = call.patience
            elif isinstance(event, StreamStarted):
                self.start = message
                self._begin(event)
            elif isinstance(event, StreamStopped):
                self.hang_up(event.reason)
            elif self.call is not None:
                self.call.receive(event, came_s)
        return patience

    def _begin(self, started: StreamStarted) -> None:
        call_id = started.call_id
        if flaw := self._learn(started):
            self._refuse(_POLICY, flaw)
            return
        visit = self._visit
        self._timer.cancel()
        self.stream_id = started.stream_id
        self._calls.begin(self, visit.slot, call_id)
        try:
            details = visit.details(started, self.wire.carrier, self._calls.switchboards)
            self.call = self._calls.agency.open(visit.agent, started, self, details)
        except Exception:
            # The last door: a call that cannot begin must not cost the others anything.
            log.exception("call could not be opened", extra={"call": call_id})
            self._calls.bygones.break_off(call_id)
            self._refuse(_INTERNAL, "internal error")
            return
        log.info("call started", extra={"call": call_id, "agent": visit.agent, "format": str(started.format)})
        self._task = self._calls.spawn(self._run(self.call, call_id))
        if visit.slot.callee is not Kind.UNSURE:
            self.call.callee_is(visit.slot.callee)

    def _learn(self, started: StreamStarted) -> str:
        """What the stream's start tells and its URL did not; return why it is refused, if it is."""
        call_id, visit = started.call_id, self._visit
        if visit.proven_call_id not in ("", call_id):
            return "the token is for another call"
        if self._calls.is_live(call_id):
            return "the call has a stream already"
        if not self._calls.is_expected(visit.slot, call_id):
            return self._calls.refusal or "the call is not expected"
        if not visit.carrier.tells_at_start:
            return ""
        try:
            told = visit.told_by(started, WALL.earliest())
        except SignatureError as error:
            return str(error)
        if told.agent not in self._calls.agency.names:
            return "there is no such agent"
        self._visit = told
        return ""

    async def _run(self, call: LiveCall, call_id: str) -> None:
        cause = "cancelled"
        try:
            cause = await call.run()
        except Exception:
            # The last door: this call is lost, the others must not be.
            log.exception("call failed", extra={"call": call_id})
            cause = "internal error"
        finally:
            self.call = None  # it has this stream for its link: a circle
            self._timer.cancel()
            self._websocket.close()
            self._leave()
            self._calls.metrics.call_ended(cause)
            log.info("call ended", extra={"call": call_id, "cause": cause})

    def _refuse(self, code: int, reason: str) -> None:
        self._calls.complaints.refused(reason, self.wire.call_id)
        self._websocket.close(code, reason)
        self._leave()

    def _closed(self, code: int, reason: str) -> None:
        self._batch.end()
        # The reason of a close frame is the peer's text, and may hold anything.
        why = {"reason": reason} if code == _ABNORMAL else {}
        log.debug("stream closed", extra={"call": self.wire.call_id, "code": code, **why})
        self._calls.metrics.unknown_events(self.wire.unknown_events)
        if code not in _PURPOSEFUL and self.call is not None and not self._is_over:
            self._calls.bygones.break_off(self.wire.call_id)
        if reason == FLOOD:
            self._calls.complaints.refused(reason, self.wire.call_id)
        self.hang_up("connection closed" if code != 1000 else "")
        self._leave()
        self._calls.part(self)
        self._left()

    def _leave(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._timer.cancel()
            self._calls.leave(self._visit.slot, self)
