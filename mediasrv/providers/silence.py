"""Silence, encoded."""

from __future__ import annotations

from mediasrv.audio.format import AudioFormat, Encoding

# ITU-T G.711: the codes of 0 and, in A-law, of the smallest value; linear samples are 0.
_QUIET = {Encoding.MULAW: b"\xff", Encoding.ALAW: b"\xd5", Encoding.L16: b"\x00"}


def silence(audio: AudioFormat, duration_ms: int) -> bytes:
    """So much silence in this format."""
    return _QUIET[audio.encoding] * audio.bytes_in(duration_ms)
