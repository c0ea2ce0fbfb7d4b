"""Fixtures for the tests of providers, in this package or another; they are there for whoever asks for them::

    pytest_plugins = ["mediasrv.pytest_plugin"]

    async def test_a_parrot_conforms(conforms: Conforms) -> None:
        await conforms(Parrot(Parrot.Options()))

with pytest-asyncio, or with ``asyncio.run``. Whoever needs another trial replaces the fixture ``conformance_trial``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pytest

from mediasrv.livecheck import standard_trial
from mediasrv.providers.base import Provider
from mediasrv.providers.conformance.suite import conform
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Verdict


class Conforms(Protocol):
    """Puts a provider that was not started through all checks, closes it, and fails the test for any that it fails."""

    async def __call__(self, provider: Provider, *, impostor: Provider | None = None) -> Sequence[Verdict]:
        """``impostor``: the same provider with a wrong key. Return the verdicts, with the times to first results."""


@pytest.fixture
def conformance_trial() -> Trial:
    """What providers are put through."""
    return standard_trial()


@pytest.fixture
def conforms(conformance_trial: Trial) -> Conforms:
    """The suite, to be called with a provider."""

    async def hold(provider: Provider, *, impostor: Provider | None = None) -> Sequence[Verdict]:
        verdicts = await conform(provider, conformance_trial, impostor=impostor)
        if failed := [f"{verdict.name}: {verdict.detail}" for verdict in verdicts if not verdict.ok]:
            pytest.fail(f"{provider.name} does not conform\n" + "\n".join(failed), pytrace=False)
        return verdicts

    return hold
