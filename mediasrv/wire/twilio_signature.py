"""Proof that a request comes from Twilio: ``X-Twilio-Signature`` on webhooks and on the WebSocket upgrade.

Base64 of HMAC-SHA1 over the URL and the form fields, name and value after name and value, without separators; a JSON
body is not signed itself, but its SHA-256 stands in the query as ``bodySHA256``. Twilio signs sometimes with the port
and sometimes without, and an upgrade under ``wss`` where a proxy has made ``https`` or ``http`` of it: each reading is
tried, in constant time, and a failure says nothing about its cause.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from mediasrv.errors import SignatureError
from mediasrv.wire.signature import Headers, Params, addresses, as_bytes, sorted_pairs

_HEADER = "x-twilio-signature"
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def sign_twilio(token: str, url: str, params: Params | None = None) -> str:
    """Sign as Twilio does; of a field that came several times with one value, that counts once."""
    once = {
        name: [values] if isinstance(values, str) else sorted(set(values)) for name, values in (params or {}).items()
    }
    fields = "".join(f"{name}{value}" for name, value in sorted_pairs(once))
    return b64encode(hmac.digest(as_bytes(token), as_bytes(f"{url}{fields}"), "sha1")).decode()


def verify_twilio(
    token: str,
    url: str,
    headers: Headers,
    params: Params | None = None,
    *,
    body: bytes | None = None,
    upgrade: bool = False,
) -> str:
    """Check a request's signature; return which reading of the rules matched, for the log.

    ``body`` is given for a request that is no form; ``upgrade`` tells that the request opens a WebSocket. Raise
    ``SignatureError`` when the request was not signed with ``token``; an empty token proves nothing.
    """
    offered = [as_bytes(value.strip()) for name, value in headers if name.lower() == _HEADER]
    try:
        readings = list(_readings(url, upgrade))
        is_whole = body is None or _holds(url, body)
    except ValueError:
        # A URL that cannot be taken apart was not signed by anyone.
        readings, is_whole = [], False
    macs = [(reading, as_bytes(sign_twilio(token, address, params))) for reading, address in readings]
    matches = [reading for reading, mac in macs for signature in offered if hmac.compare_digest(mac, signature)]
    if not token or not is_whole or not matches:
        raise SignatureError("the signature does not match")
    return matches[0]


def _readings(url: str, upgrade: bool) -> Iterator[tuple[str, str]]:
    for scheme, address in addresses(url, upgrade):
        parts = urlsplit(address)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.netloc.rpartition("@")[2].split(":")[0]
        for reading, netloc in ((scheme, host), (f"{scheme}, port", f"{host}:{parts.port or _PORTS[scheme]}")):
            # Not put together from its parts, which would tidy up what was signed.
            yield reading, address.replace(f"//{parts.netloc}", f"//{netloc}", 1)


def _holds(url: str, body: bytes) -> bool:
    """Whether the query has this body's digest."""
    said = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(as_bytes(sha256(body).hexdigest()), as_bytes(said.lower()))
