"""A recogniser's session: hears audio, answers in order and with the delays that were set, and is cut off when idle."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from native_bench.standins.base import Message, Peer, Standin
from native_bench.standins.dictation import Dictation


class Session(ABC):
    """One client's. Faults of finals: ``missing``, ``late``, ``double`` and ``error``, behind ``after`` good ones."""

    def __init__(
        self, standin: Standin, peer: Peer, bytes_per_ms: int, idle_s: float, idle_close: tuple[int, str]
    ) -> None:
        self.standin, self.peer = standin, peer
        self.dictation = Dictation(bytes_per_ms)
        self.finals = 0
        """How often a final was asked for."""
        self._idle_s, self._idle_close = idle_s, idle_close
        self._now = asyncio.get_running_loop().time
        self._active_s = self._now()
        self._outbox: asyncio.Queue[tuple[float, Mapping[str, Any]]] = asyncio.Queue()

    @abstractmethod
    async def receive(self, message: Message) -> bool:
        """Take a client's message; ``False`` ends the session."""

    async def run(self) -> None:
        """Serve until one side ends it."""
        async with asyncio.TaskGroup() as tasks:
            helpers = [tasks.create_task(self._write()), tasks.create_task(self._watch())]
            try:
                async for message in self.peer.messages():
                    if not await self.receive(message):
                        break
                await self._outbox.join()
            finally:
                for helper in helpers:
                    helper.cancel()

    def stay(self) -> None:
        """The client did something that keeps its session alive."""
        self._active_s = self._now()

    def tell(self, message: Mapping[str, Any], delay_s: float = 0.0) -> None:
        """Send a message behind those before it, and no sooner than its delay."""
        self._outbox.put_nowait((self._now() + delay_s, message))

    def answer(self, final: Callable[[], Mapping[str, Any]], delay_s: float, error: Mapping[str, Any]) -> None:
        """Send the final that was asked for, or what the fault makes of it; ``error`` is the vendor's report of one."""
        fault, self.finals = self.peer.fault, self.finals + 1
        kind = fault.kind if self.finals > fault.after else ""
        match kind:
            case "error":
                self.tell(error)
            case "missing":
                pass
            case "double":
                message = final()
                self.tell(message, delay_s)
                self.tell(message, delay_s)
            case _:
                self.tell(final(), delay_s + (fault.delay_s if kind == "late" else 0.0))

    async def _write(self) -> None:
        while True:
            due, message = await self._outbox.get()
            await asyncio.sleep(max(0.0, due - self._now()))
            await self.peer.say(message)
            self._outbox.task_done()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._idle_s / 10)
            if self._now() > self._active_s + self._idle_s:
                await self.peer.close(*self._idle_close)
                return
