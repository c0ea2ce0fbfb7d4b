"""What Linux tells of a process, without a library: its time on the processor, its wait for it, memory, descriptors."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS_HZ = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """A process at one moment."""

    cpu_s: float
    """Time on a processor so far, all threads."""
    waited_s: float
    """Time so far that its threads could have run and had to wait for a processor, or for each other."""
    loop_waited_s: float
    """The same of its first thread alone: of a server, the one of its event loop."""
    rss_bytes: int
    descriptors: int
    threads: int


def usage(pid: int) -> Usage:
    """Look at a process; raise ``ProcessLookupError`` when it is gone."""
    place = Path("/proc") / str(pid)
    try:
        run_s, waited_s, threads = _scheduled(place)
        _, loop_waited_s = _times(place / "task" / str(pid))
        resident = int((place / "statm").read_text().split()[1])
        descriptors = len(os.listdir(place / "fd"))
        # utime and stime, the 14th and 15th of proc(5): coarser, but they know of threads that have ended.
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} is gone") from None
    ticks_s = (int(fields[11]) + int(fields[12])) / _TICKS_HZ
    return Usage(run_s or ticks_s, waited_s, loop_waited_s, resident * _PAGE_BYTES, descriptors, threads)


def _scheduled(place: Path) -> tuple[float, float, int]:
    """Seconds on and off the processor of the threads that live, and how many these are."""
    run_s = waited_s = 0.0
    threads = 0
    for thread in os.listdir(place / "task"):
        # A thread may end while we look.
        with suppress(FileNotFoundError):
            run, waited = _times(place / "task" / thread)
            run_s, waited_s, threads = run_s + run, waited_s + waited, threads + 1
    return run_s, waited_s, threads


def _times(thread: Path) -> tuple[float, float]:
    """Seconds, to the nanosecond, that a thread was on the processor and that it waited for one."""
    run_ns, waited_ns, _ = (thread / "schedstat").read_text().split()
    return int(run_ns) / 1e9, int(waited_ns) / 1e9
