"""Exotel AgentStream (the Voicebot applet, and the Stream applet, which only listens), seen from the server.

Exotel sends 100 ms of linear PCM at a time and wants larger pieces back: at least 3,200 bytes, at most 100 KB, a
multiple of 320. Smaller ones are gathered, and filled up with silence where an utterance ends. Its pages do not say
what becomes of the marks that a ``clear`` drops, nor agree on the name of linear PCM: ``audio/x-raw``, ``base64`` and
a missing name mean it here, mu-law stands where it is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.wire.marked import MarkedProtocol, Pieces, Words
from mediasrv.wire.numbers import indian

EXOTEL_FORMATS = (L16_8K, L16_16K, AudioFormat(Encoding.L16, 24_000), MULAW_8K)
"""What an Exotel stream may be made of."""
EXOTEL_WORDS = Words(
    stream="stream_sid",
    call="call_sid",
    parameters="custom_parameters",
    media_format="media_format",
    sequence="sequence_number",
    is_addressed=True,
)
EXOTEL_PIECES = Pieces(least=3200, unit=320)
"""What Exotel takes in one message; its own limit of 100 KB is above ours."""

_LINEAR = ("audio/x-raw", "raw", "base64")


class ExotelProtocol(MarkedProtocol):
    """One Exotel stream, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    carrier: ClassVar[str] = "exotel"
    words: ClassVar[Words] = EXOTEL_WORDS
    stream_member: ClassVar[str] = EXOTEL_WORDS.stream
    formats: ClassVar[Sequence[AudioFormat]] = EXOTEL_FORMATS

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        return EXOTEL_PIECES

    def _read_format(self, member: object) -> AudioFormat:
        if isinstance(member, dict) and member.get("encoding") in _LINEAR:
            member = {"encoding": L16_8K.encoding.value, "rate": member.get("sample_rate")}
        return super()._read_format(member)

    def _read_number(self, value: object) -> str:
        return indian(super()._read_number(value))
