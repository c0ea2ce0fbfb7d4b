"""Proof that a request comes from Plivo, and that a socket belongs to a call we announced.

Plivo signs every webhook and the WebSocket upgrade with the account's token, over the URL and the form fields. Its SDK
and its pages differ on the text before the fields of a POST whose URL has no query, and on the scheme of an upgrade,
so each reading of the rules is tried. The URL must be built on the public origin that carriers are given, never on the
host that a proxy forwards to.

A signature tells that Plivo sent the request, not for which call. The stream token does: our answer document puts one
into the stream's URL, and the socket must bring it back before it expires.

All combinations are compared, in constant time, and a failure says nothing about its cause.
"""

from __future__ import annotations

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs, urlparse, urlunparse

from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.fields import count_from

Params = Mapping[str, str | Sequence[str]]
"""Form fields of a POST; a field that came several times holds all its values."""

Headers = Iterable[tuple[str, str]]
"""Names and values of a request's headers, in any case; a name may come more than once."""


def sign_v3(token: str, method: str, url: str, nonce: str, params: Params | None = None) -> str:
    """Sign as Plivo's SDK does in version 3: base64 of HMAC-SHA256 over URL, sorted query, sorted fields and nonce.

    Raise ``ValueError`` for a URL that cannot be taken apart.
    """
    return _mac(token, f"{_signed_url(method, url, params or {})}.{nonce}").decode()


def sign_v2(token: str, url: str, nonce: str) -> str:
    """Sign as version 2 does, over the URL without its query and the nonce; raise ``ValueError`` likewise."""
    return _mac(token, f"{_without_query(url)}{nonce}").decode()


def verify(
    token: str, method: str, url: str, headers: Headers, params: Params | None = None, *, upgrade: bool = False
) -> str:
    """Check a request's version 3 signatures; return which reading of the rules matched, for the log.

    Signatures by the number's own account and by the main account count alike, and a header may hold several, split
    by commas. ``upgrade`` tells that the request opens a WebSocket. Raise ``SignatureError`` when no signature was
    made with ``token`` over this request; an empty token proves nothing and matches nothing.
    """
    offered, nonce = _offered(headers, "v3")
    return _match(token, _readings_v3(method, addresses(url, upgrade), nonce, params or {}), offered)


def verify_v2(token: str, url: str, headers: Headers, *, upgrade: bool = False) -> str:
    """Check a request's version 2 signatures, as ``verify`` does.

    Deprecated by Plivo, and weaker: neither the query nor the form fields are signed.
    """
    offered, nonce = _offered(headers, "v2")
    readings = ((scheme, f"{_without_query(address)}{nonce}") for scheme, address in addresses(url, upgrade))
    return _match(token, readings, offered)


def nonce_in(headers: Headers) -> str:
    """The nonce of a request's version 3 signatures; empty where it brings none."""
    return _offered(headers, "v3")[1]


def stream_token(secret: bytes, call_id: str, expires_at_s: int) -> str:
    """Make a token that binds a stream's URL to a call until a moment, in seconds since the epoch.

    It is safe in a URL as it stands. Raise ``ConfigError`` for an empty secret, with which anyone could make one.
    """
    if not secret:
        raise ConfigError("stream tokens need a secret: set the carrier's auth token")
    mac = hmac.digest(secret, as_bytes(f"stream token\0{expires_at_s}\0{call_id}"), "sha256")
    return f"{expires_at_s}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def check_stream_token(secret: bytes, token: str, call_id: str, now_s: float) -> None:
    """Raise ``SignatureError`` unless the token was made with this secret for this call and has not expired."""
    expires_at_s = count_from(token.partition(".")[0]) or 0
    genuine = bool(secret) and hmac.compare_digest(
        as_bytes(stream_token(secret, call_id, expires_at_s)), as_bytes(token)
    )
    if not genuine or now_s >= expires_at_s:
        raise SignatureError("the stream token is not valid")


def addresses(url: str, upgrade: bool) -> list[tuple[str, str]]:
    """The URL under each scheme that the carrier may have signed it with, https first: a proxy may have hidden it."""
    given, _, rest = url.partition(":")
    plain = given.lower() in ("http", "ws")
    schemes = ["https", "http"] if plain else ["https"]
    if upgrade:
        schemes += ["wss", "ws"] if plain else ["wss"]
    return [(scheme, f"{scheme}:{rest}") for scheme in schemes]


def _readings_v3(
    method: str, addresses: Iterable[tuple[str, str]], nonce: str, fields: Params
) -> Iterable[tuple[str, str]]:
    for scheme, address in addresses:
        yield scheme, f"{_signed_url(method, address, fields)}.{nonce}"
        if fields and method.upper() != "GET" and not urlparse(address).query:
            # The prose of Plivo's page, where the SDK writes a question mark.
            yield f"{scheme}, dotted", f"{_without_query(address)}.{_join_fields(fields)}.{nonce}"


def _signed_url(method: str, url: str, fields: Params) -> str:
    """The URL and the fields as the SDK writes them: query decoded and sorted, fields sorted, no separators."""
    query: dict[str, str | Sequence[str]] = dict(parse_qs(urlparse(url).query, keep_blank_values=True))
    base = _without_query(url)
    if method.upper() == "GET":
        query = {**fields, **query}
        fields = {}
    written = "&".join(f"{key}={value}" for key, value in sorted_pairs(query))
    if not fields:
        return f"{base}?{written}" if written else base
    return f"{base}?{written}{'.' if written else ''}{_join_fields(fields)}"


def _join_fields(fields: Params) -> str:
    return "".join(f"{key}{value}" for key, value in sorted_pairs(fields))


def sorted_pairs(params: Params) -> Iterable[tuple[str, str]]:
    """Names and values, each name's values in their own order."""
    for key in sorted(params):
        values = params[key]
        for value in [values] if isinstance(values, str) else sorted(values):
            yield key, value


def _without_query(url: str) -> str:
    parts = urlparse(url)
    return urlunparse((parts.scheme, parts.netloc, parts.path, "", "", ""))


def _offered(headers: Headers, version: str) -> tuple[list[bytes], str]:
    """The signatures that a request brings and the nonce they were made with."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    signatures = [f"x-plivo-signature-{version}", f"x-plivo-signature-ma-{version}"]
    offered = [part.strip() for name in signatures for value in values.get(name, ()) for part in value.split(",")]
    return [as_bytes(signature) for signature in offered], ",".join(
        values.get(f"x-plivo-signature-{version}-nonce", ())
    )


def _match(token: str, readings: Iterable[tuple[str, str]], offered: Sequence[bytes]) -> str:
    try:
        macs = [(reading, _mac(token, text)) for reading, text in readings]
    except ValueError:
        # A URL that cannot be taken apart was not signed by anyone.
        macs = []
    matches = [reading for reading, mac in macs for signature in offered if hmac.compare_digest(mac, signature)]
    if not token or not matches:
        raise SignatureError("the signature does not match")
    return matches[0]


def _mac(token: str, text: str) -> bytes:
    return b64encode(hmac.digest(as_bytes(token), as_bytes(text), "sha256"))


def as_bytes(text: str) -> bytes:
    """What is signed or compared, whatever it holds."""
    # Headers that are no Unicode reach us with surrogates; they match nothing, and must not raise.
    return text.encode("utf-8", "surrogatepass")
