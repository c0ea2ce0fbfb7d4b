"""Memory that goes back once the kernels are there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mediasrv.server.footprint import COMPILER, clean_mappings

MAPPING = """\
7f3f2d000000-7f3f2d365000 {rights} 00000000 fe:00 2164701                    {name}
Size:               3476 kB
Rss:                2048 kB
Anonymous:             {anonymous} kB
VmFlags: rd mr mw me
"""


def mapping(rights: str = "r-xp", name: str = f"/opt/a place/{COMPILER}", anonymous: int = 0) -> str:
    return MAPPING.format(rights=rights, name=name, anonymous=anonymous)


def test_what_only_the_file_holds_may_be_dropped() -> None:
    found = [*clean_mappings(mapping("rw-p") + mapping() + mapping(name=""), COMPILER)]
    assert found == [(0x7F3F2D000000, 0x7F3F2D365000)]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(mapping("rw-p"), id="can be written"),
        pytest.param(mapping(anonymous=4), id="was written"),
        pytest.param(mapping(name="/opt/libother.so"), id="another library"),
        pytest.param(mapping(name="[heap]"), id="no file"),
    ],
)
def test_what_cannot_be_read_again_is_kept(kept: str) -> None:
    assert [*clean_mappings(kept, COMPILER)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="there is no proc")
def test_kernels_run_and_the_compiler_compiles_when_its_pages_are_gone() -> None:
    script = """
import re, numba, numpy
from mediasrv.audio import level
from mediasrv.server.footprint import COMPILER, give_back

def resident_kb():
    heads = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", open("/proc/self/smaps").read())
    return sum(int(re.search(r"Rss: +(\\d+)", each)[1]) for each in heads if COMPILER in each)

frame = numpy.ones(160, numpy.int16)
before, loud = resident_kb(), level.level_db(frame)
give_back()
after = resident_kb()
assert after < before / 2, (before, after)
assert level.level_db(frame) == loud
assert numba.njit("int64(int64)")(lambda number: number + 1)(1) == 2
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=50)
