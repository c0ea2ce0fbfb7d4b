"""The meters: a few times a second, how loud the calls are that somebody watches; while nobody does they rest."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from mediasrv.call.levels import Levels
from mediasrv.server.calls import Calls
from mediasrv.server.console.gallery import Gallery
from mediasrv.server.contracts import LiveCall

EVERY_S = 0.25
MOST_MEASURED = 32
"""Calls of which levels are shown to who watches all."""


class Meters:
    """Of one server."""

    def __init__(self, calls: Calls, gallery: Gallery) -> None:
        self._calls = calls
        self._gallery = gallery
        self._measured: dict[str, tuple[LiveCall, Levels]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Somebody has begun to watch."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._measure)

    def _measure(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        watched = self._gallery.watched(MOST_MEASURED)
        self._follow(watched)
        levels = {call_id: levels.take(loop.time()) for call_id, (_, levels) in self._measured.items()}
        self._gallery.show_levels({name: (round(caller), round(bot)) for name, (caller, bot) in levels.items()})
        if self._gallery.is_visited:
            self.wake()

    def _follow(self, watched: Collection[str]) -> None:
        """Measure these calls and no other."""
        for call_id, (call, _) in list(self._measured.items()):
            # A call that was handed over may come back as another one.
            if call_id not in watched or self._calls.live_call(call_id) is not call:
                call.unwatch()
                del self._measured[call_id]
        for call_id in watched:
            live = self._calls.live_call(call_id)
            if live is not None and call_id not in self._measured:
                self._measured[call_id] = live, live.watch()
