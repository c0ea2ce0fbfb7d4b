"""What every test may rely on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mediasrv.audio.warmup import warm

# How fast a machine makes up examples is nothing that a test of ours could fail for.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure() -> None:
    """Compile once, before there are workers that would all do it, and outside of any test's time limit."""
    warm()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep no voices where the user has his."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CACHE_DIRECTORY", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _same_log_for_all() -> Iterator[None]:
    """A command sets up the log of its process, and a benchmark silences it: that of the tests after it."""
    logs = [logging.getLogger(), logging.getLogger("mediasrv")]
    levels, disabled = [each.level for each in logs], logging.root.manager.disable
    yield
    logging.disable(disabled)
    for each, level in zip(logs, levels, strict=True):
        each.setLevel(level)
