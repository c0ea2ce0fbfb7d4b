"""What every test may rely on."""

from __future__ import annotations

import pytest

from mediasrv.audio.warmup import warm


@pytest.fixture(scope="session", autouse=True)
def _warm_kernels() -> None:
    """Compile once, so that no test's deadline pays for the compiler."""
    warm()
