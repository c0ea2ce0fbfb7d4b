"""A simulated call: a person, a carrier and a WebSocket, paced by intended time.

    pacing ─► _step ─► person.exchange ─► side.media ─► websocket                     each ptime
    websocket ─► _hear ─► side.receive ─► playout ─► side.played, side.cleared ─► websocket

Frame *k* holds the caller's voice from *k* to *k + 1* ptimes after the stream's start, so it leaves at its end, as a
carrier's does. Media time 0, of both voices, is the moment before ``start`` is written.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Mapping
from ssl import SSLContext
from uuid import uuid4

import numpy as np

from mediasrv.audio.codec import decode
from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.kernel import compile_all
from mediasrv.errors import RemoteProtocolError
from mediasrv.net.connection import WebSocket
from mediasrv.net.websocket import connect
from mediasrv.simulator.carriers import Carrier
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Paced, Pacing
from mediasrv.simulator.person import Person
from mediasrv.simulator.playout import Playout
from mediasrv.wire.events import CarrierFailed, Clear, Event, Mark, MarkReached, PlayMedia, PlayoutCleared, SendDtmf

LIMIT_S = 600.0
"""Longest call: a script cannot wait for ever for an agent that never stops."""
ERRORS_KEPT = 20
"""Enough to see what is wrong; a peer that errs in each message must not fill the memory."""

CALLER_HUNG_UP = "the caller hung up"
AGENT_HUNG_UP = "the agent hung up"
TIME_LIMIT = "the time limit"
CONNECTION_LOST = "the connection was lost"

_KINDS = {PlayMedia: "media", Mark: "mark", Clear: "clear", SendDtmf: "dtmf"}


class Caller:
    """One call, to be placed once; callers of one event loop share a ``Pacing``.

    The first caller of a process compiles the audio kernels, which takes a while where they are not cached.
    ``headers`` are custom pairs that travel with the call, in the carrier's spelling.
    """

    _websocket: WebSocket
    _playout: Playout
    _paced: Paced

    def __init__(
        self,
        carrier: Carrier,
        audio: AudioFormat,
        person: Person,
        pacing: Pacing,
        *,
        headers: str = "",
        limit_s: float = LIMIT_S,
    ) -> None:
        compile_all()
        self.call_id = str(uuid4())
        self._carrier = carrier
        self._side = carrier.side()
        self._audio = audio
        self._person = person
        self._pacing = pacing
        self._headers = headers
        self._limit_s = limit_s
        self._frame_samples = samples_in(PTIME_MS, audio.rate_hz)
        self._epoch_ms = 0
        self._payloads: list[bytes] = []
        self._unsent: list[bytes] = []
        self._lateness_ms = array("f")
        self._sent: Counter[str] = Counter()
        self._received: Counter[str] = Counter()
        self._errors: list[str] = []
        self._tones = ""
        self._is_leaving = False
        self._ending = ""

    async def call(
        self, url: str, *, ssl: SSLContext | None = None, headers: Mapping[str, str] | None = None
    ) -> Conversation:
        """Place the call and live through it; return what it left behind.

        ``headers`` go with the upgrade request. Raise what ``mediasrv.net.websocket.connect`` raises when nobody
        answers there. Cancelling drops the connection.
        """
        try:
            return await self._live(
                await connect(url, headers=headers, subprotocols=self._carrier.subprotocols, ssl=ssl)
            )
        finally:
            self._person.leave()

    def hang_up(self) -> None:
        """End the call with its next frame, whatever the person does."""
        self._is_leaving = True

    async def _live(self, websocket: WebSocket) -> Conversation:
        self._websocket = websocket
        closed = asyncio.get_running_loop().create_future()
        try:
            self._begin()
            websocket.listen(self._hear, lambda code, reason: self._end(closed, code))
            await self._paced.finished()
            websocket.close()
            return self._conversation(await closed)
        finally:
            websocket.abort()

    def _begin(self) -> None:
        started = self._pacing.clock()
        self._epoch_ms = time.time_ns() // 1_000_000
        self._playout = Playout(self._audio, started, returns_marks_on_clear=self._carrier.returns_marks_on_clear)
        if greeting := self._side.connected():
            self._send("connected", greeting)
        self._send("start", self._side.start(self.call_id, str(uuid4()), self._audio, self._headers))
        self._paced = self._pacing.enter(self._step, self._due())

    def _due(self) -> float:
        """When the next frame is to be sent."""
        return self._playout.started + (len(self._payloads) + 1) * PTIME_MS / 1000

    def _step(self, now: float) -> float | None:
        """Do what is due: acknowledge marks, and exchange frames, all that were missed when we are late."""
        self._tell(self._playout.tick(now))
        while not self._ending and self._due() <= now:
            self._exchange()
        if self._ending:
            return None
        mark_due = self._playout.deadline()
        return self._due() if mark_due is None else min(self._due(), mark_due)

    def _exchange(self) -> None:
        begin = len(self._payloads) * self._frame_samples
        act = self._person.exchange(self._playout.heard(begin, begin + self._frame_samples))
        timestamp_ms = self._epoch_ms + len(self._payloads) * PTIME_MS
        self._lateness_ms.append(1000 * (self._pacing.clock() - self._due()))
        self._payloads.append(act.payload)
        self._speak(act.payload, timestamp_ms)
        for digit in act.digits:
            self._send("dtmf", self._side.dtmf(digit, timestamp_ms))
        if act.hangs_up or self._is_leaving:
            self._ending = CALLER_HUNG_UP
        elif len(self._payloads) * PTIME_MS >= 1000 * self._limit_s:
            self._ending = TIME_LIMIT
        if self._ending:
            self._send("stop", self._side.stop())

    def _speak(self, payload: bytes, timestamp_ms: int) -> None:
        """Send a frame, with those before it where the carrier sends several at a time."""
        self._unsent.append(payload)
        earlier_ms = (len(self._unsent) - 1) * PTIME_MS
        if earlier_ms + PTIME_MS >= self._carrier.message_ms:
            self._send("media", self._side.media(b"".join(self._unsent), timestamp_ms - earlier_ms))
            self._unsent.clear()

    def _hear(self, message: str | bytes) -> None:
        now = self._pacing.clock()
        try:
            command = self._side.receive(message)
        except RemoteProtocolError as error:
            self._received["broken"] += 1
            self._note(str(error))
            return
        self._received[_KINDS[type(command)]] += 1
        if isinstance(command, SendDtmf):
            self._tones += command.digits
        self._tell(self._playout.receive(command, now))
        mark_due = self._playout.deadline()
        if mark_due is not None:
            self._paced.hurry(mark_due)

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case MarkReached(name):
                    self._send("mark", self._side.played(name))
                case PlayoutCleared():
                    if answer := self._side.cleared():
                        self._send("clear", answer)
                case CarrierFailed(reason):
                    self._note(reason)

    def _send(self, kind: str, message: str) -> None:
        self._websocket.send(message)
        self._sent[kind] += 1

    def _note(self, error: str) -> None:
        if len(self._errors) < ERRORS_KEPT:
            self._errors.append(error)

    def _end(self, closed: asyncio.Future[int], code: int) -> None:
        closed.set_result(code)
        self._ending = self._ending or (CONNECTION_LOST if code == 1006 else AGENT_HUNG_UP)
        self._paced.stop()

    def _conversation(self, close_code: int) -> Conversation:
        samples = len(self._payloads) * self._frame_samples
        return Conversation(
            audio=self._audio,
            caller=decode(self._audio.encoding, b"".join(self._payloads)),
            agent=decode(self._audio.encoding, self._playout.heard(0, samples)),
            said=tuple(self._person.said),
            gaps=tuple(self._playout.gaps),
            clears=tuple(self._playout.clears),
            marks=tuple(self._playout.marks),
            unheard_samples=self._playout.backlog(samples),
            tones=self._tones,
            lateness_ms=np.array(self._lateness_ms, np.float32),
            sent=dict(self._sent),
            received=dict(self._received),
            errors=tuple(self._errors),
            ending=self._ending,
            close_code=close_code,
        )
