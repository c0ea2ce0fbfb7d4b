"""The witness: who is told what became of each request that was made of a provider, with its times and without a word.

Like the meter it belongs to a context: whoever asks on somebody's behalf sets it, and whoever chooses among providers
tells it. Where none is set, nobody is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What became of a request."""

    ANSWERED = "answered"
    """It was answered to the end."""
    CUT = "cut"
    """Its answer was wanted no more when it had begun."""
    DROPPED = "dropped"
    """It was not wanted any more before it was answered."""
    OVERTAKEN = "overtaken"
    """Another one was answered sooner."""
    FAILED = "failed"
    """It raised, broke off, or gave no answer in time."""


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request that is over; times are the loop's, in seconds."""

    stage: str
    provider: str
    outcome: Outcome
    began_s: float
    first_s: float | None
    """When the first of its answer came, if any did."""
    ended_s: float


Witness = Callable[[ProviderRequest], None]
"""A plain call that must not raise."""


def _nobody(request: ProviderRequest) -> None:
    """Is told nothing."""


_witness: ContextVar[Witness] = ContextVar("witness", default=_nobody)


def set_witness(witness: Witness) -> None:
    """Have all that is asked in this context from now on, and in the tasks begun in it, told to a witness."""
    _witness.set(witness)


def current_witness() -> Witness:
    """This context's."""
    return _witness.get()


@dataclass(slots=True)
class _Open:
    provider: str
    began_s: float
    first_s: float | None = None


class Requests:
    """Requests made on one somebody's behalf, by any names, from their beginning to their end."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._witness = current_witness()
        self._open: dict[object, _Open] = {}

    @property
    def unanswered(self) -> list[str]:
        """The providers of those that had no answer yet."""
        return [each.provider for each in self._open.values() if each.first_s is None]

    def begin(self, name: object, provider: str) -> None:
        """A request is made."""
        self._open[name] = _Open(provider, _now())

    def answer(self, name: object) -> None:
        """The first of its answer is there; later ones are no news."""
        request = self._open.get(name)
        if request is not None and request.first_s is None:
            request.first_s = _now()

    def end(self, name: object, outcome: Outcome) -> None:
        """It is over, if it was not before."""
        request = self._open.pop(name, None)
        if request is not None:
            times = request.began_s, request.first_s, _now()
            self._witness(ProviderRequest(self._stage, request.provider, outcome, *times))

    def end_all(self, answered: Outcome, unanswered: Outcome) -> None:
        """All are over, those that had begun to be answered and the others."""
        for name, request in list(self._open.items()):
            self.end(name, unanswered if request.first_s is None else answered)


def _now() -> float:
    return asyncio.get_running_loop().time()
