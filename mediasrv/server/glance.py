"""A glance at a request that is not for us: is it all there, and which calls does it name?

The supervisor looks at what a connection holds without taking it, and the worker that gets the connection reads it as
if nobody had. So nothing here has to be exact: a request whose call is not found goes to whoever has least to do.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

LONGEST = 64 * 1024
"""Bytes that are looked at."""

_LENGTH = re.compile(rb"\r\ncontent-length:[\t ]*([0-9]{1,9})[\t ]*\r\n", re.IGNORECASE)
# How carriers call a call: in a query, a form or JSON; and how we do, in the stream's URL and in the operator's paths.
_NAMED = re.compile(
    rb'(?:[?&\n]|^)(?:call|CallUUID|CallSid|call_control_id)=([^&\s"]{1,500})'
    rb'|"(?:call_id|call_control_id|CallSid)"[\t ]*:[\t ]*"([^"\\]{1,500})"'
    rb"|^[A-Z]+ /calls/([^/?\s]{1,500})"
)


def is_whole(data: bytes) -> bool:
    """Whether a request has come with its body, as far as can be told: what is no request, or too long, is whole."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if len(data) >= LONGEST or not data[:1].isupper():
        return True
    found = _LENGTH.search(head + b"\r\n")
    return bool(blank) and len(body) >= (int(found[1]) if found else 0)


def target_of(data: bytes) -> bytes:
    """The path of a GET request without its query; empty for any other."""
    method, _, rest = data.partition(b" ")
    return rest.partition(b" ")[0].partition(b"?")[0] if method == b"GET" else b""


def names_in(data: bytes) -> list[str]:
    """The names of calls in a request, in the order in which they come."""
    found = (next(filter(None, match)) for match in _NAMED.findall(data.replace(b"\r\n\r\n", b"\n", 1)))
    return list(dict.fromkeys(unquote_plus(name.decode("latin-1")) for name in found))
