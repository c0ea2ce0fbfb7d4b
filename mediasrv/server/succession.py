"""Succession: agencies that follow one another, as the configuration is changed under a running server.

New calls go to the newest; each of the others keeps its calls, and what they need open, until the last is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from mediasrv.call.effort import Effort
from mediasrv.call.link import CallDetails, Link
from mediasrv.server.contracts import Agency, LiveCall
from mediasrv.wire.events import StreamStarted


class Succession:
    """An agency to whoever does not know better."""

    def __init__(self, agency: Agency) -> None:
        self._current = _Reign(agency)
        self._retired: dict[_Reign, asyncio.Task[None]] = {}

    @property
    def names(self) -> Collection[str]:
        """The agents' names."""
        return self._current.agency.names

    @property
    def effort(self) -> Effort:
        """What the calls of the newest leave out."""
        return self._current.agency.effort

    @property
    def forwards(self) -> Mapping[str, str]:
        """Agents of the newest whose calls are put through at once."""
        return self._current.agency.forwards

    def take_least_lead(self) -> float:
        """The least that a carrier had left (s), of all calls."""
        return min(each.agency.take_least_lead() for each in (self._current, *self._retired))

    async def start(self) -> None:
        """Get ready for calls; raise ``ConfigError``."""
        await self._current.agency.start()

    async def replace(self, agency: Agency) -> None:
        """Start another and give it all new calls; when it cannot start, nothing is changed. Raise ``ConfigError``."""
        try:
            await agency.start()
        except BaseException:
            await agency.aclose()
            raise
        agency.effort.leave_out(self.effort.left_out)
        old, self._current = self._current, _Reign(agency)
        self._retired[old] = asyncio.create_task(self._see_out(old))

    async def aclose(self) -> None:
        """Free everything."""
        for reign, task in list(self._retired.items()):
            task.cancel()
            await reign.agency.aclose()
        self._retired.clear()
        await self._current.agency.aclose()

    async def prepare(self, agent_name: str) -> None:
        """A call is about to come for an agent."""
        await self._current.agency.prepare(agent_name)

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> LiveCall:
        """Open a call."""
        reign = self._current
        call = reign.agency.open(agent_name, started, link, details)
        reign.begin()
        return cast("LiveCall", _Counted(call, reign.end))

    async def _see_out(self, reign: _Reign) -> None:
        await reign.over.wait()
        await reign.agency.aclose()
        del self._retired[reign]


class _Reign:
    """An agency and how many calls it has."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.over = asyncio.Event()
        self.over.set()
        self._calls = 0

    def begin(self) -> None:
        self._calls += 1
        self.over.clear()

    def end(self) -> None:
        self._calls -= 1
        if not self._calls:
            self.over.set()


class _Counted:
    """A call whose end is told; a frame takes no longer way for it."""

    def __init__(self, call: LiveCall, ended: Callable[[], None]) -> None:
        self._call = call
        self._ended = ended
        self.receive = call.receive

    async def run(self) -> str:
        try:
            return await self._call.run()
        finally:
            self._ended()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)
