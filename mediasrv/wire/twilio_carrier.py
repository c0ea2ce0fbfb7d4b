"""Twilio Media Streams, seen from Twilio: every message of ours must name the stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.wire.fields import Fields
from mediasrv.wire.marked import Words
from mediasrv.wire.marked_carrier import MarkedCarrierSide
from mediasrv.wire.twilio import TWILIO_FORMATS, TWILIO_WORDS

ACCOUNT_SID = "ACsimulatedcaller0000000000000000"
"""In the shape of a Twilio account's id, and no one's."""


class TwilioCarrierProtocol(MarkedCarrierSide):
    """One Twilio stream, seen from Twilio."""

    carrier: ClassVar[str] = "twilio"
    name: ClassVar[str] = "Twilio"
    words: ClassVar[Words] = TWILIO_WORDS
    formats: ClassVar[Sequence[AudioFormat]] = TWILIO_FORMATS
    sequence_member: ClassVar[str] = TWILIO_WORDS.sequence
    stream_member: ClassVar[str] = TWILIO_WORDS.stream

    def _greeting(self) -> Fields:
        return {"protocol": "Call", "version": "1.0.0"}

    def _details(self, audio: AudioFormat) -> Fields:
        return {
            "accountSid": ACCOUNT_SID,
            "streamSid": self._stream_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": audio.encoding.value, "sampleRate": audio.rate_hz, "channels": 1},
        }

    def _media(self, chunk: int, timestamp_ms: int, text: str) -> Fields:
        return {"track": "inbound", **super()._media(chunk, timestamp_ms, text)}

    def _dtmf(self, digit: str, timestamp_ms: int) -> Fields:
        return {"track": "inbound_track", "digit": digit}

    def _stopped(self, reason: str) -> Fields:
        return {"accountSid": ACCOUNT_SID}
