"""The projector: plays our own recordings of calls to who watches, a few seconds at a time, opened by a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from mediasrv.errors import MediasrvError
from mediasrv.records.chronicle import SERVER
from mediasrv.records.records import Records
from mediasrv.server.api.fault import Fault, unavailable

if TYPE_CHECKING:
    # They need the cryptography package, and a server that records nothing does not.
    from mediasrv.records.playback import Playback
    from mediasrv.records.recordings import Recordings

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
MOST_BYTES = (1 << 32) - 1
"""Of a WAV file, which cannot tell a greater length. A day and a half of a call at 8 kHz."""
_PIECES_AT_ONCE = 8
_MAX_PARTS = 1000


class Film:
    """A recording while it is played."""

    def __init__(self, playback: Playback) -> None:
        self.size_bytes = playback.size_bytes
        self._playback = playback
        self._chunks: Iterator[bytes] = playback.chunks()

    def cut(self, start: int, end: int) -> None:
        """Play no more than the bytes from one to before another; before any piece was asked for."""
        self._chunks = self._playback.chunks(start, end)

    async def piece(self) -> bytes:
        """The next piece; nothing at the end. Raise ``SealError``."""
        return await asyncio.to_thread(lambda: b"".join(islice(self._chunks, _PIECES_AT_ONCE)))


class Projector:
    """Of one server."""

    def __init__(self, records: Records | None, recordings: Recordings | None) -> None:
        self._records = records
        self._recordings = recordings
        self._running = 0

    @asynccontextmanager
    async def projection(self, call_id: str, part: str) -> AsyncIterator[Film]:
        """Play a recording of a call, by its place among them; raise ``Fault`` and ``RecordsError``."""
        records, recordings = self._records, self._recordings
        if records is None or recordings is None:
            raise unavailable("no_recordings", "this server keeps no recordings, or no records of them")
        place = _place_of(await records.archive.call(call_id), part)
        if self._running >= MOST_AT_ONCE:
            raise unavailable("busy", "too many recordings are being played: try again")
        self._running += 1
        stack = ExitStack()
        try:
            film = Film(await asyncio.to_thread(stack.enter_context, recordings.playback(place)))
            if film.size_bytes > MOST_BYTES:
                raise Fault(409, "long_recording", "the recording is too long to be played here")
            yield film
        except FileNotFoundError:
            raise _none() from None
        except (MediasrvError, OSError) as error:
            if isinstance(error, Fault | ConnectionError):
                raise
            log.error("recording cannot be played: %s", error, extra={"call": call_id})
            raise Fault(409, "broken_recording", "the recording cannot be read, or not with this key") from None
        finally:
            self._running -= 1
            stack.close()


def _place_of(call: dict[str, Any] | None, part: str) -> str:
    ours = [each["place"] for each in call["recordings"] if each["maker"] == SERVER] if call else []
    number = int(part) if part.isascii() and part.isdigit() and len(part) < 4 else _MAX_PARTS
    if number >= len(ours):
        raise _none()
    return str(ours[number])


def _none() -> Fault:
    return Fault(404, "no_such_recording", "there is no such recording")
