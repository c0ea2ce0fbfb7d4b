"""The format of a stream in the words of a ``start`` message.

Seen on wires and in vendors' fixtures: ``{"encoding": "audio/x-mulaw", "sampleRate": 8000}``, the same with the rate
as text, ``{"type": …, "rate": …}``, and an encoding that brings its rate along, ``audio/x-l16;rate=16000``. A rate of
its own wins over the one in the encoding, as it is the documented place.
"""

from __future__ import annotations

from collections.abc import Container

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.fields import Fields, count_from
from mediasrv.wire.protocol import UnsupportedFormatError

DEFAULT_RATE_HZ = 8000
"""The rate of a telephone call that names none (RFC 3551 section 4.5.14 for G.711)."""

_ENCODINGS = {
    "mulaw": Encoding.MULAW,
    "pcmu": Encoding.MULAW,
    "alaw": Encoding.ALAW,
    "pcma": Encoding.ALAW,
    "l16": Encoding.L16,
}


def read_media_format(member: object, assumed: AudioFormat, spoken: Container[AudioFormat]) -> AudioFormat:
    """Read what a stream is made of.

    ``assumed`` is taken where the message says nothing, and its encoding where it names a rate alone. Raise
    ``UnsupportedFormatError`` for a format that is not ``spoken``, ``RemoteProtocolError`` for what is no format.
    """
    if member is None:
        return assumed
    if not isinstance(member, dict):
        raise RemoteProtocolError("the media format is not an object")
    written = _first(member, "encoding", "type")
    rate = _first(member, "sampleRate", "sample_rate", "rate")
    if written is None and rate is None:
        return assumed
    encoding, parameter = (assumed.encoding, None) if written is None else _read_encoding(written)
    if rate is None:
        rate = DEFAULT_RATE_HZ if parameter is None else parameter
    rate_hz = count_from(rate)
    if rate_hz is None:
        raise RemoteProtocolError("the media format's rate is not a number")
    stream = AudioFormat(encoding, rate_hz)
    if stream not in spoken:
        raise UnsupportedFormatError(f"{stream} is not spoken here")
    return stream


def _read_encoding(written: object) -> tuple[Encoding, str | None]:
    """Split ``audio/x-l16;rate=16000`` into its encoding and the text of its rate, if it has one."""
    if not isinstance(written, str):
        raise RemoteProtocolError("the media format's encoding is not a text")
    name, *parameters = (part.strip() for part in written.lower().split(";"))
    encoding = _ENCODINGS.get(name.removeprefix("audio/").removeprefix("x-"))
    if encoding is None:
        raise UnsupportedFormatError("the stream's encoding is not spoken here")
    rates = [value.strip() for key, _, value in (part.partition("=") for part in parameters) if key.strip() == "rate"]
    return encoding, rates[0] if rates else None


def _first(member: Fields, *names: str) -> object:
    """The first of these members that is there."""
    return next((member[name] for name in names if member.get(name) is not None), None)
