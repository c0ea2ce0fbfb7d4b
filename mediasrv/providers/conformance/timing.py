"""How long things take, by the loop's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from statistics import median
from typing import Any

from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Finding


class Stopwatch:
    """Begins when it is made."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._began_s = self._now()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds so far."""
        return (self._now() - self._began_s) * 1000


async def first_result(what: str, trial: Trial, measure: Callable[[], Awaitable[float]]) -> Finding:
    """The median of a few measurements in milliseconds, made one after another."""
    first_ms = median([await measure() for _ in range(trial.rounds)])
    return Finding(f"{what} {first_ms:.0f} ms (median of {trial.rounds})", first_ms)


async def close(stream: AsyncGenerator[Any], trial: Trial) -> None:
    """Close a stream; raise ``Amiss`` when that takes too long."""
    watch = Stopwatch()
    await stream.aclose()
    _hold(watch, trial)


async def cancel(work: Coroutine[Any, Any, Any], trial: Trial) -> None:
    """Begin some work and cancel it as soon as it waits; raise ``Amiss`` when it ends late, or as if it was whole."""
    task = asyncio.create_task(work)
    try:
        await asyncio.sleep(0)
        watch = Stopwatch()
        is_cancelled = task.cancel()
        await asyncio.wait([task])
        _hold(watch, trial)
        if is_cancelled and not task.cancelled():
            task.result()
            raise Amiss("goes on when it is cancelled")
    finally:
        task.cancel()


def _hold(watch: Stopwatch, trial: Trial) -> None:
    if watch.elapsed_ms > trial.stop_limit_s * 1000:
        raise Amiss(f"takes {watch.elapsed_ms:.0f} ms to stop, {trial.stop_limit_s * 1000:.0f} at most")
