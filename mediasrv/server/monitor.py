"""The monitor: one timer that measures the event loop, and has calls and door act on what it finds."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Collection, Mapping

from mediasrv.call.effort import Work
from mediasrv.server.calls import Calls
from mediasrv.server.health import GROWN_S, Health, Level, Measured
from mediasrv.server.options import ServerOptions
from mediasrv.server.stalls import StallWatch

log = logging.getLogger(__name__)

EVERY_S = 0.05
"""Two or three frames: soon enough to see a stall for what it is, seldom enough to cost nothing."""

STALL_S = 0.1
"""Silence of the loop after which it is looked at what holds it up; beyond a stall it holds the time between beats."""

_OPTIONAL = frozenset(Work)
LEFT_OUT: Mapping[Level, Collection[Work]] = {
    Level.FIT: frozenset(),
    Level.NO_SPECULATION: frozenset({Work.SPECULATION}),
    Level.ESSENTIAL: _OPTIONAL,
    Level.CLOSED: _OPTIONAL,
}


class Toil:
    """How long the calling thread has worked, or was ready to while somebody else had its core."""

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def seconds(self) -> float:
        """So far. Reading takes a few microseconds: there is no disk behind proc(5)."""
        if self._file < 0:
            return time.thread_time()
        worked_ns, waited_ns, _ = os.pread(self._file, 100, 0).split()
        return (int(worked_ns) + int(waited_ns)) / 1e9

    def close(self) -> None:
        """Measure no more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Monitor:
    """Watches the running loop between ``start`` and ``stop``."""

    def __init__(self, options: ServerOptions, calls: Calls) -> None:
        self._options = options
        self._calls = calls
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure."""
        options, self._loop = self._options, asyncio.get_running_loop()
        now, self._toil = self._loop.time(), Toil()
        self._health = Health(options.max_lag_ms / 1000, options.max_busy_percent / 100, options.recover_s, now)
        self._measured_at_s, self._worked_s = now, self._toil.seconds()
        self._stalls = StallWatch(STALL_S, self._calls.metrics.loop_stalled)
        self._stalls.start()
        self._arm(now)

    def stop(self) -> None:
        """Measure no more; safe to call at any time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._stalls.stop()
            self._toil.close()

    def _arm(self, now: float) -> None:
        self._timer = self._loop.call_at(now + EVERY_S, self._measure, now + EVERY_S)

    def _measure(self, due_s: float) -> None:
        now, worked_s = self._loop.time(), self._toil.seconds()
        self._stalls.beat()
        lag_s = max(0.0, now - due_s)
        busy = (worked_s - self._worked_s) / max(now - self._measured_at_s, EVERY_S / 2)
        self._measured_at_s, self._worked_s = now, worked_s
        least_lead_s = self._calls.agency.take_least_lead()
        self._calls.metrics.loop_lagged(lag_s)
        if least_lead_s < math.inf:
            self._calls.metrics.fed(least_lead_s)
        if self._options.sheds_load:
            before = self._health.level
            level = self._health.measure(Measured(lag_s, busy, least_lead_s), now)
            if level is not before:
                self._act(level, before)
            spacing_s = self._health.spacing_s(self._calls.live, self._calls.begun_since(now - GROWN_S), now)
            self._calls.strain(spacing_s, is_overloaded=level is Level.CLOSED)
        self._arm(now)

    def _act(self, level: Level, before: Level) -> None:
        self._calls.agency.effort.leave_out(LEFT_OUT[level])
        self._calls.metrics.load_level(level)
        facts = {"level": level.name.lower().replace("_", " "), "calls": self._calls.live}
        measures = {"busy_percent": round(100 * self._health.busy), "lag_ms": round(1000 * self._health.lag_s)}
        log.log(logging.WARNING if level > before else logging.INFO, "load changed", extra=facts | measures)
