"""Every provider of a configuration put through its checks, as ``mediasrv check --live`` does it, with a line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mediasrv.audio.warmup import warm
from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.conformance.suite import conform
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Verdict
from mediasrv.simulator.speech import recorded
from mediasrv.vault import MASK, Secret

CLIP = "ps_goforward"
"""What is said to recognisers: short, clear and without a name in it."""

Place = tuple[str, str, Mapping[str, Any]]
"""Where a provider stands in the configuration, its stage, and its table."""


@dataclass(slots=True)
class Report:
    """What came of one provider."""

    stage: str
    table: Mapping[str, Any]
    places: list[str] = field(default_factory=list)
    """Where it stands; agents whose providers are set up alike share them."""
    verdicts: Sequence[Verdict] = ()

    @property
    def ok(self) -> bool:
        """Whether all checks were passed."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def is_misconfigured(self) -> bool:
        """Whether it says itself that the configuration is to be mended."""
        return any(isinstance(verdict.error, ConfigError) for verdict in self.verdicts)

    def lines(self) -> Iterator[str]:
        """One when all is well, with the time to the first result; else one for each failed check. No secrets."""
        head = f"{self.stage} {self.table['provider']}"
        where = f"  [{', '.join(self.places)}]"
        if self.ok:
            yield f"ok   {head}  {'; '.join(v.detail for v in self.verdicts if v.first_result_ms is not None)}{where}"
        for verdict in self.verdicts:
            if not verdict.ok:
                yield f"FAIL {head}  {self._masked(verdict.detail)} ({verdict.name}){where}"

    def _masked(self, text: str) -> str:
        for secret in secrets_in(self.table):
            text = text.replace(secret, MASK)
        return text


def standard_trial() -> Trial:
    """A trial as a call is: in real time, with recorded human speech."""
    clip = recorded()[CLIP]
    return Trial(pcm=clip.pcm, rate_hz=clip.rate_hz)


def reports_of(places: Iterable[Place]) -> list[Report]:
    """One for each provider that is set up in a way of its own."""
    reports: dict[tuple[str, str], Report] = {}
    for place, stage, table in places:
        # Not by repr, in which all secrets look alike.
        key = stage, json.dumps(table, sort_keys=True, default=str)
        reports.setdefault(key, Report(stage, table)).places.append(place)
    return list(reports.values())


async def run(places: Iterable[Place], trial: Trial) -> list[Report]:
    """Try one provider after another, so that none is slowed by the next; print the lines of each as it is done."""
    warm()
    reports = reports_of(places)
    for report in reports:
        report.verdicts = await conform(registry.build(report.stage, report.table), trial)
        for line in report.lines():
            print(line, flush=True)
    return reports


def secrets_in(value: Any) -> Iterator[str]:
    """All secrets in a table, however deep."""
    if isinstance(value, Secret) and value:
        yield str(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)
