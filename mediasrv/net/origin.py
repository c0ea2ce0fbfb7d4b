"""Origins, such as ``wss://api.example.com`` or ``http://127.0.0.1:9000/v1``, in the scheme that a connection needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from mediasrv.errors import ConfigError

Query = Mapping[str, str | int | float | bool | Sequence[str]]
"""Values of a query: booleans become ``true`` and ``false``, sequences repeated keys; empty ones are left out."""

_SECURE = {"http": False, "ws": False, "https": True, "wss": True}


def http_url(origin: str, path: str, query: Query | None = None) -> str:
    """The ``http`` or ``https`` URL of a path under an origin of any scheme; raise ``ConfigError`` for no origin."""
    return _url(origin, path, query or {}, ("http", "https"))


def websocket_url(origin: str, path: str, query: Query | None = None) -> str:
    """The ``ws`` or ``wss`` URL of a path under an origin of any scheme; raise ``ConfigError`` for no origin."""
    return _url(origin, path, query or {}, ("ws", "wss"))


def rooted(origin: str, own: str) -> str:
    """An origin, with the path of the vendor's ``own``, such as ``/v1``, where it has none; ``own`` itself for none."""
    path = "" if urlsplit(origin).path.strip("/") else urlsplit(own).path
    return origin.rstrip("/") + path if origin else own


def _url(origin: str, path: str, query: Query, schemes: tuple[str, str]) -> str:
    parts = urlsplit(origin)
    if parts.scheme not in _SECURE or not parts.netloc:
        raise ConfigError(f"{origin!r} is no URL: write it like https://api.example.com")
    written = {key: _written(value) for key, value in query.items()}
    pairs = urlencode({key: value for key, value in written.items() if value not in ("", [])}, doseq=True)
    url = f"{schemes[_SECURE[parts.scheme]]}://{parts.netloc}{parts.path.rstrip('/')}{path}"
    return f"{url}?{pairs}" if pairs else url


def _written(value: object) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    assert isinstance(value, Sequence)
    return [str(each) for each in value]
