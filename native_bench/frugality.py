"""Figures that do not depend on the machine's mood: what a frame takes in instructions, memory and messages.

A frame of the caller walks all the way that it walks in a server, from the bytes at the media door through a whole
call; only the recogniser behind it is a scripted one, and tasks that a frame wakes do not run meanwhile. A second
of the bot's speech goes through the playout ledger and the protocol. Instructions are those of the interpreter. The one
figure with a clock in it is the cost of the way in against a bare prototype of it, timed in turns in the same run.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from types import FrameType
from typing import Any

from mediasrv.audio.warmup import warm
from native_bench.load.tape import Tape
from native_bench.ways import Prototype, WayIn, WayOut

FRAMES = 300
"""Nearly a cycle of the tape: silence, a sentence, silence."""
_SPEECH_S = 6
_WHILES, _ROUNDS = 5, 20


def instructions(work: Callable[[], object]) -> int:
    """How many instructions of the interpreter something takes, in all Python functions that it calls."""
    count = 0

    def step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            count += 1
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def memory(take: Callable[[bytes], object], frames: Sequence[bytes]) -> tuple[float, float]:
    """Bytes that a frame needs at a time (median), and blocks that each leaves behind (mean)."""
    peaks: list[int] = []
    gc.collect()
    gc.disable()
    try:
        blocks = sys.getallocatedblocks()
        for frame in frames:
            take(frame)
        left = (sys.getallocatedblocks() - blocks) / len(frames)
        tracemalloc.start()
        for frame in frames:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            take(frame)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
        gc.enable()
    return median(peaks), left


def ratio(ours: Callable[[bytes], object], bare: Callable[[bytes], object], frames: Sequence[bytes]) -> float:
    """How often the least time of the one is the other's; they take turns, and the quietest of a few whiles counts."""
    return min(_ratio(ours, bare, frames) for _ in range(_WHILES))


def _ratio(ours: Callable[[bytes], object], bare: Callable[[bytes], object], frames: Sequence[bytes]) -> float:
    least = [float("inf"), float("inf")]
    for _ in range(_ROUNDS):
        for place, take in enumerate((ours, bare)):
            begun = time.perf_counter()
            for frame in frames:
                take(frame)
            least[place] = min(least[place], time.perf_counter() - begun)
    return least[0] / least[1]


def _take_all(way_in: WayIn, frames: Sequence[bytes]) -> None:
    for frame in frames:
        way_in.take(frame)


async def measure() -> dict[str, float]:
    """All figures; less is better. Runs on a ``Clock``."""
    warm()
    tape = Tape()
    first, second, third = ([tape.message(turn * FRAMES + at) for at in range(FRAMES)] for turn in range(3))
    way_in, bare, out = WayIn(), Prototype(), WayOut()
    try:
        await way_in.start()
        _take_all(way_in, first)
        counted = instructions(partial(_take_all, way_in, second))
        peak, left = memory(way_in.take, third)
        slower = ratio(way_in.take, bare.take, third)
    finally:
        await way_in.aclose()
    out.speak(_SPEECH_S)
    out.messages = 0
    said = instructions(lambda: out.speak(_SPEECH_S))
    return {
        "inbound_instructions": round(counted / FRAMES, 1),
        "inbound_peak_bytes": round(peak, 1),
        "inbound_blocks_left": round(left, 2),
        "inbound_to_prototype": round(slower, 2),
        "outbound_instructions": round(said / _SPEECH_S, 1),
        "outbound_messages": round(out.messages / _SPEECH_S, 2),
    }
