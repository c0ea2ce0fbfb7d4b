"""Proof that a webhook comes from Telnyx: an Ed25519 signature over its time and its body, as the body was sent."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable

from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.ed25519 import is_public_key, verify_ed25519
from mediasrv.wire.fields import count_from

TOLERANCE_S = 300
"""How old a webhook may be, and how far ahead of our clock."""


def read_public_key(text: str) -> bytes:
    """The account's key, as its portal shows it in base64; raise ``ConfigError`` for what is none."""
    key = _decode(text)
    if not is_public_key(key):
        raise ConfigError("telnyx.public_key_env holds no public key: copy it from the portal, Keys & Credentials")
    return key


def verify_telnyx(public_key: bytes, headers: Iterable[tuple[str, str]], body: bytes, now_s: float) -> None:
    """Raise ``SignatureError`` unless the body was signed with this account's key a moment ago.

    ``now_s`` is in seconds since the epoch. What is too old, or not signed at all, costs no arithmetic.
    """
    values = {name.lower(): value for name, value in headers}
    stamp = values.get("telnyx-timestamp", "")
    sent_s = count_from(stamp)
    if sent_s is None or abs(now_s - sent_s) > TOLERANCE_S:
        raise SignatureError("the webhook is not of this moment")
    signature = _decode(values.get("telnyx-signature-ed25519", ""))
    if not verify_ed25519(public_key, stamp.encode() + b"|" + body, signature):
        raise SignatureError("the signature does not match")


def _decode(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        return b""
