"""From one audio format to another, piece by piece."""

from __future__ import annotations

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat
from mediasrv.audio.resample import Resampler


class Transcoder:
    """Turns encoded audio of one format into another; keeps the resampler's state between pieces."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._changes_nothing = source == target
        self._resampler = Resampler(source.rate_hz, target.rate_hz) if source.rate_hz != target.rate_hz else None

    def push(self, payload: bytes) -> bytes:
        """Transcode whole samples; with a change of rate, the last few milliseconds come with the next piece."""
        if self._changes_nothing:
            return payload
        pcm = codec.decode(self._source.encoding, payload)
        if self._resampler is not None:
            pcm = self._resampler.push(pcm)
        return codec.encode(self._target.encoding, pcm)

    def flush(self) -> bytes:
        """Return what the resampler still holds, at the end of the stream."""
        if self._resampler is None:
            return b""
        return codec.encode(self._target.encoding, self._resampler.flush())
