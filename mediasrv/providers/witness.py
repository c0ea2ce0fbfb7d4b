"""The witness: who is told what became of each request that was made of a provider, with its times and without a word.

Like the meter it belongs to a context: whoever asks on somebody's behalf sets it, and whoever chooses among providers
tells it. Where none is set, nobody is told.
"""

from __future__ import annotations

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
class Asked:
    """A request that is over; times are the loop's, in seconds."""

    stage: str
    provider: str
    outcome: Outcome
    began_s: float
    first_s: float | None
    """When the first of its answer came, if any did."""
    ended_s: float


Witness = Callable[[Asked], None]
"""A plain call that must not raise."""


def _nobody(asked: Asked) -> None:
    """Is told nothing."""


_witness: ContextVar[Witness] = ContextVar("witness", default=_nobody)


def set_witness(witness: Witness) -> None:
    """Have all that is asked in this context from now on, and in the tasks begun in it, told to a witness."""
    _witness.set(witness)


def current_witness() -> Witness:
    """This context's."""
    return _witness.get()
