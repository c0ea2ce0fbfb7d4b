"""Health: how near this process is to failing its callers, and what follows from that.

Three things are measured, again and again: how late the event loop runs a timer, how much of the time its thread is
at work, and the least that any carrier had left of the bot's speech when it got more. Lateness and work are averaged
over a second; each, against its limit, tells the strain, and the greater one counts. As strain grows:

    fit ─► no speculation ─► nothing that can be left out ─► no new call

A level is entered at once and left slowly: the strain has to stay well below it for a while, and then only one level
is gone back. A lead of less than a frame is a hole in somebody's ear in the making, so it raises the level by one,
whatever the averages say, but no more than once a second: one stall shows in all calls.

Work is the earlier sign: a thread that has a tenth of its time to spare is late now and then, and one that has none is
late for all of them. Time in which the thread could have worked and somebody else had its core counts as work.

A call costs little when it comes and more when it is answered, seconds later: who lets in a crowd finds out too late
what it costs. So a process that has most of its time left takes calls as they come; beyond that, and for a while after
strain, it takes so few a second that it knows what the last ones cost before it takes many more. Calls that are young
are taken to cost as much again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from mediasrv.audio.format import PTIME_MS

AVERAGED_S = 1.0
"""Time constant of the averages: a stall now and then is no overload, and what calls cost is soon seen."""
MOST_LAG = 3.0
"""Of the limit, as which a longer stall counts: one alone is no overload, however long it was."""
LEAST_LEAD_S = PTIME_MS / 1000
LEAD_EVERY_S = 1.0
EASY = 0.4
"""Strain up to which calls may come as they like, once all have grown up."""
GROWN_S = 8.0
"""Age at which a call costs what it will: it was greeted, and has been answered."""
LEAST_RATE, RATE_SHARE = 2.0, 0.02
"""New calls a second beyond that: this many, or this share of those that are live where that is more."""
RECOVERING_S = 30.0
"""How long after strain they are still let in no faster."""
EASED = 0.9
"""Of a level's share of the limits, what the strain must be under for the level to be left."""


class Level(IntEnum):
    """What is not done any more; each includes those before it."""

    FIT = 0
    """All is done."""
    NO_SPECULATION = 1
    """No replies are begun that may be made in vain."""
    ESSENTIAL = 2
    """Nothing is done that can be left out."""
    CLOSED = 3
    """No new call is let in."""


SHARES = {Level.NO_SPECULATION: 0.88, Level.ESSENTIAL: 0.94, Level.CLOSED: 1.0}
"""Of the limits, where each level begins."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What happened since the measurement before."""

    lag_s: float
    """How late the timer ran."""
    busy: float
    """Share of the time in which the loop's thread was at work, or would have been."""
    least_lead_s: float = math.inf
    """Least audio that a carrier had left; infinite when nobody spoke."""


class Health:
    """One process's; times are ``now`` in seconds."""

    def __init__(self, max_lag_s: float, max_busy: float, recover_s: float, now: float) -> None:
        """``recover_s`` is how long the strain must have eased before a level is left."""
        self._max_lag_s, self._max_busy, self._recover_s = max_lag_s, max_busy, recover_s
        self.level = Level.FIT
        self.lag_s = self.busy = 0.0
        """The averages."""
        self._measured_at_s = self._strained_at_s = now
        self._raised_at_s = self._unfit_at_s = -math.inf

    @property
    def strain(self) -> float:
        """How much of the limits is used; 1 is all."""
        return max(self.lag_s / self._max_lag_s, self.busy / self._max_busy)

    def spacing_s(self, calls: int, young: int, now: float) -> float:
        """Least time between two new calls where there are so many, some of them young; 0: they may come at once."""
        if self.strain * (1 + young / max(calls, 1)) < EASY and now >= self._unfit_at_s + RECOVERING_S:
            return 0.0
        return 1 / max(LEAST_RATE, RATE_SHARE * calls)

    def measure(self, measured: Measured, now: float) -> Level:
        """Take a measurement, which also stands for the time since the last one; return the level."""
        weight = 1 - math.exp(-(now - self._measured_at_s) / AVERAGED_S)
        self._measured_at_s = now
        self.lag_s += weight * (min(measured.lag_s, MOST_LAG * self._max_lag_s) - self.lag_s)
        self.busy += weight * (measured.busy - self.busy)
        self._raise(measured.least_lead_s, now)
        self._ease(now)
        if self.level is not Level.FIT:
            self._unfit_at_s = now
        return self.level

    def _raise(self, least_lead_s: float, now: float) -> None:
        level = max((each for each, share in SHARES.items() if self.strain >= share), default=Level.FIT)
        if least_lead_s < LEAST_LEAD_S and now >= self._raised_at_s + LEAD_EVERY_S:
            self._raised_at_s = self._strained_at_s = now
            level = max(level, Level(min(self.level + 1, Level.CLOSED)))
        self.level = max(self.level, level)

    def _ease(self, now: float) -> None:
        if self.level is Level.FIT or self.strain >= SHARES[self.level] * EASED:
            self._strained_at_s = now
        elif now >= self._strained_at_s + self._recover_s:
            self._strained_at_s = now
            self.level = Level(self.level - 1)
