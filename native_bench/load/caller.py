"""A caller for load: a socket, a tape, and an ear that counts.

It speaks Plivo's protocol as far as a server can tell, answers marks in time and clears at once, and reads of the
server's messages no more than it must. Any server may be called: what does not answer as one is told in a word.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

import orjson

from native_bench.load.ear import Ear
from native_bench.load.frames import CLOSE, PING, PONG, UPGRADE, framed, unframed
from native_bench.load.metronome import Metronome
from native_bench.load.tape import FRAME_S, RATE_HZ, STREAM_ID, Tape, start_message

_HEAD_END = b"\r\n\r\n"
_NORMAL = (1000).to_bytes(2, "big")


class LoadCaller(asyncio.Protocol):
    """One call; ``opened`` and ``over`` tell how it goes."""

    def __init__(self, number: int, target: str, host: str, metronome: Metronome, tape: Tape) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.ear = Ear(RATE_HZ)
        self.opened: asyncio.Future[None] = loop.create_future()
        """Done when the server took the call; holds a ``ConnectionError`` when it did not."""
        self.over: asyncio.Future[str] = loop.create_future()
        """Done when the connection is gone: what it was that ended it, empty when it was the caller."""
        self.started_s = 0.0
        """When the ``start`` message went out."""
        self.media_began_s = 0.0
        """Monotonic time of the first sample: of the start message, until the first frame was sent."""
        self.first_audio_s = 0.0
        """When the bot's first audio came."""
        self.spoke: asyncio.Future[None] = loop.create_future()
        """Done when that came."""
        self.answers_ms: list[float] = []
        """From pings to their answers."""
        self._target, self._host = target, host
        self._metronome, self._tape = metronome, tape
        self._received = b""
        self._frames = 0
        self._pinged_s = 0.0
        self._is_leaving = False

    # -- the way out ---------------------------------------------------------------------------------------------

    def speak(self, intended_s: float) -> None:
        if not self._frames:
            self.media_began_s = intended_s - FRAME_S
        self._transport.write(self._tape.message(self._frames))
        self._frames += 1

    def look(self, now: float) -> None:
        if self._transport.is_closing():
            return
        position = self.position(now)
        for name in self.ear.reached(position):
            self._tell("playedStream", name=name)
        if (due := self.ear.next_mark()) is not None:
            self._metronome.look_at(self._time_of(due), self)

    def ping(self) -> None:
        """Ask for a sign of life, unless one is still owed."""
        if not self._pinged_s:
            self._pinged_s = time.monotonic()
            self._transport.write(framed(b"", PING))

    def hang_up(self) -> None:
        """End the call as a carrier does."""
        if self._is_leaving or self.over.done():
            return
        self._is_leaving = True
        self._metronome.leave(self)
        self._tell("stop")
        self._transport.write(framed(_NORMAL, CLOSE))

    def abort(self) -> None:
        """Drop the connection."""
        self._metronome.leave(self)
        self._transport.abort()

    def _tell(self, event: str, **members: str) -> None:
        message = {"event": event, "sequenceNumber": self._frames, "streamId": STREAM_ID, **members}
        self._transport.write(framed(orjson.dumps(message)))

    # -- the way in ----------------------------------------------------------------------------------------------

    def position(self, now: float) -> int:
        """Samples of media time at a monotonic time."""
        return round((now - self.media_began_s) * RATE_HZ)

    def _time_of(self, position: int) -> float:
        return self.media_began_s + position / RATE_HZ

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(UPGRADE.format(target=self._target, host=self._host).encode())

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if not self.opened.done():
            head, blank, rest = self._received.partition(_HEAD_END)
            if not blank and head[:4] in b"HTTP":
                return
            self._received = rest
            self._open(head)
        at = 0
        while (frame := unframed(self._received, at)) is not None:
            opcode, begin, at = frame
            self._hear(opcode, begin, at)
        self._received = self._received[at:]

    def _open(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 101"):
            line = head.partition(b"\r\n")[0][:60].decode("ascii", "replace")
            self.opened.set_exception(ConnectionError(f"the server did not take the call: {line!r}"))
            self._is_leaving = True
            self._transport.abort()
            return
        self.started_s = self.media_began_s = time.monotonic()
        self._transport.write(start_message(f"load-{id(self):x}-{self.number}"))
        self._metronome.join(self, self.number)
        self.opened.set_result(None)

    def _hear(self, opcode: int, begin: int, end: int) -> None:
        match opcode:
            case 1:
                self._hear_text(begin, end)
            case 9:
                self._transport.write(framed(self._received[begin:end], PONG))
            case 10:
                self.answers_ms.append((time.monotonic() - self._pinged_s) * 1000)
                self._pinged_s = 0.0
            case 8 if not self._is_leaving:
                self._metronome.leave(self)
                self._is_leaving = True
                self._finish("the server hung up")
                self._transport.write(framed(_NORMAL, CLOSE))

    def _hear_text(self, begin: int, end: int) -> None:
        now = time.monotonic()
        data = self._received
        if data.find(b'"playAudio"', begin, end) >= 0:
            if not self.spoke.done():
                self.first_audio_s = now
                self.spoke.set_result(None)
            self.ear.lay(samples_in(data, begin, end), self.position(now))
        elif data.find(b'"checkpoint"', begin, end) >= 0:
            self.ear.mark(str(orjson.loads(data[begin:end])["name"]), self.position(now))
            self.look(now)
        elif data.find(b'"clearAudio"', begin, end) >= 0:
            self.ear.clear(self.position(now))
            self._tell("clearedAudio")

    def connection_lost(self, exc: Exception | None) -> None:
        self._metronome.leave(self)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server closed the connection in the handshake"))
        self._finish("" if self._is_leaving else "the connection broke")

    def _finish(self, ending: str) -> None:
        if not self.over.done():
            self.over.set_result(ending)


def samples_in(data: bytes, begin: int, end: int) -> int:
    """Samples of mu-law in a ``playAudio`` message that lies there, counted by the length of its base64."""
    first = data.find(b'"', data.find(b":", data.find(b'"payload"', begin, end), end), end) + 1
    last = data.find(b'"', first, end)
    return (last - first) * 3 // 4 - data.count(b"=", max(first, last - 2), last)
