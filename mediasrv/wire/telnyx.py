"""Telnyx media streaming over WebSockets, seen from the server, in its ``rtp`` mode.

Telnyx does not promise the order of the caller's audio, so chunks that came ahead of others wait for them a moment.
Our messages name no stream; a piece of audio lasts 20 ms to 30 s. L16 is read as little-endian, as by every other
carrier: no page says it. A ``clear`` is answered by the marks that it drops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, PTIME_MS, AudioFormat, Encoding
from mediasrv.wire.events import Event, MediaReceived
from mediasrv.wire.fields import Fields
from mediasrv.wire.marked import MarkedProtocol, Pieces, Words
from mediasrv.wire.reorder import Reorder
from mediasrv.wire.stream import Reader

TELNYX_FORMATS = (MULAW_8K, AudioFormat(Encoding.ALAW, 8000), L16_16K, L16_8K, AudioFormat(Encoding.L16, 24_000))
"""What a Telnyx stream may be made of."""
TELNYX_WORDS = Words(
    stream="stream_id",
    call="call_control_id",
    parameters="custom_parameters",
    media_format="media_format",
    sequence="sequence_number",
    is_addressed=False,
)
LONGEST_MS = 30_000
"""Longest piece of audio in one message."""

# 100 ms of chunks ahead of a missing one: then it is lost, and who waits longer for it hears late.
_WINDOW = 5


class TelnyxProtocol(MarkedProtocol):
    """One Telnyx stream, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    carrier: ClassVar[str] = "telnyx"
    words: ClassVar[Words] = TELNYX_WORDS
    stream_member: ClassVar[str] = TELNYX_WORDS.stream
    formats: ClassVar[Sequence[AudioFormat]] = TELNYX_FORMATS

    def __init__(self) -> None:
        super().__init__()
        self._reorder = Reorder(_WINDOW)

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        return Pieces(audio.bytes_in(PTIME_MS), audio.bytes_per_sample)

    def _order(self, media: MediaReceived) -> Sequence[Event]:
        return self._reorder.push(media)

    def _stop(self, fields: Fields) -> Sequence[Event]:
        return [*self._reorder.flush(), *super()._stop(fields)]

    readers: ClassVar[Mapping[str, Reader]] = {**MarkedProtocol.readers, "stop": _stop}
