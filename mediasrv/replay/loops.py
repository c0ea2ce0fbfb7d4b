"""Event loops that know whose step they take: one that a call is captured on, and one that it is replayed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mediasrv.replay.world import world_of

if TYPE_CHECKING:
    # Any loop does; its methods are those of the base class.
    _Base = asyncio.SelectorEventLoop
else:
    _Base = object


def _steps(context: Context | None) -> Any:
    return world_of.get() if context is None else context.get(world_of)


class Capturing(_Base):
    """To be mixed into the class of any event loop."""

    def time(self) -> float:
        world = world_of.get()
        return super().time() if world is None else world.now

    def clock(self) -> float:
        """The time outside all calls."""
        return super().time()

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        world = _steps(context)
        if world is None:
            return super().call_soon(callback, *args, context=context)
        world.planned()
        return super().call_soon(world.step, callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        if _steps(context) is None:
            return super().call_later(delay, callback, *args, context=context)
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        world = _steps(context)
        if world is None:
            return super().call_at(when, callback, *args, context=context)
        fire = partial(world.fire, when, context or copy_context(), callback, *args)
        # The loop's own arithmetic wants the loop's own time.
        return world.outside().run(partial(super().call_at, when, fire, context=world.outside()))  # type: ignore[no-any-return]


def capturing(base: type[asyncio.AbstractEventLoop]) -> Callable[[], asyncio.AbstractEventLoop]:
    """A loop of this kind that calls can be captured on."""
    return cast(Callable[[], asyncio.AbstractEventLoop], type(f"Capturing{base.__name__}", (Capturing, base), {}))


class ReplayLoop(asyncio.SelectorEventLoop):
    """Takes no step of a call by itself: whoever replays it does."""

    def time(self) -> float:
        world = world_of.get()
        return super().time() if world is None else world.now

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        world = _steps(context)
        if world is None:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context or copy_context())
        world.plan(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        world = _steps(context)
        if world is None:
            return super().call_at(when, callback, *args, context=context)
        handle = asyncio.TimerHandle(when, callback, args, self, context or copy_context())
        world.set_timer(handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Who replays looks at each before it goes off."""
