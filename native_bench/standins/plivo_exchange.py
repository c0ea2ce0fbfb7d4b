"""The exchange behind the stand-in of Plivo: it rings, fetches documents, obeys them, and tells what has happened.

    queued ─► ringing ─► in-progress ─► document ─► element … ─► end of the document ─► completed
                 │            ▲             │ Redirect, Dial's action, the transfer API
                 ▼            └─────────────┘
        busy, no-answer, failed, timeout

A stream is a real one: the simulated carrier opens the WebSocket that the document names, and a subscriber's script is
spoken on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mediasrv.audio.format import MULAW_8K
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import Performance
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.plivo import PLIVO_FORMATS
from native_bench.standins.plivo_callbacks import Callbacks, signature_headers
from native_bench.standins.plivo_leg import (
    BAD_DOCUMENT,
    BUSY,
    END_OF_XML,
    MACHINE,
    NO_ANSWER,
    NO_DOCUMENT,
    NORMAL,
    REJECTED,
    RING_TIMEOUT,
    TOO_MANY,
    Cause,
    HungUp,
    Leg,
    Redirected,
    Subscriber,
)

ACTION_LIMIT = 70
"""Plivo lets a call be led elsewhere so often."""
SPEAK_S = 0.05
"""How long a sentence takes."""
_DIAL_STATUS = {"completed": "completed", "busy": "busy", "no-answer": "no-answer", "timeout": "timeout"}


@dataclass(slots=True)
class Room:
    """A conference."""

    members: set[Leg] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    met: asyncio.Event = field(default_factory=asyncio.Event)


class Exchange:
    """All legs of one account."""

    def __init__(
        self, token: str, callbacks: Callbacks, people: Mapping[str, Subscriber], max_concurrent: int = 0
    ) -> None:
        """``people`` by number in Plivo's spelling, or SIP address; whoever else is called answers and listens."""
        self.people = dict(people)
        self.legs: dict[str, Leg] = {}
        self._token = token
        self._callbacks = callbacks
        self._max_concurrent = max_concurrent
        self._rooms: dict[str, Room] = {}
        self._pacing = Pacing()

    async def aclose(self) -> None:
        """End all calls without a word."""
        tasks = [leg.task for leg in self.legs.values() if leg.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- the life of a call --------------------------------------------------------------------------------------

    def begin(self, leg: Leg) -> Leg:
        """Ring."""
        self.legs[leg.call_id] = leg
        leg.task = asyncio.create_task(self._live(leg), name=f"leg {leg.call_id}")
        return leg

    def subscriber(self, number: str) -> Subscriber:
        """Whoever a number reaches."""
        return self.people.get(number, Subscriber())

    def _tell(self, leg: Leg, what: str, event: str, **more: str) -> None:
        method = leg.urls.get(f"{what}_method", "POST")
        self._callbacks.tell(leg.urls.get(what, ""), {**leg.fields(event), **more}, method)

    async def _live(self, leg: Leg) -> None:
        try:
            await self._ring(leg)
            await self._obey(leg)
            cause = END_OF_XML
        except HungUp as end:
            cause = end.cause
        self._end(leg, cause)

    def _end(self, leg: Leg, cause: Cause) -> None:
        leg.cause, leg.state, leg.ended = cause, cause.status, datetime.now(UTC)
        leg.deeds.append(f"ended {cause.code}")
        # Without a hangup URL the answer URL is asked again.
        self._tell(leg, "hangup" if leg.urls.get("hangup") else "answer", "Hangup")
        for recording_id in leg.recordings:
            self.report_recording(leg, recording_id)

    def report_recording(self, leg: Leg, recording_id: str) -> None:
        """A recording is ready."""
        name = {"api_id": "a", "call_uuid": leg.call_id, "recording_id": recording_id}
        times = {"recording_duration": "1", "recording_duration_ms": "1000"}
        span = {"recording_start_ms": "1764000000000", "recording_end_ms": "1764000001000"}
        url = f"https://media.plivo.com/v1/Account/MA/Recording/{recording_id}.wav"
        self._callbacks.tell(leg.urls.get(recording_id, ""), {**name, **times, **span, "record_url": url})

    async def _ring(self, leg: Leg) -> None:
        live = sum(each.state in ("ringing", "in-progress") for each in self.legs.values())
        if self._max_concurrent and live >= self._max_concurrent:
            raise HungUp(TOO_MANY)
        leg.state = "ringing"
        leg.deeds.append("ringing")
        self._tell(leg, "ring", "Ring")
        subscriber = leg.subscriber
        rings_out = subscriber.answers == "no" or subscriber.after_s > leg.ring_timeout_s
        await leg.do(asyncio.sleep(leg.ring_timeout_s if rings_out else subscriber.after_s))
        if rings_out:
            raise HungUp(NO_ANSWER if subscriber.answers == "no" else RING_TIMEOUT)
        if subscriber.answers in ("busy", "reject"):
            raise HungUp(BUSY if subscriber.answers == "busy" else REJECTED)
        leg.state = "in-progress"
        leg.deeds.append("answered")
        if leg.detects_machine:
            self._detect(leg)

    def _detect(self, leg: Leg) -> None:
        is_machine, hangs_up = leg.subscriber.is_machine, leg.detects_machine == "hangup"
        verdict = {"Machine": str(is_machine).lower(), "IfMachine": "hangup" if hangs_up else "continue"}
        self._tell(leg, "machine", "MachineDetection", **verdict)
        if is_machine and hangs_up:
            raise HungUp(MACHINE)

    # -- documents -----------------------------------------------------------------------------------------------

    async def _obey(self, leg: Leg) -> None:
        """Fetch documents and do what stands in them, until one comes to its end."""
        url, fields = leg.urls["answer"], leg.fields("StartApp")
        method = leg.urls.get("answer_method", "POST")
        for _ in range(ACTION_LIMIT):
            try:
                elements = await leg.do(self._document(url, fields, method))
                for element in elements:
                    await self._perform(element, leg)
                return
            except Redirected as there:
                url, fields, method = there.url, leg.fields() | there.fields, "POST"
        raise HungUp(END_OF_XML)

    async def _document(self, url: str, fields: Mapping[str, str], method: str) -> list[Element]:
        status, text = await self._callbacks.fetch(url, fields, method)
        if not 200 <= status < 300 or not text:
            raise HungUp(NO_DOCUMENT)
        try:
            response = ElementTree.fromstring(text)
        except ElementTree.ParseError:
            raise HungUp(BAD_DOCUMENT) from None
        if response.tag != "Response":
            raise HungUp(BAD_DOCUMENT)
        return list(response)

    async def _perform(self, element: Element, leg: Leg) -> None:
        text = (element.text or "").strip()
        match element.tag:
            case "Stream":
                await leg.do(self._stream(element, text, leg))
            case "Dial":
                await self._dial(element, leg)
            case "Conference":
                await leg.do(self._confer(element, text, leg))
            case "Speak" | "Play" | "Wait":
                leg.deeds.append(f"{element.tag.lower()} {text}".strip())
                await leg.do(asyncio.sleep(SPEAK_S if element.get("loop") != "0" else 3600))
            case "Redirect":
                raise Redirected(text)
            case "Hangup":
                raise HungUp(NORMAL)
            case _:
                raise HungUp(BAD_DOCUMENT)

    async def _stream(self, element: Element, url: str, leg: Leg) -> None:
        audio = read_media_format({"encoding": element.get("contentType", "")}, MULAW_8K, PLIVO_FORMATS)
        person = Performance(leg.subscriber.script if not leg.conversations else (), audio)
        headers = element.get("extraHeaders", "").replace(",", ";")
        leg.caller = Caller(carrier_named("plivo"), audio, person, self._pacing, headers=headers)
        leg.caller.call_id = leg.call_id
        leg.deeds.append("stream")
        try:
            conversation = await leg.caller.call(url, headers=signature_headers(self._token, "GET", url, {}))
        except OSError:
            leg.deeds.append("no stream")
            return
        finally:
            leg.caller = None
        leg.conversations.append(conversation)
        if conversation.ending == "the caller hung up" and not leg.is_interrupted:
            raise HungUp(NORMAL)

    # -- two legs ------------------------------------------------------------------------------------------------

    async def _dial(self, element: Element, leg: Leg) -> None:
        (target,) = element
        other = Leg(
            element.get("callerId") or leg.from_number,
            (target.text or "").strip().removeprefix("+"),
            "outbound",
            self.subscriber((target.text or "").strip().removeprefix("+")),
            ring_timeout_s=float(element.get("timeout", "120")),
        )
        leg.deeds.append(f"dial {target.tag} {other.to_number}")
        self.legs[other.call_id] = other
        ended = END_OF_XML
        try:
            await leg.do(self._put_through(leg, other))
        except (HungUp, Redirected) as reason:
            if not other.is_over:
                self._end(other, NORMAL)
            if isinstance(reason, Redirected) or reason.cause is not other.cause:
                raise
            ended = reason.cause
        if action := element.get("action"):
            told = {"DialStatus": _DIAL_STATUS.get(ended.status, "failed"), "DialRingStatus": "true"}
            legs = {"DialALegUUID": leg.call_id, "DialBLegUUID": other.call_id}
            raise Redirected(action, {**told, "DialHangupCause": ended.cause, **legs})

    async def _put_through(self, leg: Leg, other: Leg) -> None:
        """Ring the other leg and let both talk; raise the other's end."""
        try:
            await self._ring(other)
            self._meet(leg, other)
            await other.do(asyncio.sleep(other.subscriber.talks_s or 3600))
            raise HungUp(NORMAL)
        except HungUp as end:
            self._end(other, end.cause)
            raise

    @staticmethod
    def _meet(leg: Leg, other: Leg) -> None:
        for one, another in ((leg, other), (other, leg)):
            one.bridged_to.add(another.call_id)
            one.deeds.append("bridged")

    async def _confer(self, element: Element, name: str, leg: Leg) -> None:
        leg.deeds.append("conference")
        async with self._member(element, name, leg) as room:
            # Whoever talks for a while and hangs up is the one who was called; others stay.
            talks_s = leg.subscriber.talks_s if leg.direction == "outbound" else 0.0
            over = asyncio.create_task(room.over.wait())
            try:
                await room.met.wait() if not room.over.is_set() else None
                await asyncio.wait({over}, timeout=talks_s or None)
            finally:
                over.cancel()
            if not room.over.is_set():
                raise HungUp(NORMAL)

    @asynccontextmanager
    async def _member(self, element: Element, name: str, leg: Leg) -> AsyncIterator[Room]:
        room = self._rooms.setdefault(name, Room())
        for other in room.members:
            self._meet(leg, other)
        room.members.add(leg)
        if len(room.members) > 1:
            room.met.set()
        try:
            yield room
        finally:
            room.members.discard(leg)
            if element.get("endConferenceOnExit") == "true" or not room.members:
                room.over.set()
                room.met.set()
                self._rooms.pop(name, None)


def legs_to(legs: Mapping[str, Leg], number: str) -> Iterator[Leg]:
    """Legs to a number in any spelling."""
    plain = number.removeprefix("+")
    return (leg for leg in legs.values() if leg.to_number.removeprefix("+") == plain)
