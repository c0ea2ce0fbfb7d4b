"""Memory that only the start needed goes back to the kernel before the first call.

Kernels come out of LLVM, whose library is 150 MB of code and tables. Loading them from the cache touches half of it,
and nothing touches it again. What is clean of a mapped file can be dropped at any time: who should need it after all,
as a compiler run would, has it from the page cache again.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

COMPILER = "libllvmlite.so"
"""The library that is done with once every kernel is there."""
# madvise(2).
_DONT_NEED = 4
_SMAPS = Path("/proc/self/smaps")
# proc(5): the head of a mapping, whose name may hold blanks.
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(.+)")


def give_back() -> None:
    """Return unused memory to the kernel, which takes some 30 ms, in any thread; elsewhere than on Linux, nothing."""
    if not _SMAPS.exists():
        return
    libc = ctypes.CDLL(None)
    for begin, end in clean_mappings(_SMAPS.read_text(), COMPILER):
        libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _DONT_NEED)
    # Not every C library has it.
    if trim := getattr(libc, "malloc_trim", None):
        trim(0)


def clean_mappings(smaps: str, library: str) -> Iterator[tuple[int, int]]:
    """Where a library lies, begin and end, as far as no page differs from the file and none is going to."""
    begin = end = 0
    for line in smaps.splitlines():
        if head := _HEAD.fullmatch(line):
            is_its = head[4].rpartition("/")[2] == library and "w" not in head[3]
            begin, end = (int(head[1], 16), int(head[2], 16)) if is_its else (0, 0)
        elif end and line.split() == ["Anonymous:", "0", "kB"]:
            yield begin, end
