"""Twilio Media Streams, seen from the server that Twilio connects to.

Twilio calls a URL without a query, so what we gave along, the agent and the call's token, comes in
``start.customParameters``. The audio is mu-law at 8 kHz both ways. A ``clear`` is answered by the marks that it drops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.wire.marked import MarkedProtocol, Words

TWILIO_FORMATS = (MULAW_8K,)
"""What a Twilio stream may be made of."""
TWILIO_WORDS = Words(
    stream="streamSid",
    call="callSid",
    parameters="customParameters",
    media_format="mediaFormat",
    sequence="sequenceNumber",
    is_addressed=True,
)


class TwilioProtocol(MarkedProtocol):
    """One Twilio stream, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    carrier: ClassVar[str] = "twilio"
    words: ClassVar[Words] = TWILIO_WORDS
    stream_member: ClassVar[str] = TWILIO_WORDS.stream
    formats: ClassVar[Sequence[AudioFormat]] = TWILIO_FORMATS
