"""The gallery: from where operators watch calls, as Server-Sent Events.

Of each live call the last happenings are kept, as they were told, for whoever begins to watch in the middle of it: that
costs an append a turn. They are put into words for somebody who watches, and only once for all who do.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import islice
from typing import Any

import orjson

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.call.trace import TurnTrace
from mediasrv.records.archive import iso
from mediasrv.server.api.fault import unavailable
from mediasrv.server.board import Board
from mediasrv.server.console.visitor import Visitor

MOST_VISITORS = 16
MOST_KEPT = 300
"""Happenings of a live call that who comes late is told; in a longer call the first ones are forgotten."""

_Event = Callable[[], bytes]


class Gallery(Observer):
    """Tells visitors what calls have to tell."""

    def __init__(self, board: Board) -> None:
        self.board = board
        """It hears of calls before this does."""
        self._kept: dict[str, deque[_Event]] = {}
        self._visitors: dict[Visitor, None] = {}

    # -- who watches ---------------------------------------------------------------------------------------------

    def enter(self, call_id: str) -> Visitor:
        """Watch from now on: all calls, or one of them; ``leave`` is to follow. Raise ``Fault`` when it is full."""
        if len(self._visitors) >= MOST_VISITORS:
            raise unavailable("too_many_visitors", "too many watch already: close another console")
        visitor = Visitor(call_id)
        self._visitors[visitor] = None
        visitor.tell(_event("calls", {"calls": [entry.document() for entry in self.board.entries.values()]}))
        for event in self._kept.get(call_id, ()):
            visitor.tell(event())
        return visitor

    def leave(self, visitor: Visitor) -> None:
        """Watch no more; safe to call twice."""
        self._visitors.pop(visitor, None)

    def close(self) -> None:
        """Send everybody away."""
        for visitor in self._visitors:
            visitor.send_away()

    @property
    def is_visited(self) -> bool:
        """Whether somebody watches."""
        return bool(self._visitors)

    def watched(self, most: int) -> Collection[str]:
        """The calls that levels are wanted of: those that are watched closely, and of all others the newest."""
        if not self._visitors:
            return ()
        closely = dict.fromkeys(visitor.call_id for visitor in self._visitors if visitor.call_id in self._kept)
        watch_all = any(not visitor.call_id for visitor in self._visitors)
        newest = islice(reversed(self._kept), most) if watch_all else ()
        return list(dict.fromkeys((*closely, *newest)))

    def show_levels(self, levels: Mapping[str, tuple[int, int]]) -> None:
        """How loud the caller and the bot of calls are, in dB relative to full scale."""
        for visitor in self._visitors:
            if not visitor.call_id:
                visitor.tell_levels(_event("levels", levels))
            elif visitor.call_id in levels:
                visitor.tell_levels(_event("levels", {visitor.call_id: levels[visitor.call_id]}))

    # -- what calls tell -----------------------------------------------------------------------------------------

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        self._kept[call_id] = deque(maxlen=MOST_KEPT)
        entry = self.board.entries[call_id]
        self._tell_all(lambda: _event("began", entry.document()))

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        words = {"call": call_id, "side": side, "text": text, "turn": turn, "complete": complete}
        self._tell(call_id, partial(_timed, "said", words, time.time()), is_for_all=True)

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self._tell(call_id, partial(_turn, call_id, trace, time.time() - trace.known_after_s))

    def barged_in(self, call_id: str, now: float) -> None:
        self._tell(call_id, partial(_timed, "barged_in", {"call": call_id}, time.time()))

    def false_alarm(self, call_id: str, now: float) -> None:
        self._tell(call_id, partial(_timed, "false_alarm", {"call": call_id}, time.time()))

    def ended(self, call_id: str, cause: str) -> None:
        if self._kept.pop(call_id, None) is not None:
            self._tell_all(partial(_timed, "ended", {"call": call_id, "cause": cause}, time.time()))

    def _tell(self, call_id: str, event: _Event, *, is_for_all: bool = False) -> None:
        """Keep an event, and tell it who watches the call; ``is_for_all``: who watches all of them too."""
        if (kept := self._kept.get(call_id)) is not None:
            kept.append(event)
        if self._visitors:
            wanted = (call_id, "") if is_for_all else (call_id,)
            self._tell_these([visitor for visitor in self._visitors if visitor.call_id in wanted], event)

    def _tell_all(self, event: _Event) -> None:
        self._tell_these(self._visitors, event)

    def _tell_these(self, visitors: Collection[Visitor], event: _Event) -> None:
        if visitors:
            news = event()
            for visitor in visitors:
                visitor.tell(news)


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    """As the WHATWG's HTML standard has it, section 9.2.5; JSON has no line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))


def _timed(name: str, data: Mapping[str, Any], at_s: float) -> bytes:
    return _event(name, {**data, "at": iso(at_s)})


def _turn(call_id: str, trace: TurnTrace, heard_s: float) -> bytes:
    """A turn as the records have it, with what was done ahead of time."""
    parts = trace.parts_ms()
    ahead = {bar.name: [round(at_ms) for at_ms in bar.ahead_ms] for bar in trace.waterfall() if bar.ahead_ms}
    whole = {"call": call_id, "turn": trace.turn, "heard": iso(heard_s), "response_ms": sum(parts.values())}
    return _event("turn", {**whole, **parts, "ahead": ahead})
