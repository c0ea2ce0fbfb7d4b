"""Pages of calls that several servers know of, as one page: newest first, each call once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

Json = dict[str, Any]

# Times are told to the millisecond, so that what began in the last one of the page before is asked for again.
_LEAST = timedelta(milliseconds=1)


def asked_of_each(path: str, query: Mapping[str, str], last: Json | None) -> str:
    """What each server is asked for a page; ``last`` is the call that the page is to begin behind.

    That call is one server's, and the others do not know it by name.
    """
    wanted = {name: value for name, value in query.items() if name != "after"}
    if last is not None:
        wanted["until"] = (datetime.fromisoformat(last["started"]) + _LEAST).isoformat()
    return f"{path}?{urlencode(wanted)}" if wanted else path


def merged(pages: Sequence[Json], most: int, last: Json | None) -> Json:
    """One page of several."""
    begins = _place(last) if last is not None else ("~", "")
    calls = {call["id"]: call for page in pages for call in page["calls"] if _place(call) < begins}
    # Of a server that has more, nothing is known behind the last one that it has told.
    known_to = max((_place(page["calls"][-1]) for page in pages if page["next"] and page["calls"]), default=("", ""))
    told = sorted((call for call in calls.values() if _place(call) >= known_to), key=_place, reverse=True)
    has_more = len(told) > most or any(page["next"] for page in pages)
    return {"calls": told[:most], "next": told[:most][-1]["id"] if has_more and told else None}


def _place(call: Json) -> tuple[str, str]:
    return call["started"], call["id"]
