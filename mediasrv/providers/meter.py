"""The meter: what is used of providers, told to whoever it is used for.

A request passes through many hands that have no business with its price. So whoever asks on somebody's behalf sets the
meter of his context, and whoever chooses among providers tells it what each of them was given and gave: those that lost
a race too, and what was reported before a cancel. Where no meter is set, nothing is counted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextvars import ContextVar
from enum import Enum

from mediasrv.providers.base import Usage


class Use(Enum):
    """What providers are paid for."""

    PROMPT_TOKENS = "prompt_tokens"
    COMPLETION_TOKENS = "completion_tokens"
    CHARACTERS = "characters"
    """Given to a voice to speak."""
    AUDIO_S = "audio_s"
    """Seconds of audio sent to a recogniser."""


Meter = Callable[[str, Use, float], None]
"""Told the provider's name, what was used and how much; a plain call that must not raise."""


def _nobody(provider: str, use: Use, amount: float) -> None:
    """Counts nothing."""


_meter: ContextVar[Meter] = ContextVar("meter", default=_nobody)


def set_meter(meter: Meter) -> None:
    """Have all that is used in this context from now on, and in the tasks begun in it, told to a meter."""
    _meter.set(meter)


def current_meter() -> Meter:
    """This context's, for those who are going to use something outside of it."""
    return _meter.get()


def count_usage(provider: str, usage: Usage) -> None:
    """A model has said what a reply cost."""
    meter = _meter.get()
    meter(provider, Use.PROMPT_TOKENS, usage.prompt_tokens)
    meter(provider, Use.COMPLETION_TOKENS, usage.completion_tokens)


async def metered_phrases(provider: str, phrases: AsyncIterable[str]) -> AsyncGenerator[str]:
    """What a voice is given to speak, counted as it is given."""
    async for phrase in phrases:
        _meter.get()(provider, Use.CHARACTERS, len(phrase))
        yield phrase
