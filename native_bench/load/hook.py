"""``mediasrv``, watched from within: ``python -m native_bench.load.hook FOLDER serve …``.

The server runs as it always does, until a signal asks something of it:

    SIGUSR1   writes ``gauges.json``: tasks, and blocks of memory that are in use
    SIGRTMIN  the same behind a run of the garbage collector, with the objects that waited for it
    SIGUSR2   begins to sample, and the next time ends it and writes ``profile.json``

A timer of the wall clock strikes every two milliseconds, and the interpreter calls us between two instructions. (The
kernel's timer of processor time would be cheaper; but it looks only where its own tick finds us running, and a server
runs in bursts that are shorter.) What runs in machine code, a system call or the collector, is found at the Python
function that is behind it. Where there is no callback at all, or it is at its very first instruction, the loop was
waiting, or ran code of its own: nobody can tell, so such samples are left out, and the loop's part is what is left of
the processor time. Where the kernel gave our core to somebody else since the last sample, this one is dropped: it would
find us where we were left, and not where we spend our time.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import sys
import time
from collections import Counter
from opcode import opmap
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from mediasrv.cli import main
from native_bench.load.shares import Place, Stack

GAUGES, PROFILE = "gauges.json", "profile.json"
_EVERY_S = 0.002
_DEPTH = 40
_RESUME = opmap["RESUME"]


class Watch:
    """What the signals ask for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks: Counter[Stack] = Counter()
        self._is_sampling = False
        self._collecting_s = self._collect_began_s = self._began_s = 0.0
        self._preempted = self._disturbed = 0

    def listen(self) -> None:
        """Take over the signals."""
        signal.signal(signal.SIGUSR1, self._gauge)
        signal.signal(signal.SIGRTMIN, self._gauge)
        signal.signal(signal.SIGUSR2, self._toggle)
        signal.signal(signal.SIGALRM, self._sample)

    def _gauge(self, number: int, _: object) -> None:
        try:
            tasks = len(asyncio.all_tasks())
        except RuntimeError:
            tasks = 0
        garbage = gc.collect() if number == signal.SIGRTMIN else 0
        write(self._folder / GAUGES, {"tasks": tasks, "blocks": sys.getallocatedblocks(), "garbage": garbage})

    def _toggle(self, *_: object) -> None:
        self._is_sampling = not self._is_sampling
        signal.setitimer(signal.ITIMER_REAL, *(2 * (_EVERY_S,) if self._is_sampling else (0.0,)))
        if self._is_sampling:
            self._stacks.clear()
            self._collecting_s, self._disturbed = 0.0, 0
            self._began_s = time.process_time()
            gc.callbacks.append(self._collecting)
            return
        gc.callbacks.remove(self._collecting)
        told = {
            "stacks": [[stack, count] for stack, count in self._stacks.items()],
            "disturbed": self._disturbed,
            "collecting_s": self._collecting_s,
            "cpu_s": time.process_time() - self._began_s,
        }
        write(self._folder / PROFILE, told)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        preempted = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
        if preempted == self._preempted:
            self._stacks[_stack(frame)] += 1
        else:
            self._preempted = preempted
            self._disturbed += 1

    def _collecting(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collect_began_s = time.perf_counter()
        else:
            self._collecting_s += time.perf_counter() - self._collect_began_s


def _stack(frame: FrameType | None) -> Stack:
    """Where the program is, innermost first; a first instruction is marked, and whose socket is being read."""
    places: list[Place] = []
    is_first = frame is not None and frame.f_lasti <= _first_instruction(frame)
    while frame is not None and len(places) < _DEPTH:
        code = frame.f_code
        module = frame.f_globals.get("__name__", "")
        note = "first" if is_first and not places else ""
        if code.co_name == "data_received" and module == "mediasrv.net.connection":
            note = note or _reader(frame)
        places.append((module, code.co_qualname, note))
        frame = frame.f_back
    return tuple(places)


def _first_instruction(frame: FrameType) -> int:
    """Where a pending signal is taken first: at RESUME, behind what prepares a frame (closures, generators)."""
    code = frame.f_code.co_code
    return next((at for at in range(0, len(code), 2) if code[at] == _RESUME), 0)


def _reader(frame: FrameType) -> str:
    """The module of whoever is told what a WebSocket receives."""
    told: Any = getattr(frame.f_locals.get("self"), "_on_message", None)
    return str(getattr(getattr(told, "__self__", None), "__module__", ""))


def write(path: Path, told: dict[str, Any]) -> None:
    """Have a whole file appear at once."""
    beside = path.with_suffix(".part")
    beside.write_bytes(orjson.dumps(told))
    beside.replace(path)


if __name__ == "__main__":
    Watch(Path(sys.argv[1])).listen()
    sys.exit(main(sys.argv[2:]))
