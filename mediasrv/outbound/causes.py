"""Carriers' words for how a call stands and why it has ended, as far as it matters to whoever has ordered it.

Plivo tells causes by name (``Busy Line``, ``No Answer``, ``Ring Timeout Reached``, ``Concurrency Limit Breached``), by
the older SIP names (``USER_BUSY``), by code (3010, 3000, 6010, 5030) and by the call's status (``busy``).
"""

from __future__ import annotations

import re
from enum import Enum


class Ending(Enum):
    """Why a call that nobody answered has ended."""

    BUSY = "busy"
    NO_ANSWER = "no answer"
    CONGESTION = "congestion"
    """The carrier had no room; no phone rang."""
    OTHER = "other"


_ENDINGS = (
    (Ending.CONGESTION, re.compile(r"5030|concurrency|ratelimit|throttl")),
    (Ending.BUSY, re.compile(r"busy|3010")),
    (Ending.NO_ANSWER, re.compile(r"noanswer|nouserresponse|ringtimeout|unanswered|^timeout$|^3000$|^6010$")),
)
_OVER = frozenset(
    ["completed", "busy", "failed", "timeout", "noanswer", "cancel", "canceled", "cancelled", "hangup", "ended"]
)
_ANSWERED = frozenset(["inprogress", "answered", "live", "active", "bridged"])


def ending_of(cause: str) -> Ending:
    """What a cause means."""
    word = _word(cause)
    return next((ending for ending, pattern in _ENDINGS if pattern.search(word)), Ending.OTHER)


def is_over(state: str) -> bool:
    """Whether a carrier's word for the state of a call says that it is over."""
    return _word(state) in _OVER


def state_word(state: str) -> str:
    """``placed``, ``ringing`` or ``answered`` for a carrier's word for a call that is not over."""
    word = _word(state)
    if word in _ANSWERED:
        return "answered"
    return "ringing" if word == "ringing" else "placed"


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
