"""What a provider occupies in this process: tasks, threads, child processes, open files and sockets."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POLL_S = 0.01
_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Footprint:
    """At one moment; where there is no ``/proc``, files and processes are not seen."""

    tasks: frozenset[asyncio.Task[Any]]
    threads: frozenset[threading.Thread]
    """But for those that asyncio keeps for whoever comes next."""
    children: frozenset[str]
    """Process numbers."""
    files: frozenset[tuple[str, str]]
    """Descriptors, each with what it leads to; of ``/dev/null`` event loops keep one in reserve."""

    @classmethod
    def now(cls) -> Footprint:
        """That of this process."""
        return cls(
            frozenset(asyncio.all_tasks()),
            frozenset(thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")),
            _children(),
            _files(),
        )

    def since(self, before: Footprint) -> str:
        """What there is besides the present task that was not there before, in a few words; empty for nothing."""
        tasks = self.tasks - before.tasks - {asyncio.current_task()}
        kinds = Counter("socket" if target.startswith("socket:") else "file" for _, target in self.files - before.files)
        found = [
            *(f"task {task.get_name()}" for task in tasks if not task.done()),
            *(f"thread {thread.name}" for thread in self.threads - before.threads),
            *(f"process {number}" for number in sorted(self.children - before.children)),
            *(f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(kinds.items())),
        ]
        return ", ".join(found)


async def left_since(before: Footprint, limit_s: float) -> str:
    """What is still there when it has had this long to go; empty when nothing is."""
    for _ in range(round(limit_s / _POLL_S)):
        if not Footprint.now().since(before):
            break
        await asyncio.sleep(_POLL_S)
    return Footprint.now().since(before)


def _children() -> frozenset[str]:
    numbers: set[str] = set()
    for thread in _PROC.glob("task/*/children"):
        try:
            numbers.update(thread.read_text(encoding="ascii").split())
        except OSError:
            continue  # The thread has ended meanwhile.
    return frozenset(numbers)


def _files() -> frozenset[tuple[str, str]]:
    folder = _PROC / "fd"
    found: set[tuple[str, str]] = set()
    for number in os.listdir(folder) if folder.is_dir() else ():
        try:
            found.add((number, os.readlink(folder / number)))
        except OSError:
            continue  # The one by which we read the folder.
    return frozenset((number, target) for number, target in found if target != os.devnull)
