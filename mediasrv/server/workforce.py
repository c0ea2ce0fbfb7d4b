"""The workforce: worker processes, one a core, started, watched, replaced and told to stop.

A worker that ends by itself, or says nothing for ``STUCK_S`` because its loop stands still, takes its calls along:
they are counted as lost, and another takes its place. One that is replaced gets no new calls, and ends when its last
is over.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from mediasrv.errors import MediasrvError
from mediasrv.server.figures import summed
from mediasrv.server.leash import Leash, Message, Parts, leash
from mediasrv.server.steering import Steering

log = logging.getLogger(__name__)

STUCK_S = 10.0
"""A worker that has told nothing for so long is ended: it tells how it is ten times a second."""
TOLD_WITHIN_S = 1.0
"""Longest wait for what workers are asked; then what they told last has to do."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_LOOK_EVERY_S = 1.0


class WorkerError(MediasrvError):
    """A worker did not start; it has said why. ``code`` is what it ended with."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker did not start and ended with {code}")
        self.code = code


class Told:
    """A text that a worker tells when it is asked."""

    def __init__(self) -> None:
        self.text = ""
        """The last one."""
        self.parts = Parts()
        self.is_there = asyncio.Event()


class Worker:
    """One process and its leash."""

    def __init__(self, number: int, process: asyncio.subprocess.Process) -> None:
        self.number = number
        self.process = process
        self.leash: Leash | None = None
        self.ready = asyncio.Event()
        self.is_retiring = False
        self.told = {kind: Told() for kind in ("figures", "calls")}
        """What it was asked for."""


class Workforce:
    """All workers."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], steering: Steering) -> None:
        """``command`` starts a worker when its end of a leash is added; a descriptor's number."""
        self.command, self.environment = command, environment
        self._steering = steering
        self._workers: dict[int, Worker] = {}
        self._next = 0
        self._delay_s = _FIRST_DELAY_S
        self._is_stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone_figures = ""
        self.deaths = self.lost_calls = 0
        self.on_unsealed: Callable[[socket.socket], None] = socket.socket.close
        """Takes connections on which a worker has laid bare what came over TLS."""

    async def start(self, count: int) -> None:
        """Start workers, the first alone: it compiles what the others find. Raise ``WorkerError``."""
        await self._start_one()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count - 1):
                tasks.create_task(self._start_one())
        self._spawn(self._watch())

    async def replace(self) -> None:
        """Start another in the place of each, one by one, and let the old finish its calls. Raise ``WorkerError``."""
        for old in [each for each in self._workers.values() if not each.is_retiring]:
            await self._start_one()
            self._retire(old)

    def hand(self, number: int, connection: socket.socket, lost: Sequence[str], is_sealed: bool) -> bool:
        """See ``Hand`` of the lobby."""
        worker, message = self._workers.get(number), {"kind": "new", "lost": lost, "is_sealed": is_sealed}
        return worker is not None and worker.leash is not None and worker.leash.send(message, connection)

    async def figures(self) -> str:
        """The figures of all, summed, and those of the workforce itself."""
        told = await self._ask("figures", self._workers.values())
        return summed([*told, self._own_figures()], gone=[self._gone_figures])

    async def _ask(self, kind: str, workers: Iterable[Worker]) -> list[str]:
        """What each has to tell of a kind."""
        asked = [each for each in workers if each.leash is not None]
        for worker in asked:
            worker.told[kind].is_there.clear()
            worker.leash.send({"kind": kind})  # type: ignore[union-attr]
        with suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                await asyncio.gather(*(worker.told[kind].is_there.wait() for worker in asked))
        return [worker.told[kind].text for worker in asked]

    async def _tell_calls(self, worker: Worker) -> None:
        """Tell a worker which calls are live at the others: each as a line."""
        told = await self._ask("calls", [each for each in self._workers.values() if each is not worker])
        if worker.leash is not None:
            worker.leash.send_text("others", "".join(told))

    def stop(self) -> None:
        """Let all finish their calls; a second time they end them."""
        is_second, self._is_stopping = self._is_stopping, True
        for worker in self._workers.values():
            # Those who are being replaced were told already.
            if is_second or not worker.is_retiring:
                self._signal(worker, signal.SIGTERM)

    async def ended(self) -> None:
        """Return when the last worker is gone."""
        await asyncio.gather(*(worker.process.wait() for worker in self._workers.values()))

    async def aclose(self) -> None:
        """End what is left, at once."""
        self._is_stopping = True
        for worker in self._workers.values():
            self._signal(worker, signal.SIGKILL)
        await self.ended()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_one(self) -> None:
        ours, theirs = leash()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self.command, str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                env=dict(self.environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._next += 1
        worker = self._workers[self._next] = Worker(self._next, process)
        self._steering.join(worker.number)
        worker.leash = Leash(ours, partial(self._hear, worker), lambda: None)
        self._spawn(self._see_off(worker))
        ready = asyncio.create_task(worker.ready.wait())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise WorkerError(ended.result())
        finally:
            ready.cancel()
            ended.cancel()

    def _retire(self, worker: Worker) -> None:
        worker.is_retiring = True
        self._steering.retire(worker.number)
        self._signal(worker, signal.SIGTERM)
        log.info("worker is replaced", extra={"worker": worker.process.pid})

    def _hear(self, worker: Worker, message: Message, connection: socket.socket | None) -> None:
        if connection is not None:
            self.on_unsealed(connection)
            return
        now = asyncio.get_running_loop().time()
        match message:
            case {"kind": "load", "calls": calls, "refusal": refusal, "is_paced": is_paced}:
                self._steering.tell(worker.number, calls, refusal, now, is_paced=is_paced)
                worker.ready.set()
            case {"kind": "stream", "call": call_id, "is_live": True}:
                self._steering.begin(worker.number, call_id)
                self._tell_others(worker, {"kind": "came", "call": call_id})
            case {"kind": "expected", "call": call}:
                self._tell_others(worker, {"kind": "elsewhere", "call": call})
            case {"kind": "stream", "call": call_id}:
                self._steering.end(worker.number, call_id, now)
            case {"kind": "others"}:
                self._spawn(self._tell_calls(worker))
            case {"kind": "figures" | "calls" as kind} if (text := worker.told[kind].parts.add(message)) is not None:
                worker.told[kind].text = text
                worker.told[kind].is_there.set()

    def _tell_others(self, worker: Worker, message: Message) -> None:
        for other in self._workers.values():
            if other is not worker and other.leash is not None:
                other.leash.send(message)

    async def _see_off(self, worker: Worker) -> None:
        """Wait until a worker is gone, and see that its place is filled."""
        code = await worker.process.wait()
        if worker.leash is not None:
            worker.leash.close()
        del self._workers[worker.number]
        lost = self._steering.leave(worker.number)
        self._gone_figures = summed([], gone=[self._gone_figures, worker.told["figures"].text])
        for told in worker.told.values():
            told.is_there.set()
        if worker.is_retiring or self._is_stopping or not worker.ready.is_set():
            return
        self.deaths += 1
        self.lost_calls += lost
        log.error("worker died", extra={"worker": worker.process.pid, "code": code, "lost_calls": lost})
        await self._fill_its_place()

    async def _fill_its_place(self) -> None:
        while not self._is_stopping:
            await asyncio.sleep(self._delay_s)
            self._delay_s = min(2 * self._delay_s, _LONGEST_DELAY_S)
            with suppress(WorkerError):
                await self._start_one()
                self._delay_s = _FIRST_DELAY_S
                return

    async def _watch(self) -> None:
        """End workers that stand still."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = asyncio.get_running_loop().time()
            for worker in self._workers.values():
                told_at_s = self._steering.workers[worker.number].told_at_s
                if told_at_s and now - told_at_s > STUCK_S:
                    log.error("worker stands still and is ended", extra={"worker": worker.process.pid})
                    self._signal(worker, signal.SIGKILL)

    def _own_figures(self) -> str:
        figures = (
            ("mediasrv_workers", "gauge", "Worker processes.", len(self._workers)),
            ("mediasrv_worker_deaths_total", "counter", "Workers that died.", self.deaths),
            ("mediasrv_lost_calls_total", "counter", "Calls that were lost with them.", self.lost_calls),
        )
        return "".join(f"# HELP {n} {about}\n# TYPE {n} {kind}\n{n} {value}\n" for n, kind, about, value in figures)

    def _signal(self, worker: Worker, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            worker.process.send_signal(number)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
