"""A porter: carries a call's audio from the reel to a recognition that keeps none of it there.

Audio is carried a few frames at a time, and all that there is before anything is said about it. Where the recogniser
takes another format, the porter brings it into that.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, runtime_checkable

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.transcode import Transcoder
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import Recognition, Stt, Transcript, TurnHint
from mediasrv.providers.reel import Reel

_LOAD_MS = 60


@runtime_checkable
class Follower(Protocol):
    """A recogniser that reads reels itself."""

    def follow(self, reel: Reel) -> Recognition:
        """Open a recognition for one call, which hears what comes onto a reel of a format that this takes."""


def following(stt: Stt, reel: Reel) -> Recognition:
    """Open a recognition for one call, which hears what comes onto a reel."""
    if isinstance(stt, Follower) and reel.audio in stt.formats:
        return stt.follow(reel)
    wanted = reel.audio if reel.audio in stt.formats else stt.formats[0]
    return Porter(reel, stt.listen(wanted), wanted)


class Porter(Recognition):
    """One recognition's."""

    def __init__(self, reel: Reel, recognition: Recognition, audio: AudioFormat) -> None:
        self._reel = reel
        self._recognition = recognition
        self._transcoder = None if audio == reel.audio else Transcoder(reel.audio, audio)
        self._load_bytes = reel.bytes_in(_LOAD_MS)
        reel.follow(self._carry, self._load_bytes)

    @property
    def send(self) -> Callable[[bytes], None]:
        """The reel's own: whoever sends frames has it called without a detour."""
        return self._reel.push

    def begin(self) -> None:
        self._carry()
        self._recognition.begin()

    def finalize(self, request: int) -> None:
        self._carry()
        self._recognition.finalize(request)

    def commit(self) -> None:
        self._carry()
        self._recognition.commit()

    @property
    def unsent_s(self) -> float:
        """What waits behind the porter, who himself lets nothing wait."""
        return unsent_s(self._recognition)

    def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        return self._recognition.transcripts()

    def _carry(self) -> None:
        payload = self._reel.take(self._reel.end - self._reel.given)
        if payload:
            self._recognition.send(payload if self._transcoder is None else self._transcoder.push(payload))
        self._reel.follow(self._carry, self._load_bytes)
