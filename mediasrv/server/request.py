"""What an HTTP request says, read tolerantly: its query, its body parameter, its origin, what it offers."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from mediasrv.errors import MediasrvError

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_MAX_FIELDS = 200
# Plivo's peers are said to offer this one, and to hang up when it is not chosen.
_SUBPROTOCOL = "audio.drachtio.org"


class BodyError(MediasrvError):
    """The ``body`` parameter holds something else than base64 of a JSON object."""


def first_values(query: str) -> dict[str, str]:
    """The fields of a query or a form, the first of each name; raise ``ValueError`` for too many."""
    fields: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS):
        fields.setdefault(name, value)
    return fields


def all_values(query: str) -> dict[str, list[str]]:
    """The fields of a query or a form with all their values, likewise."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS):
        fields.setdefault(name, []).append(value)
    return fields


def form_of_json(document: bytes) -> str:
    """The texts and numbers of a JSON object, as a form; raise ``ValueError`` for what is no object."""
    fields = orjson.loads(document)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")
    return urlencode({name: value for name, value in fields.items() if isinstance(value, str | int | float)})


def read_body(text: str) -> dict[str, Any]:
    """Read base64 JSON, standard or urlsafe, padded or not; empty for an empty text. Raise ``BodyError``."""
    if not text:
        return {}
    # A plus sign that nobody escaped reaches us as a space.
    text = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        document = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise BodyError("not base64") from None
    try:
        body = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise BodyError("not JSON") from None
    if not isinstance(body, dict):
        raise BodyError("not a JSON object")
    return body


def origin_of(headers: Mapping[str, str], public_url: str) -> str:
    """The origin that the carrier reaches us at, without a slash at its end; empty when there is no telling.

    ``public_url`` decides where it is set. Otherwise it is the request's own ``Host``, https when a proxy or a tunnel
    says so; names of ``headers`` are in lower case.
    """
    if public_url:
        return public_url.rstrip("/")
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        return ""
    scheme = headers.get("x-forwarded-proto", "http").split(",")[0].strip().lower()
    return f"{'https' if scheme in ('https', 'wss') else 'http'}://{host}"


def subprotocol_of(headers: Mapping[str, str]) -> str | None:
    """The subprotocol to echo: the one that is offered, or the known one of several."""
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip()]
    if len(offered) == 1:
        return offered[0]
    return _SUBPROTOCOL if _SUBPROTOCOL in offered else None
