"""The ways that frames walk, without sockets or waiting: in through a whole call, and out through the ledger."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any, cast

import numpy as np
import orjson
import webrtcvad

from mediasrv.audio.format import MULAW_8K, PTIME_MS
from mediasrv.audio.g711 import decode_ulaw
from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo import STREAM_PATH, PlivoCarrier
from mediasrv.net.websocket import ServerHandshake
from mediasrv.server.calls import Calls
from mediasrv.server.media import MediaDoor
from mediasrv.server.metrics import Metrics
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.events import Mark
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.load.frames import UPGRADE
from native_bench.load.tape import STREAM_ID, start_message

_PIECE_MS = 100
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
        self._now = 0.0
        self.messages = 0

    def speak(self, seconds: int) -> None:
        """Say one utterance, and have it heard: the voice is five times as fast as the ear, as voices are."""
        number = self._ledger.open()
        marks: list[str] = []
        for _ in range(seconds * 1000 // _PIECE_MS):
            self._ledger.queue(number, self._speech, "")
            marks += self._tick()
        self._ledger.close(number)
        while self._ledger.busy or self._now < self._ledger.dry_at_s:
            marks += self._tick()
        for name in marks:
            self._ledger.reached(name, self._now)

    def _tick(self) -> list[str]:
        self._now += PTIME_MS / 1000
        if self._now < self._ledger.due_at_s:
            return []
        commands = self._ledger.due(self._now)
        for command in commands:
            self._wire.send(command)
            self.messages += 1
        return [command.name for command in commands if isinstance(command, Mark)]
