"""Figures that do not depend on the machine's mood: what a frame takes in instructions, memory and messages.

A frame of the caller walks all the way that it walks in a server, from the bytes at the media door through a whole
call; only the recogniser behind it is a scripted one, and tasks that a frame wakes do not run meanwhile. A second
of the bot's speech goes through the playout ledger and the protocol. Instructions are those of the interpreter. The one
figure with a clock in it is the cost of the way in against a bare prototype of it, timed in turns in the same run.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import tracemalloc
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from types import FrameType
from typing import Any, cast

import numpy as np
import orjson
import webrtcvad

from mediasrv.audio.format import MULAW_8K, PTIME_MS
from mediasrv.audio.g711 import decode_ulaw
from mediasrv.audio.warmup import warm
from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.net.websocket import ServerHandshake
from mediasrv.server.calls import Calls
from mediasrv.server.carrier import STREAM_PATH, PlivoCarrier
from mediasrv.server.media import MediaDoor
from mediasrv.server.metrics import Metrics
from mediasrv.server.options import PlivoOptions
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.events import Mark
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.load.frames import UPGRADE
from native_bench.load.tape import STREAM_ID, Tape, start_message

FRAMES = 300
"""A whole cycle of the tape: silence, a sentence, silence."""
_SPEECH_S = 6
_PIECE_MS = 100
_WHILES, _ROUNDS = 5, 20
_FRAME_HEAD = 8
_TURNS_TO_BEGIN = 20
AGENT = AgentOptions(
    greeting="",
    stt={"provider": "scripted"},
    llm={"provider": "scripted"},
    tts={"provider": "scripted", "first_audio_ms": 0},
)


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time can be stopped, and then passes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0
        self._stopped_s: float | None = None

    def time(self) -> float:
        return super().time() + self._ahead_s if self._stopped_s is None else self._stopped_s

    def stop_time(self) -> None:
        """Let no time pass by itself."""
        self._stopped_s = self.time()

    def pass_time(self, seconds: float) -> None:
        """Let it pass now."""
        self._stopped_s = self.time() + seconds

    def go_on(self) -> None:
        """Let it pass by itself, from here on."""
        self._ahead_s = self.time() - super().time()
        self._stopped_s = None


class _Wire(asyncio.Transport):
    """A socket that leads nowhere."""

    protocol: asyncio.Protocol

    def write(self, data: Any) -> None: ...

    def is_closing(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast("asyncio.Protocol", protocol)

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None: ...

    def abort(self) -> None: ...


class WayIn:
    """A call at the server's own media door, with a scripted recogniser; needs to run on a ``Clock``."""

    def __init__(self) -> None:
        self._loop = cast("Clock", asyncio.get_running_loop())
        self._agency = Agency({"default": AGENT})
        self._calls = Calls(self._agency, 1, Metrics())
        self._wire = _Wire()

    async def start(self) -> None:
        """Open the call."""
        await self._agency.start()
        door = MediaDoor(self._calls, {STREAM_PATH: PlivoCarrier(PlivoOptions(verify_signatures=False))}, "")
        head = UPGRADE.format(target=STREAM_PATH, host="bench").encode()
        door.upgrade(ServerHandshake(self._wire, head), b"")
        self.take(start_message("check"))
        for _ in range(_TURNS_TO_BEGIN):
            await asyncio.sleep(0)
        self._loop.stop_time()

    def take(self, frame: bytes) -> None:
        """Take what comes from the socket, 20 ms later than what came before."""
        self._loop.pass_time(PTIME_MS / 1000)
        self._wire.protocol.data_received(frame)

    async def aclose(self) -> None:
        """End the call."""
        self._loop.go_on()
        self._wire.protocol.connection_lost(None)
        await self._calls.aclose()
        await self._agency.aclose()


class Prototype:
    """The least that can be done with a frame: read it, decode it, ask whether it is speech."""

    def __init__(self) -> None:
        self._detector = webrtcvad.Vad(0)

    def take(self, frame: bytes) -> None:
        """Take what comes from the socket."""
        message = orjson.loads(frame[_FRAME_HEAD:])
        pcm = decode_ulaw(b64decode(message["media"]["payload"]))
        self._detector.is_speech(pcm.tobytes(), MULAW_8K.rate_hz)


class WayOut:
    """A bot that speaks without end."""

    def __init__(self) -> None:
        self._ledger, self._wire = PlayoutLedger(MULAW_8K), PlivoProtocol()
        self._wire.receive(PlivoCarrierProtocol().start("check", STREAM_ID, MULAW_8K))
        self._speech = np.random.default_rng(1).integers(0, 255, 8 * _PIECE_MS).astype(np.uint8).tobytes()
        self.messages = 0

    def speak(self, seconds: int) -> None:
        """Say one utterance, a piece every 100 ms, and have it heard."""
        number = self._ledger.open()
        marks: list[str] = []
        for tick in range(seconds * 1000 // PTIME_MS):
            now = tick * PTIME_MS / 1000
            if not tick * PTIME_MS % _PIECE_MS:
                self._ledger.queue(number, self._speech, "")
            marks += self._send(now)
        self._ledger.close(number)
        for tick in range(1000 // PTIME_MS):
            marks += self._send(seconds + tick * PTIME_MS / 1000)
        for name in marks:
            self._ledger.reached(name, seconds + 1)

    def _send(self, now: float) -> list[str]:
        commands = self._ledger.due(now)
        for command in commands:
            self._wire.send(command)
            self.messages += 1
        return [command.name for command in commands if isinstance(command, Mark)]


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
