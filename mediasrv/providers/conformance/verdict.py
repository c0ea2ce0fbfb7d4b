"""What a check comes to, and how a coroutine becomes one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from mediasrv.errors import MediasrvError, ProviderError
from mediasrv.providers.conformance.trial import Trial

S = TypeVar("S")

# A check whose time is over is cancelled; one that does not even heed that is left behind.
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check."""

    name: str
    """What the provider was to do."""
    ok: bool
    """Whether it did."""
    detail: str = ""
    """What was seen, or what is amiss, in one line."""
    first_result_ms: float | None = None
    """From a request to its first result, where that was measured."""
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What was raised, if anything was."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw when nothing was amiss."""

    detail: str = ""
    first_result_ms: float | None = None


class Amiss(MediasrvError):
    """The provider did what its contract does not allow; the text says what."""


Check = Callable[[S, Trial], Coroutine[Any, Any, Verdict]]
"""Of a provider that was started, or whatever it looks at."""


def check(
    name: str,
) -> Callable[[Callable[[S, Trial], Coroutine[Any, Any, Finding]]], Check[S]]:
    """Make a check of a coroutine function: it ends within the trial's limit, and all that it raises is a verdict."""

    def decorate(look: Callable[[S, Trial], Coroutine[Any, Any, Finding]]) -> Check[S]:
        @wraps(look)
        async def judged(subject: S, trial: Trial) -> Verdict:
            return await judge(name, look(subject, trial), trial.limit_s)

        return judged

    return decorate


async def judge(name: str, look: Coroutine[Any, Any, Finding], limit_s: float) -> Verdict:
    """Wait for a finding; one that does not come in time is given up."""
    looking = asyncio.create_task(look, name=f"check {name}")
    try:
        done, _ = await asyncio.wait([looking], timeout=limit_s)
    finally:
        looking.cancel()
        await asyncio.wait([looking], timeout=_GRACE_S)
    if not done:
        return Verdict(name, False, f"not done within {limit_s:g} s")
    if looking.cancelled():
        return Verdict(name, False, "cancelled the task that reads it")
    error = looking.exception()
    if error is not None:
        return Verdict(name, False, told(error), error=error)
    finding = looking.result()
    return Verdict(name, True, finding.detail, finding.first_result_ms)


def told(error: BaseException) -> str:
    """An error in one line, without the provider's name before it; what is none of ours is told by its type alone."""
    if not isinstance(error, MediasrvError):
        return f"raised {type(error).__name__}, not ProviderError"
    text = " ".join(str(error).split())
    if isinstance(error, ProviderError):
        return text.removeprefix(f"{error.stage} provider {error.provider}: ")
    return text
