"""The calls of this server: who is expected, who is live, who is about to be gone."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from mediasrv.call.figures import Figures
from mediasrv.carriers.base import Webhook
from mediasrv.server.admission import Admission, Slot
from mediasrv.server.bygones import Bygones
from mediasrv.server.complaints import Complaints
from mediasrv.server.contracts import Agency, LiveCall, Stream
from mediasrv.server.metrics import Metrics
from mediasrv.server.switchboard import Switchboards
from mediasrv.turn.callee import Kind

log = logging.getLogger(__name__)

GOODBYE_S = 2.0
"""Longest wait for carriers to close their side, and to be told to hang up, when the server stops."""


class Calls:
    """Registry of calls; parent of their tasks."""

    def __init__(self, agency: Agency, max_calls: int, metrics: Metrics) -> None:
        self.agency = agency
        self.metrics = metrics
        self.complaints = Complaints(metrics)
        self.on_recorded: Callable[[str, str, str, int], None] = _nobody
        """Told of recordings that the carrier has made: the call's name, the recording's, where and how long it is."""
        self.switchboards = Switchboards()
        self._admission = Admission(max_calls)
        self._live: dict[str, Stream] = {}
        self.bygones = Bygones()
        self._sockets: set[Stream] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._begun_at_s: deque[float] = deque(maxlen=1024)
        self.on_left: Callable[[str], None] = _nobody
        """Told of each call whose stream is over."""
        self.tell: Callable[[str, bool], None] = _nobody
        """Told when a call's stream is open, and when it is over."""
        self.tell_expected: Callable[[str, str, str, str], None] = _nobody
        """Told of each call that room is kept for: its name, numbers and direction."""
        self.on_webhook: Callable[[Webhook, str], None] = lambda webhook, tag: None
        """Told what carriers tell, with the tag that we have put in the URL, if any; must not raise."""

    @property
    def refusal(self) -> str:
        """Why a new call would be refused, in a word; empty when it would not."""
        return self._admission.refusal(_now())

    @property
    def occupied(self) -> int:
        """Calls that are live or expected."""
        return self._admission.occupied(_now())

    def inbound_calls(self) -> int:
        """Those of them that we have not made."""
        return self._admission.inbound(_now())

    def has_agent(self, name: str) -> bool:
        """Whether there is such an agent."""
        return name in self.agency.names

    @property
    def live(self) -> int:
        """Calls with an open stream."""
        return len(self._live)

    def begun_since(self, since_s: float) -> int:
        """How many streams were opened since then; ask with ever later times."""
        while self._begun_at_s and self._begun_at_s[0] < since_s:
            self._begun_at_s.popleft()
        return len(self._begun_at_s)

    def figures(self) -> list[Figures]:
        """What may be read off the live ones."""
        return [stream.call.figures for stream in self._live.values() if stream.call is not None]

    @property
    def lasting_refusal(self) -> str:
        """Why new calls are refused for more than a moment, likewise."""
        return self._admission.lasting_refusal(_now())

    @property
    def is_paced(self) -> bool:
        """Whether a new call has to wait because the last one came a moment ago."""
        return self._admission.is_paced(_now())

    def strain(self, spacing_s: float, *, is_overloaded: bool) -> None:
        """Let new calls in so far apart at least, or none at all for want of time."""
        self._admission.spacing_s, self._admission.is_overloaded = spacing_s, is_overloaded

    def expect(self, call_id: str, from_number: str, to_number: str, direction: str = "") -> bool:
        """Keep room for a call that is about to be answered; ``False`` when there is none.

        A call without a name is told whether there is room, and nothing is kept.
        """
        if call_id in self._live:
            return True
        if not call_id:
            return not self.refusal
        if not self._admission.reserve(call_id, from_number, to_number, _now(), direction):
            return False
        self.tell_expected(call_id, from_number, to_number, direction)
        return True

    def expect_elsewhere(self, call_id: str, from_number: str, to_number: str, direction: str) -> None:
        """Another process keeps room for a call, whose stream may come here all the same."""
        self._admission.note_elsewhere(call_id, from_number, to_number, _now(), direction)

    def came_elsewhere(self, call_id: str) -> None:
        """A call's stream came to another process: no room is kept for it here."""
        self._admission.withdraw(call_id)

    def expect_back(self, call_id: str, from_number: str, to_number: str, direction: str) -> None:
        """Keep room for a caller whom nobody wanted, whether there is any or not."""
        self._admission.keep(call_id, from_number, to_number, _now(), direction)

    def prepare(self, agent_name: str) -> None:
        """Have connections open when the call comes, whose phone is ringing; nobody waits for that."""
        self.spawn(self.agency.prepare(agent_name))

    def enter(self, call_id: str) -> Slot | None:
        """Give a new socket its slot, or ``None`` when there is no room; ``leave`` gives it back."""
        return self._admission.enter(call_id, _now())

    def enter_nameless(self) -> Slot | None:
        """The same for a socket that tells its call only when it starts; ask ``is_expected`` then."""
        return self._admission.enter_nameless(_now())

    def is_expected(self, slot: Slot, call_id: str) -> bool:
        """Whether there is room for the call that a socket turned out to be."""
        return self._admission.is_expected(slot, call_id)

    def is_live(self, call_id: str) -> bool:
        """Whether a stream of this call is open."""
        return call_id in self._live

    def live_call(self, call_id: str) -> LiveCall | None:
        """The call of this name, while its stream is open."""
        stream = self._live.get(call_id)
        return None if stream is None else stream.call

    def join(self, stream: Stream) -> None:
        """A socket is open; ``part`` when it is not any more."""
        self._sockets.add(stream)

    def part(self, stream: Stream) -> None:
        """A socket is closed."""
        self._sockets.discard(stream)
        self._left.set()

    def begin(self, stream: Stream, slot: Slot, call_id: str) -> None:
        """A socket became the stream of a call that is not live yet."""
        self._admission.claim(slot, call_id)
        self._live[call_id] = stream
        self.metrics.call_started()
        self._begun_at_s.append(_now())
        self.tell(call_id, True)

    def leave(self, slot: Slot, stream: Stream | None = None) -> None:
        """Give a slot back: its stream is over, or never began; safe to call twice."""
        self._admission.leave(slot, _now())
        if stream is not None and self._live.get(slot.call_id) is stream:
            del self._live[slot.call_id]
            self.metrics.call_left()
            self.on_left(slot.call_id)
            self.tell(slot.call_id, False)
        self._left.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call, or what it needs beforehand; it must not raise."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._left.set()

    def hang_up(self, call_id: str) -> None:
        """The carrier says that a call is over."""
        self._admission.withdraw(call_id)
        self.switchboards.hung_up(call_id)
        self.bygones.end(call_id)
        if call_id in self._live:
            self._live[call_id].hang_up("hangup")

    def stream_ended(self, call_id: str, stream_id: str) -> None:
        """The carrier says that a stream is over; one that failed before this one is no news."""
        stream = self._live.get(call_id)
        if stream is not None and stream.stream_id == stream_id:
            stream.hang_up("stream ended")

    def resume(self, call_id: str) -> bool:
        """Whether a call's stream broke off here, asked once; one that the carrier has given up is over anyway."""
        if is_cut := call_id in self._live:
            self._live[call_id].hang_up("connection closed")
        return self.bygones.take_broken(call_id) or is_cut

    def miss(self, call_id: str) -> bool:
        """Whether it never came, although room was kept for it; that is free now."""
        return self._admission.withdraw(call_id)

    def callee_is(self, call_id: str, kind: Kind) -> None:
        """The carrier says who has picked up; kept for a call whose stream is yet to come."""
        if call_id in self._live:
            self._live[call_id].callee_is(kind)
        else:
            self._admission.note_callee(call_id, kind)

    def recorded(self, call_id: str, recording_id: str, url: str, duration_ms: int) -> None:
        """The carrier says that a recording of its own is ready, where ``on_recorded`` is told of it."""
        log.info("carrier's recording is ready", extra={"call": call_id, "recording": recording_id})
        self.on_recorded(call_id, recording_id, url, duration_ms)

    async def drain(self) -> None:
        """Let no new call in; return when the last one is over. Cancelling leaves them as they are."""
        self._admission.drain(_now())
        while self._tasks or self._admission.occupied(_now()) or self.switchboards.rings(_now()):
            # Reservations end by the clock, without a word.
            await self._wait_for_a_change(1.0)

    async def aclose(self) -> None:
        """End what is left of the calls, at once; give sockets, and carriers' commands, a moment to say goodbye."""
        self._admission.drain(_now())
        await self._cancel()
        for stream in self._sockets:
            stream.turn_away()
        deadline = _now() + GOODBYE_S
        while (self._sockets or self._tasks) and _now() < deadline:
            await self._wait_for_a_change(deadline - _now())
        await self._cancel()

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for_a_change(self, limit_s: float) -> None:
        self._left.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), limit_s)


def _nobody(call_id: str, *_: object) -> None:
    """Nobody wants to know."""


def _now() -> float:
    return asyncio.get_running_loop().time()
