"""Exotel AgentStream, seen from Exotel: it sends 100 ms at a time and takes no less than 3,200 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.wire.exotel import EXOTEL_FORMATS, EXOTEL_PIECES, EXOTEL_WORDS
from mediasrv.wire.fields import Fields
from mediasrv.wire.marked import Pieces, Words
from mediasrv.wire.marked_carrier import CALLED, CALLER, MarkedCarrierSide


class ExotelCarrierProtocol(MarkedCarrierSide):
    """One Exotel stream, seen from Exotel."""

    carrier: ClassVar[str] = "exotel"
    name: ClassVar[str] = "Exotel"
    words: ClassVar[Words] = EXOTEL_WORDS
    formats: ClassVar[Sequence[AudioFormat]] = EXOTEL_FORMATS
    sequence_member: ClassVar[str] = EXOTEL_WORDS.sequence
    stream_member: ClassVar[str] = EXOTEL_WORDS.stream

    def _details(self, audio: AudioFormat) -> Fields:
        encoding = "audio/x-raw" if audio.encoding is Encoding.L16 else audio.encoding.value
        return {
            "stream_sid": self._stream_id,
            "account_sid": "simulated",
            "from": CALLER,
            "to": CALLED,
            "media_format": {"encoding": encoding, "sample_rate": str(audio.rate_hz), "bit_rate": "16"},
        }

    def _dtmf(self, digit: str, timestamp_ms: int) -> Fields:
        return {"digit": digit, "duration": "180"}

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        return EXOTEL_PIECES
