"""Our own recordings of calls, sealed, written by one thread for all calls.

The loop hands over a second of both voices at a time and never waits: what the disk cannot take in time is replaced by
silence of the same length, and counted. A recording that cannot be written goes no further, and its call goes on; that
it is so is said once, and so is its end.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
import orjson

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat
from mediasrv.call.recording import Recorded
from mediasrv.errors import ConfigError
from mediasrv.records.playback import Playback
from mediasrv.records.recordingfiles import SUFFIX
from mediasrv.records.sealed import Sealer

log = logging.getLogger(__name__)

WAITING_BYTES = 16 << 20
"""What may wait for the disk, of all calls together."""
CHANNELS = 2
# On a disk that is nearly full small pieces find room between large ones that do not.
QUIET_S = 30.0
"""How long nothing must have failed before what is written is the end of trouble."""


class Recordings:
    """The folder of recordings and the thread that writes there."""

    def __init__(
        self, folder: Path, key: bytes, finished: Callable[[Recorded], None], *, table: str = "recording"
    ) -> None:
        """``finished`` is called on the loop for every recording that is over; ``table`` is of the configuration."""
        self.folder = folder
        self._key = key
        self._finished = finished
        self.table = table
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recordings", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.waiting_bytes = 0
        """What waits for the disk; only the loop counts up, and only the thread's word, on the loop, counts down."""
        self.lost_bytes = 0
        """What silence took the place of."""
        self.trouble = ""
        """Why nothing can be written at the moment; empty when it can. The thread's word."""
        self._troubled_s = 0.0

    def start(self) -> None:
        """Make the folder and start; raise ``ConfigError``."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.folder / f".{uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigError(f"{self.table}.folder {self.folder} cannot be written: {error.strerror}") from None
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def aclose(self) -> None:
        """Return when all that was handed over is on the disk; safe to call twice."""
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def open(self, call_id: str, audio: AudioFormat) -> Reel:
        """Begin a recording of two voices in this format, interleaved."""
        return Reel(self, call_id, audio, self._key)

    @contextmanager
    def playback(self, place: str) -> Iterator[Playback]:
        """Play a recording, named as ``Recorded.path`` was; it blocks.

        Raise ``SealError``, or ``OSError`` where there is no such file. None but those in the folder are ever opened,
        whatever the records say.
        """
        with (self.folder / Path(place).name).open("rb") as sealed:
            yield Playback(sealed, self._key)

    def hand_over(self, job: Callable[[], None], size: int) -> bool:
        """Have the thread do something with so many bytes; ``False`` when too many wait already."""
        if self.waiting_bytes + size > WAITING_BYTES:
            if not self.lost_bytes:
                log.error("recordings lose audio: the disk is too slow")
            self.lost_bytes += size
            return False
        self.waiting_bytes += size
        self._jobs.put(lambda: self._do(job, size))
        return True

    def tell(self, recorded: Recorded) -> None:
        """Called by the thread: a recording is over."""
        self._on_loop(self._finished, recorded)

    def begin_trouble(self, error: OSError) -> None:
        """Called by the thread: something was not written."""
        if not self.trouble:
            log.error("recordings cannot be written", extra={"table": self.table, "trouble": error.strerror})
        self.trouble = error.strerror or type(error).__name__
        self._troubled_s = time.monotonic()

    def end_trouble(self) -> None:
        """Called by the thread: something was."""
        if self.trouble and time.monotonic() >= self._troubled_s + QUIET_S:
            log.info("recordings are written again", extra={"table": self.table})
            self.trouble = ""

    def _do(self, job: Callable[[], None], size: int) -> None:
        job()
        self._on_loop(self._done, size)

    def _done(self, size: int) -> None:
        self.waiting_bytes -= size

    def _on_loop(self, callback: Callable[..., None], argument: object) -> None:
        assert self._loop is not None  # start was called
        try:
            self._loop.call_soon_threadsafe(callback, argument)
        except RuntimeError:
            log.warning("the server was gone before a recording was over")

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class Reel:
    """One recording; plain calls of the loop, in order."""

    def __init__(
        self,
        recordings: Recordings,
        call_id: str,
        audio: AudioFormat,
        key: bytes,
        *,
        suffix: str = SUFFIX,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """``about`` is kept readable in the place of what a recording is read by."""
        self._recordings = recordings
        self._audio = audio
        self._call_id = call_id
        self._began_s = time.time()
        day = time.strftime("%Y-%m-%d", time.gmtime(self._began_s))
        self._path = recordings.folder / f"{day}-{uuid4().hex}{suffix}"
        if about is None:
            about = {"encoding": audio.encoding.value, "rate_hz": audio.rate_hz, "channels": CHANNELS}
        self._sealer = Sealer(key, orjson.dumps({"call": call_id, **about, "began_s": round(self._began_s, 3)}))
        self._file: BinaryIO | None = None
        self._bytes = 0
        self._is_whole = True
        recordings.hand_over(self._create, 0)

    def write(self, audio: bytes) -> None:
        """Append encoded samples, the caller's and the bot's by turns."""
        if not self._recordings.hand_over(lambda: self._append(audio), len(audio)):
            self._is_whole = False
            size = len(audio)
            self._recordings.hand_over(lambda: self._append(self._silence(size)), 0)

    def close(self) -> None:
        """The recording is over."""
        self._recordings.hand_over(self._finish, 0)

    # -- what the thread does ------------------------------------------------------------------------------------

    def _create(self) -> None:
        def create() -> None:
            self._path.touch(mode=0o600)
            self._file = self._path.open("wb", buffering=0)
            _write_whole(self._file, self._sealer.beginning)

        self._try(create)

    def _append(self, audio: bytes, *, is_last: bool = False) -> None:
        file = self._file
        if file is not None:
            sealed = self._sealer.seal(audio, is_last=is_last)
            self._bytes += len(audio)
            if self._try(lambda: _write_whole(file, sealed)):
                self._recordings.end_trouble()

    def _finish(self) -> None:
        self._append(b"", is_last=True)
        if self._file is not None:
            self._file.close()
        duration_ms = self._bytes * 1000 // (CHANNELS * self._audio.bytes_in(1000))
        recorded = Recorded(self._call_id, self._path, self._began_s, duration_ms, self._is_whole)
        self._recordings.tell(recorded)

    def _silence(self, size: int) -> bytes:
        return codec.encode(self._audio.encoding, np.zeros(size // self._audio.bytes_per_sample, np.int16))

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except OSError as error:
            self._recordings.begin_trouble(error)
            log.info("recording goes no further", extra={"call": self._call_id, "table": self._recordings.table})
            self._is_whole = False
            if self._file is not None:
                self._file.close()
                self._file = None
            return False
        return True


def _write_whole(file: BinaryIO, data: bytes) -> None:
    """Write, or raise ``OSError``: a disk takes what there is room for, and nothing may follow a piece of a piece."""
    if file.write(data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
