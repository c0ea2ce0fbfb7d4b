"""All checks of a provider, from its start until nothing of it is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Llm, Provider, Stt, Tts, TurnDetector
from mediasrv.providers.conformance import detector, llm, realtime, stt, tts
from mediasrv.providers.conformance.footprint import Footprint, left_since
from mediasrv.providers.conformance.timing import Stopwatch
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Check, Finding, Verdict, check, told
from mediasrv.providers.realtime import Realtime

CHECKS: Mapping[type[Provider], Sequence[Check[Any]]] = {
    Stt: (stt.streams, stt.answers, stt.keeps_apart, stt.stops),
    Llm: (llm.streams, llm.answers, llm.uses_tools, llm.stops),
    Tts: (tts.streams, tts.answers, tts.stops),
    Realtime: (realtime.streams, realtime.answers, realtime.stops),
    TurnDetector: (detector.answers, detector.takes_what_there_is, detector.stops),
}
"""Those of a stage for a provider that was started; when the first is not passed, the others have no meaning."""


async def conform(provider: Provider, trial: Trial, *, impostor: Provider | None = None) -> list[Verdict]:
    """Put a provider that was not started through all checks; afterwards it is closed.

    ``impostor`` is the same provider with a wrong key, which must be refused as such.
    """
    before = Footprint.now()
    verdicts = [await starts(provider, trial)]
    for each in checks_of(provider):
        if all(verdict.ok for verdict in verdicts[:2]):
            verdicts.append(await each(provider, trial))
    verdicts.append(await closes((provider, before), trial))
    if impostor is not None:
        verdicts.append(await refuses_a_wrong_key(impostor, trial))
    return verdicts


def checks_of(provider: Provider) -> Sequence[Check[Any]]:
    """The checks of a provider's stage."""
    return next(checks for stage, checks in CHECKS.items() if isinstance(provider, stage))


@check("starts")
async def starts(provider: Provider, trial: Trial) -> Finding:
    """It starts, and gets ready for a call."""
    watch = Stopwatch()
    await provider.start()
    if isinstance(provider, Llm):
        await provider.warm(llm.CHAT[:1])
    await provider.prepare()
    return Finding(f"in {watch.elapsed_ms:.0f} ms")


@check("closes")
async def closes(subject: tuple[Provider, Footprint], trial: Trial) -> Finding:
    """It closes, twice, and leaves nothing that was not there before."""
    provider, before = subject
    left = await _left_by(provider, before, trial)
    if left:
        # Libraries keep a thing or two for the life of the process; of a leak there is more each time.
        twin, before = type(provider)(provider.options), Footprint.now()
        await starts(twin, trial)
        await checks_of(twin)[0](twin, trial)
        left = await _left_by(twin, before, trial)
    if left:
        raise Amiss(f"leaves behind: {left}")
    return Finding()


async def _left_by(provider: Provider, before: Footprint, trial: Trial) -> str:
    await provider.aclose()
    await provider.aclose()
    return await left_since(before, trial.settle_limit_s)


@check("refuses a wrong key")
async def refuses_a_wrong_key(impostor: Provider, trial: Trial) -> Finding:
    """With a wrong key it fails with a ``ProviderError`` that says that trying again is of no use."""
    try:
        await impostor.start()
        verdict = await checks_of(impostor)[0](impostor, trial)
    except ConfigError as error:
        return Finding(str(error))
    except ProviderError as error:
        verdict = Verdict("starts", False, told(error), error=error)
    finally:
        await impostor.aclose()
    if verdict.ok:
        raise Amiss("takes it")
    if not isinstance(verdict.error, ProviderError):
        raise verdict.error or Amiss(verdict.detail)
    if verdict.error.retryable:
        raise Amiss(f"says that it may be tried again: {verdict.detail}")
    return Finding(verdict.detail)
