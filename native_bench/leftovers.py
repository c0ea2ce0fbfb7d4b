"""What a call leaves behind when it is over: tasks, sockets and file descriptors.

Many calls run at a time, so each task is put down to the one in whose context it was made, and each socket to the one
whose servers' ports it is between.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from weakref import WeakSet

Tasks = WeakSet[asyncio.Task[Any]]
_owner: ContextVar[Tasks | None] = ContextVar("owner", default=None)
# After an end, closing handshakes may be under way.
GRACE_S = 4.0
_LOOK_EVERY_S = 0.1


def attribute_tasks() -> None:
    """Have all tasks that are made on this loop from now on put down to their owners."""
    make: Any = _make  # what a loop hands over differs from one Python to the next
    asyncio.get_running_loop().set_task_factory(make)


def own() -> Tasks:
    """Everything that is made in this context from now on belongs together; the set fills by itself."""
    tasks: Tasks = WeakSet()
    _owner.set(tasks)
    return tasks


def _make(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **options)
    owner = _owner.get()
    if owner is not None:
        owner.add(task)
    return task


def open_files() -> list[str]:
    """What the file descriptors of this process lead to, but for one that the loop keeps to have one in need."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{name}"))
    return [each for each in found if each != os.devnull]


def sockets_on(ports: Collection[int]) -> int:
    """Sockets of this process with one of these ports at either end."""
    ours = set(open_files())
    count = 0
    for line in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, remote, *_, inode = line.split()[:10]
        ends = {int(end.rpartition(":")[2], 16) for end in (local, remote)}
        count += bool(ends & set(ports)) and f"socket:[{inode}]" in ours
    return count


async def left_over(tasks: Tasks, ports: Collection[int]) -> list[str]:
    """Wait, within bounds, until nothing but the present task is left; what is, in words."""
    me = asyncio.current_task()
    left: list[str] = []
    for _ in range(int(GRACE_S / _LOOK_EVERY_S)):
        left = [f"task {task.get_name()}" for task in tasks if task is not me and not task.done()]
        if sockets := sockets_on(ports):
            left.append(f"{sockets} sockets")
        if not left:
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    return left
