"""Steering: which worker a connection goes to.

A request that names a call goes where the call is: to the worker that was asked for its answer document, or has its
stream, or had it a while ago. Any other goes to the worker that has least to do, of those that take new calls. What a
worker has to do is what it last told, and what it was handed since, so that a burst between two reports is spread too.

Time is the caller's, in monotonic seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

REMEMBERED_S = 120.0
"""How long a call's name leads to its worker, before its stream has come and after it went: a reservation lasts half of
that, and what a carrier has to tell of a call that is over comes within it too."""
MOST_LOST = 4096
"""Calls whose worker is gone that are remembered."""
SILENT_S = 1.0
"""Whoever has not told anything for so long gets no connection that another can take: its loop stalls."""


@dataclass(slots=True)
class Standing:
    """What is known of a worker."""

    calls: int = 0
    """Live or expected, as it last told."""
    handed: int = 0
    """Connections since then."""
    handed_before: int = 0
    """Connections between the two last reports, of which the last may not have told yet."""
    refusal: str = "starting"
    """Why it takes no new call; empty when it does."""
    is_paced: bool = False
    """Whether it takes the next one only in a moment."""
    told_at_s: float = 0.0
    is_retiring: bool = False
    """Whether it gets only what belongs to its calls."""

    def rank(self, now: float) -> tuple[bool, bool, bool, bool, int]:
        """The least is asked first."""
        is_silent = now - self.told_at_s > SILENT_S
        return (
            self.is_retiring,
            is_silent,
            bool(self.refusal),
            self.is_paced,
            self.calls + self.handed + self.handed_before,
        )


class Steering:
    """Workers by number, and the names of their calls."""

    def __init__(self) -> None:
        self.workers: dict[int, Standing] = {}
        self._streams: dict[str, int] = {}
        self._recent: dict[str, tuple[int, float]] = {}
        self._lost: OrderedDict[str, None] = OrderedDict()

    def join(self, worker: int) -> None:
        """A worker starts."""
        self.workers[worker] = Standing()

    def tell(self, worker: int, calls: int, refusal: str, now: float, *, is_paced: bool = False) -> None:
        """A worker tells how it is."""
        standing = self.workers[worker]
        standing.calls, standing.refusal, standing.is_paced = calls, refusal, is_paced
        standing.told_at_s, standing.handed, standing.handed_before = now, 0, standing.handed

    def retire(self, worker: int) -> None:
        """A worker is to finish its calls, and another has taken its place."""
        self.workers[worker].is_retiring = True

    def leave(self, worker: int) -> int:
        """A worker is gone; return how many streams went with it."""
        self.workers.pop(worker, None)
        lost = [name for name, at in self._streams.items() if at == worker]
        for name in lost:
            del self._streams[name]
            self._lost[name] = None
        while len(self._lost) > MOST_LOST:
            self._lost.popitem(last=False)
        self._recent = {name: each for name, each in self._recent.items() if each[0] != worker}
        return len(lost)

    def begin(self, worker: int, call_id: str) -> None:
        """A call's stream is open there."""
        self._streams[call_id] = worker
        self._lost.pop(call_id, None)

    def end(self, worker: int, call_id: str, now: float) -> None:
        """A call's stream is over there."""
        if self._streams.get(call_id) == worker:
            del self._streams[call_id]
            self._remember(call_id, worker, now)

    def choose(self, names: Iterable[str], now: float, without: Collection[int] = ()) -> int | None:
        """The worker for a request that names these calls; ``None`` when there is no worker besides some.

        The first name is remembered: what names that call again goes the same way.
        """
        self._forget(now)
        called = list(names)
        known = (self._streams.get(name, self._recent.get(name, (None, 0.0))[0]) for name in called)
        worker = next((each for each in known if each in self.workers and each not in without), None)
        if worker is None:
            able = {each: standing for each, standing in self.workers.items() if standing.told_at_s}
            started = {each: standing for each, standing in able.items() if each not in without}
            worker = min(started, key=lambda each: started[each].rank(now), default=None)
            if worker is None:
                return None
            self.workers[worker].handed += 1
        if called and called[0] not in self._streams:
            self._remember(called[0], worker, now)
        return worker

    def lost(self, names: Iterable[str], worker: int) -> list[str]:
        """Which of these calls had their stream at a worker that is gone, as is seen where this one is chosen."""
        return [name for name in names if name in self._lost or self._streams.get(name, worker) != worker]

    def refusal(self, now: float) -> str:
        """Why a new call would be refused, in a word; empty while any worker takes it."""
        ranks = [standing for standing in self.workers.values() if not standing.is_retiring]
        if any(not each.refusal and now - each.told_at_s <= SILENT_S for each in ranks):
            return ""
        return next((each.refusal for each in ranks if each.refusal), "starting" if not ranks else "stalled")

    def _remember(self, name: str, worker: int, now: float) -> None:
        self._recent.pop(name, None)
        self._recent[name] = worker, now + REMEMBERED_S

    def _forget(self, now: float) -> None:
        """Names are kept in the order in which they are forgotten."""
        for name, (_, until_s) in list(self._recent.items()):
            if until_s > now:
                return
            del self._recent[name]
