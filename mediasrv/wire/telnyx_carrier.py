"""Telnyx media streaming, seen from Telnyx in its ``rtp`` mode: a piece of audio lasts 20 ms to 30 s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mediasrv.audio.format import PTIME_MS, AudioFormat, Encoding
from mediasrv.wire.fields import Fields
from mediasrv.wire.marked import Pieces, Words
from mediasrv.wire.marked_carrier import CALLED, CALLER, MarkedCarrierSide
from mediasrv.wire.telnyx import LONGEST_MS, TELNYX_FORMATS, TELNYX_WORDS

_NAMES = {Encoding.MULAW: "PCMU", Encoding.ALAW: "PCMA", Encoding.L16: "L16"}


class TelnyxCarrierProtocol(MarkedCarrierSide):
    """One Telnyx stream, seen from Telnyx."""

    carrier: ClassVar[str] = "telnyx"
    name: ClassVar[str] = "Telnyx"
    words: ClassVar[Words] = TELNYX_WORDS
    formats: ClassVar[Sequence[AudioFormat]] = TELNYX_FORMATS
    sequence_member: ClassVar[str] = TELNYX_WORDS.sequence
    stream_member: ClassVar[str] = TELNYX_WORDS.stream

    def _greeting(self) -> Fields:
        return {"version": "1.0.0"}

    def _details(self, audio: AudioFormat) -> Fields:
        return {
            "user_id": "simulated",
            "call_session_id": f"session of {self._stream_id}",
            "from": CALLER,
            "to": CALLED,
            "tags": [],
            "client_state": "",
            "media_format": {"encoding": _NAMES[audio.encoding], "sample_rate": audio.rate_hz, "channels": 1},
        }

    def _media(self, chunk: int, timestamp_ms: int, text: str) -> Fields:
        return {"track": "inbound", **super()._media(chunk, timestamp_ms, text)}

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        return Pieces(audio.bytes_in(PTIME_MS), audio.bytes_per_sample, audio.bytes_in(LONGEST_MS))
