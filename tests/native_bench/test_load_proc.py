"""What Linux tells of a process."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from native_bench.load.proc import usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no proc")


def test_a_process_is_told_with_all_its_threads() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    before = usage(os.getpid())
    thread.start()
    try:
        after = usage(os.getpid())
    finally:
        over.set()
        thread.join()
    assert after.threads == before.threads + 1
    assert after.cpu_s >= before.cpu_s > 0
    assert after.rss_bytes > 1_000_000
    assert after.descriptors > 0


def test_the_loops_wait_is_part_of_that_of_all_threads() -> None:
    seen = usage(os.getpid())
    assert 0 <= seen.loop_waited_s <= seen.waited_s


def test_a_process_that_is_gone_is_told_as_such() -> None:
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    with pytest.raises(ProcessLookupError):
        usage(gone)
