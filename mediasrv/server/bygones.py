"""Bygones: calls that are over, and such as are not although their stream is; as many as carriers may yet ask about."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 4096
"""Of each kind: as many as may end while a webhook is on its way."""


class Bygones:
    """One server's."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._broken: OrderedDict[str, None] = OrderedDict()

    def end(self, call_id: str) -> None:
        """The carrier says that a call is over."""
        if call_id:
            _note(self._ended, call_id)
        self._broken.pop(call_id, None)

    def break_off(self, call_id: str) -> None:
        """A call's stream broke off; nobody has said that the call is over."""
        _note(self._broken, call_id)

    def has_ended(self, call_id: str) -> bool:
        """Whether the carrier said lately that a call is over."""
        return call_id in self._ended

    def take_broken(self, call_id: str) -> bool:
        """Whether a call's stream broke off lately; asked once."""
        return self._broken.pop(call_id, "") is None


def _note(calls: OrderedDict[str, None], call_id: str) -> None:
    calls[call_id] = None
    if len(calls) > KEPT:
        calls.popitem(last=False)
