"""Marks for tests that need a local model: skipped only where its packages are missing, and saying which."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from mediasrv.providers.base import Provider

Test = TypeVar("Test", bound=Callable[..., object])


def marks(provider: type[Provider]) -> list[pytest.MarkDecorator]:
    """For a parameter."""
    reason = provider.missing()
    return [pytest.mark.local, pytest.mark.skipif(bool(reason), reason=reason)]


def needs(provider: type[Provider]) -> Callable[[Test], Test]:
    """For a test."""

    def mark(test: Test) -> Test:
        for each in marks(provider):
            test = each(test)
        return test

    return mark
