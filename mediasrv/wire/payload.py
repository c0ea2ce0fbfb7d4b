"""Audio inside a JSON message: base64 of RFC 4648 section 4, strict both ways.

Strict, because audio that was damaged on the way is better counted as lost than played as a burst of noise.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

from mediasrv.errors import LocalProtocolError, RemoteProtocolError


def decode_payload(text: object, bytes_per_sample: int) -> bytes:
    """Read whole samples; raise ``RemoteProtocolError`` for bad base64, for no audio and for half a sample."""
    if not isinstance(text, str):
        raise RemoteProtocolError("the payload is not a text")
    try:
        payload = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise RemoteProtocolError("the payload is not base64") from None
    size = len(payload)
    if len(text) != (size + 2) // 3 * 4:
        # The standard library's strict mode passes padding after a whole quantum.
        raise RemoteProtocolError("the payload is not base64")
    if not size:
        raise RemoteProtocolError("the payload is empty")
    if size % bytes_per_sample:
        raise RemoteProtocolError("the payload ends within a sample")
    return payload


def encode_payload(payload: bytes, bytes_per_sample: int) -> str:
    """Write whole samples; raise ``LocalProtocolError`` for no audio and for half a sample."""
    check_samples(payload, bytes_per_sample)
    return b2a_base64(payload, newline=False).decode("ascii")


def check_samples(payload: bytes, bytes_per_sample: int) -> None:
    """Raise ``LocalProtocolError`` for what ``encode_payload`` refuses."""
    if not payload:
        raise LocalProtocolError("there is no audio to send")
    if len(payload) % bytes_per_sample:
        raise LocalProtocolError("the audio to send ends within a sample")
