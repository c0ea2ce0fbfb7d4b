"""The call as whoever is outside has it: what he does to it comes in through its world."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mediasrv.call.call import Call
from mediasrv.replay.distantcall import DistantCall


class Way:
    """A channel that keeps what is done through it."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    async def acted(self, name: str, *arguments: Any, **keywords: Any) -> str:
        self.done.append((name, arguments, keywords))
        return f"what came of {name}"

    def acted_at_once(self, name: str, *arguments: Any) -> None:
        self.done.append((name, arguments))


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def call(way: Way) -> DistantCall:
    parts = SimpleNamespace(
        audio="mu-law", ear=None, history=SimpleNamespace(transcript=lambda: [("caller", "Hello.")])
    )
    return DistantCall(Call("c1", cast(Any, parts)), way)


ACTS = [name for name, method in inspect.getmembers(Call, inspect.iscoroutinefunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", ACTS)
async def test_all_that_a_call_can_be_asked_to_do_comes_in(call: DistantCall, way: Way, name: str) -> None:
    assert await getattr(call, name)("one", named=2) == f"what came of {name}"
    assert way.done == [(name, ("one",), {"named": 2})]


def test_a_call_can_be_asked_to_do_something() -> None:
    assert {"say", "play", "hangup", "transfer"} <= set(ACTS)


def test_samples_come_in_at_once(call: DistantCall, way: Way) -> None:
    frame = np.zeros(160, np.int16)
    call.write(frame)
    ((name, (written,)),) = way.done
    assert name == "write"
    assert written is frame


def test_who_only_looks_looks_at_the_call_itself(call: DistantCall, way: Way) -> None:
    assert call.id == "c1"
    assert call.transcript == [("caller", "Hello.")]
    assert isinstance(call, Call)
    assert way.done == []
