"""A replay: the world around a call, played from a capture, and what the call does held against what it did."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.call.call import Call
from mediasrv.call.effort import Work
from mediasrv.call.live import LiveCall
from mediasrv.call.observer import Observer
from mediasrv.providers.base import Speech
from mediasrv.replay.comparison import LINK_CLOSED, Comparison, Difference, Line, came_in
from mediasrv.replay.header import details_from, role_from
from mediasrv.replay.loops import ReplayLoop
from mediasrv.replay.parts import asked
from mediasrv.replay.replayed import ReplayedChannel, ReplayedPacer, ReplayedRecorder
from mediasrv.replay.verdicts import give_verdicts
from mediasrv.replay.wire import READ, ReplayedWire, is_same
from mediasrv.replay.world import Begin, Channel, World, context_for
from mediasrv.wire.events import Command, Event


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a replay."""

    duration_s: float
    actions: int
    """Commands that were the same."""
    messages: int
    """Messages to the carrier that were the same."""
    difference: Difference | None


def replay(header: Mapping[str, Any], lines: Sequence[Line]) -> Replayed:
    """Run the call again; the loop of this thread must not be running."""
    with asyncio.Runner(loop_factory=ReplayLoop) as runner:
        # Not as a task: the call's own are stepped within.
        loop, player = runner.get_loop(), Player(header, lines)
        done: asyncio.Future[Replayed] = loop.create_future()
        loop.call_soon(lambda: _fulfil(done, player.play))
        return loop.run_until_complete(done)


def _fulfil(done: asyncio.Future[Replayed], work: Callable[[], Replayed]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)


class Player(World):
    """Of one call."""

    def __init__(self, header: Mapping[str, Any], lines: Sequence[Line]) -> None:
        super().__init__()
        self._header = header
        self._lines = lines
        self.now = self._began_s = float(header["began_s"])
        self._comparison = Comparison(lines, self._began_s, is_redacted=header["is_redacted"])
        self._steps: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = count()
        self._known_timers = Counter(line[3] for line in lines if line[0] == "timer")
        self._channels: dict[str, ReplayedChannel] = {}
        self._early: dict[str, list[tuple[str, Sequence[Any]]]] = {}
        about = header.get("wire")
        self._wire = ReplayedWire(about, header["started"]) if about else None

    # -- what the loop and the call ask for ----------------------------------------------------------------------

    def plan(self, handle: asyncio.Handle) -> None:
        """A step is to be taken."""
        self._steps.append(handle)

    def set_timer(self, handle: asyncio.TimerHandle) -> None:
        """A timer is to go off."""
        heapq.heappush(self._timers, (handle.when(), next(self._order), handle))

    def tell(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Nobody is there."""

    def open(
        self, kind: str, begin: Begin, words: AsyncIterator[str] | None = None, call: Call | None = None
    ) -> Channel:
        channel = ReplayedChannel(self.name(kind), words, call)
        self._channels[channel.name] = channel
        for early, outcome in self._early.pop(channel.name, ()):
            channel.take(early, *outcome)
        return channel

    # -- as the call's link --------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Hold a command against what was sent, and what it becomes against what was written."""
        self._comparison.hold(self.now, command)
        if self._wire is not None and self._comparison.is_written:
            self._comparison.hold(self.now, self._wire.write(command))

    def close(self) -> None:
        """Hold that against what was done."""
        self._comparison.hold(self.now, LINK_CLOSED)

    # -- the play ------------------------------------------------------------------------------------------------

    def play(self) -> Replayed:
        """Let everything come in again, up to the first difference."""
        self._within = context_for(self)
        if self._wire is not None:
            self._hold_read(self._header["started"], self._wire.begin())
        self._call = self._within.copy().run(self._set_up)
        for line in came_in(self._lines):
            if self._comparison.difference is not None:
                break
            if line[0] == "left out":
                self.effort.leave_out([Work(each) for each in line[1]])
                continue
            if line[0] == READ:
                self._read(line[1])
                continue
            kind, now, steps, *what = line
            self._take_steps(steps)
            self._fire_unknown(now)
            self.now = now
            self._within.copy().run(self._enter, kind, what)
        self._take_steps(None)
        self._comparison.end()
        self._abandon()
        found = self._comparison
        return Replayed(self.now - self._began_s, found.same, found.written, found.difference)

    def _read(self, message: str | bytes) -> None:
        """The carrier says something."""
        if self._wire is not None and (left := self._wire.read(message)) is not None:
            self._comparison.differ(self.now, None, left)

    def _hold_read(self, event: Event, got: Any) -> None:
        """Hold what was read from the wire against what is read from it now."""
        if not is_same(event, got):
            self._comparison.differ(self.now, event, got)

    def _set_up(self) -> LiveCall:
        self._pacer = ReplayedPacer(self)
        role = role_from(self._header, _phrases(self._lines), self)
        recorder = ReplayedRecorder() if self._header["records"] else None
        details, started = details_from(self._header, self), self._header["started"]
        call = LiveCall(role, started, self, details, self._pacer, Observer(), self.effort, recorder)
        if self._header["is_redacted"]:
            give_verdicts(call.call._parts.ear, self._lines)
        return call

    def _take_steps(self, most: int | None) -> None:
        taken = 0
        while self._steps and (most is None or taken < most):
            handle = self._steps.popleft()
            if not handle.cancelled():
                taken += 1
                handle._run()

    def _fire_unknown(self, now: float) -> None:
        """Let those timers go off in time that did not go off when the call was captured."""
        while self._timers and self._timers[0][0] <= now and not self._known_timers[self._timers[0][0]]:
            due, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                self.now = max(self.now, due)
                handle._run()
                self._take_steps(None)

    def _enter(self, kind: str, what: Sequence[Any]) -> None:
        match kind, what:
            case "event", [event]:
                if self._wire is not None:
                    self._hold_read(event, self._wire.next(event))
                self._call.receive(event)
            case "timer", [due]:
                self._fire(due)
            case "tick", []:
                self._pacer.tick()
            case (("item" | "end" | "failed" | "closed"), [name, *outcome]):
                self._take(kind, name, outcome)
            case (("pull" | "stop pulling" | "act" | "stop acting"), [name, *how]):
                if name in self._channels:
                    self._channels[name].want(kind, *how)
            case "run", []:
                self._running = self._loop_task()
            case "cancel", []:
                self._running.cancel()
            case "callee", [who]:
                self._call.callee_is(who)
            case "ended", [cause]:
                self._call.end(cause)
            case "instruct", []:
                self._call.instruct(partial(asked, self, "instructed", _nothing))

    def _loop_task(self) -> asyncio.Task[str]:
        return asyncio.get_running_loop().create_task(self._call.run(), context=self._within.copy())

    def _fire(self, due: float) -> None:
        self._known_timers[due] -= 1
        # Of several that are due at once, the one that was set first.
        fitting = [timer for timer in self._timers if timer[0] == due and not timer[2].cancelled()]
        if fitting:
            first = min(fitting, key=lambda timer: timer[1])
            self._timers.remove(first)
            heapq.heapify(self._timers)
            first[2]._run()

    def _take(self, kind: str, name: str, outcome: Sequence[Any]) -> None:
        """Something comes by a channel, or waits until the call opens that."""
        if name in self._channels:
            self._channels[name].take(kind, *outcome)
        else:
            self._early.setdefault(name, []).append((kind, outcome))

    def _abandon(self) -> None:
        """Close what a call that differs has left open."""
        for _ in range(3):
            for task in asyncio.all_tasks():
                task.cancel()
            for channel in self._channels.values():
                channel.abandon()
            self._within.copy().run(self._take_steps, None)


async def _nothing(call: Call) -> None:
    """Nobody is there."""


def _phrases(lines: Sequence[Line]) -> dict[str, dict[AudioFormat, list[Speech]]]:
    found: dict[str, dict[AudioFormat, list[Speech]]] = {}
    for kind, *what in lines:
        if kind == "phrase":
            text, audio, pieces = what
            found.setdefault(text, {})[audio] = pieces
    return found
