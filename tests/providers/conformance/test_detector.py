"""Turn detectors that do not conform, likewise."""

from __future__ import annotations

import asyncio

import pytest

from mediasrv.errors import ProviderError
from mediasrv.providers.base import Pause, TurnDetector
from tests.providers.conformance.trying import failed


class Judge(TurnDetector):
    """Takes who says something that ends in a full stop to have finished."""

    name = "judge"

    async def judge(self, pause: Pause) -> float:
        match self.options:
            case "sure":
                return 1.5
            case "slow":
                await asyncio.sleep(0.2)
            case "fails":
                raise ProviderError("is out of order", stage="detector", provider="judge", retryable=True)
            case "wants words" if not pause.text:
                raise ValueError("no words")
            case "wants audio" if not pause.samples.size:
                return float("nan")
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            if self.options == "deaf":
                return 0.5
            await asyncio.sleep(0.4 if self.options == "lingers" else 0)
            raise
        return float(pause.text.endswith("."))


@pytest.mark.parametrize(
    ("flaw", "amiss"),
    [
        ("", {}),
        ("sure", {"answers": "answers 1.5, which is no probability"}),
        ("slow", {"answers": "takes 210 ms to answer, 150 at most"}),
        ("fails", {"answers": "is out of order"}),
        ("wants words", {"takes what there is": "raised ValueError, not ProviderError"}),
        ("wants audio", {"takes what there is": "answers nan, which is no probability"}),
        ("deaf", {"stops": "goes on when it is cancelled"}),
        ("lingers", {"stops": "takes 400 ms to stop, 250 at most"}),
    ],
)
def test_a_detector_that_does_not_conform_is_found(flaw: str, amiss: dict[str, str]) -> None:
    assert failed(Judge(flaw)) == amiss
