"""The certificate that a server proves itself with, read anew when it is renewed, without a connection being lost.

``ssl`` does not tell when a certificate ends that nobody has verified, so that is read here, from its DER (RFC 5280
section 4.1): nested things of a tag, a length and a content.
"""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mediasrv.errors import ConfigError

log = logging.getLogger(__name__)

WARN_BEFORE = timedelta(days=14)
"""How long before its end a certificate is complained about."""

# X.690 section 8.
_VERSION, _UTC_TIME = 0xA0, 0x17


class Certificate:
    """A certificate and its key; ``context`` is that of all connections to the server."""

    def __init__(self, certificate: Path, key: Path, now: datetime) -> None:
        """Read both, from PEM: blocks on files. Raise ``ConfigError`` for what is of no use."""
        self._certificate = certificate
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.renew(now)

    def renew(self, now: datetime) -> None:
        """Read both anew, for the connections to come; when they are of no use the old ones stay. Raise likewise."""
        expires = self._expires()
        if expires <= now:
            raise ConfigError(f"the certificate in {self._certificate} has expired on {expires:%Y-%m-%d}: renew it")
        # Tried elsewhere first: a context that has half of it is of no use to anybody.
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._load(self.context)
        if expires - now < WARN_BEFORE:
            left = {"file": str(self._certificate), "expires": f"{expires:%Y-%m-%d}"}
            log.warning("certificate expires in %d days", (expires - now).days, extra=left)

    def _expires(self) -> datetime:
        try:
            text = self._certificate.read_text(encoding="ascii")
            start = text.index("-----BEGIN CERTIFICATE-----")
            end = text.index("-----END CERTIFICATE-----", start) + len("-----END CERTIFICATE-----")
            return expiry_of(ssl.PEM_cert_to_DER_cert(text[start:end]))
        except OSError as error:
            raise ConfigError(f"cannot read the certificate in {self._certificate}: {error.strerror}") from None
        except ValueError:
            raise ConfigError(f"there is no certificate in {self._certificate}: expected PEM") from None

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            # A key that asks for a password must not ask at a terminal.
            context.load_cert_chain(self._certificate, self._key, password="")
        except ssl.SSLError as error:
            what = "is for another certificate" if error.reason == "KEY_VALUES_MISMATCH" else "cannot be used"
            raise ConfigError(f"the key in {self._key} {what}: expected PEM without a password") from None
        except OSError as error:
            raise ConfigError(f"cannot read the key in {self._key}: {error.strerror}") from None


def expiry_of(der: bytes) -> datetime:
    """When a certificate ends; raise ``ValueError`` for what is none."""
    try:
        ((_, certificate),) = _things(der, 1)
        fields = _things(_things(certificate, 1)[0][1], 6)
        _, validity = fields[4 if fields[0][0] == _VERSION else 3]
        kind, text = _things(validity, 2)[1]
        moment = datetime.strptime(text.decode("ascii"), "%y%m%d%H%M%SZ" if kind == _UTC_TIME else "%Y%m%d%H%M%SZ")
    except (IndexError, ValueError):
        raise ValueError("no certificate") from None
    return moment.replace(tzinfo=UTC)


def _things(der: bytes, most: int) -> list[tuple[int, bytes]]:
    """Tags and contents of the first things in a row."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(der) and len(found) < most:
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            size, at = int.from_bytes(der[at : at + width], "big"), at + width
        if at + size > len(der):
            raise ValueError("no certificate")
        found.append((tag, der[at : at + size]))
        at += size
    return found
