"""Several observers in the place of one, each told only of what it has an ear for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mediasrv.call.observer import Observer

EVENTS = tuple(name for name in vars(Observer) if not name.startswith("_"))
"""All that may happen."""

Ear = Callable[..., None]


class Observers(Observer):
    """Tells each of them, in their order."""

    def __init__(self, *observers: Observer) -> None:
        for event in EVENTS:
            told = [
                observer for observer in observers if getattr(type(observer), event) is not getattr(Observer, event)
            ]
            if told:
                # Found once, here: an event costs a call for each that wants it, and none for the others.
                setattr(self, event, _all_of([getattr(observer, event) for observer in told]))


def _all_of(ears: list[Ear]) -> Ear:
    if len(ears) == 1:
        return ears[0]

    def tell(*event: Any, **about: Any) -> None:
        for ear in ears:
            ear(*event, **about)

    return tell
