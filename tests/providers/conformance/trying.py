"""Trying a provider in virtual time."""

from __future__ import annotations

from mediasrv.livecheck import standard_trial
from mediasrv.providers.base import Provider
from mediasrv.providers.conformance.suite import conform
from mediasrv.providers.conformance.verdict import Verdict
from tests.virtual import run_virtually

TRIAL = standard_trial()


def tried(provider: Provider, impostor: Provider | None = None) -> list[Verdict]:
    """All verdicts on a provider."""
    return run_virtually(conform(provider, TRIAL, impostor=impostor))


def failed(provider: Provider) -> dict[str, str]:
    """The failed checks and what is amiss."""
    return {verdict.name: verdict.detail for verdict in tried(provider) if not verdict.ok}
