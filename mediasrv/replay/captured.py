"""A call that is captured, as the server has it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import Any

from mediasrv.call.call import Call
from mediasrv.call.link import Link
from mediasrv.call.live import LiveCall
from mediasrv.call.observer import Observer
from mediasrv.call.pacer import Feed, Pacer
from mediasrv.replay.capture import Capture
from mediasrv.replay.parts import asked
from mediasrv.replay.world import World
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import Command, Event


class CapturedCall:
    """The server's side of a live call: what the server does to it is written down."""

    patience = 1
    """What the caller says is written down as it comes."""

    def __init__(self, capture: Capture, within: Context, call: LiveCall, over: Callable[[], None]) -> None:
        """``within`` is the context of the call; ``over`` is called when it is over."""
        self._capture = capture
        self._within = within
        self._live = call
        self._over = over
        self._loop = asyncio.get_running_loop()
        self.id = call.id
        self.call = call.call

    def __getattr__(self, name: str) -> Any:
        # Who only looks at the call makes no difference to it.
        return getattr(self._live, name)

    def _enter(self, work: Callable[..., Any], kind: str, *what: Any) -> None:
        self._capture.enter(lambda: self._within.copy().run(work, *what), kind, *what)

    def receive(self, event: Event, came_s: float | None = None) -> None:
        """Take what the carrier says, now."""
        self._enter(self._live.receive, "event", event)

    def callee_is(self, kind: Kind) -> None:
        """Somebody else knows who has picked up."""
        self._enter(self._live.callee_is, "callee", kind)

    def end(self, cause: str) -> None:
        """End the call."""
        self._enter(self._live.end, "ended", cause)

    def instruct(self, work: Callable[[Call], Coroutine[Any, Any, None]]) -> bool:
        """Have somebody's work done on this call."""
        begun: list[bool] = []
        order = partial(asked, self._capture, "instructed", work)
        self._capture.enter(lambda: begun.append(self._within.copy().run(self._live.instruct, order)), "instruct")
        return any(begun)

    async def run(self) -> str:
        """Conduct the call."""
        running: list[asyncio.Task[str]] = []

        def begin() -> None:
            running.append(self._loop.create_task(self._live.run(), context=self._within.copy()))

        self._capture.enter(begin, "run")
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError:
            self._capture.enter(running[0].cancel, "cancel")
            await asyncio.wait(running)
            raise
        finally:
            self._over()
        return running[0].result()


class CapturedLink:
    """The call's side of its link: what goes out is written down."""

    def __init__(self, capture: Capture, link: Link) -> None:
        self._capture = capture
        self._link = link

    def send(self, command: Command) -> None:
        """Write a command to the carrier."""
        self._capture.note("sent", command)
        self._capture.tell(self._link.send, command)

    def close(self) -> None:
        """Close the stream."""
        self._capture.note("closed link")
        self._capture.tell(self._link.close)


class CapturedPacer(Pacer):
    """The call's side of the pacer, whose ticks come in like everything else."""

    def __init__(self, capture: Capture, pacer: Pacer, within: Context) -> None:
        super().__init__(capture.effort)
        self._capture = capture
        self._pacer = pacer
        self._within = within
        self._feed: Feed = lambda now: math.inf
        self._is_waking = False
        self._again_s = math.inf

    def tell_lead(self, lead_s: float) -> None:
        self._pacer.tell_lead(lead_s)

    def wake(self, feed: Feed) -> None:
        self._feed = feed
        self._again_s = feed(self._capture.now)
        self._is_waking = True
        self._capture.tell(self._pacer.wake, self._on_tick)
        self._is_waking = False

    def forget(self, feed: Feed) -> None:
        self._pacer.forget(self._on_tick)

    def _on_tick(self, now: float) -> float:
        if not self._is_waking:
            self._capture.enter(self._fed, "tick")
        return self._again_s

    def _fed(self) -> None:
        self._again_s = self._within.copy().run(self._feed, self._capture.now)


def distant_observer(world: World, observer: Observer) -> Observer:
    """An observer, outside."""
    told = Observer()
    for name in dir(Observer):
        if not name.startswith("_"):
            setattr(told, name, partial(_tell, world, getattr(observer, name)))
    return told


def _tell(world: World, work: Callable[..., None], *arguments: Any, **keywords: Any) -> None:
    world.tell(partial(work, *arguments, **keywords))
