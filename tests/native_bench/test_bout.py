"""One contender with real stand-ins and a caller: ours, a peer's where it is installed, and servers that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mediasrv.errors import ConfigError
from native_bench import noises
from native_bench.peers.bout import Plans, fight
from native_bench.peers.contenders import RECIPES, Contender, Launch, Ours, Peer
from native_bench.processes import ServerDied, placement
from native_bench.standins.base import HOST
from native_bench.turntaking import material
from native_bench.turntaking.plan import Planner

STRANGER = """
import sys
from aiohttp import web
async def ready(request): return web.Response()
async def stream(request): {stream}
app = web.Application()
app.add_routes([web.get("/readyz", ready), web.get("/plivo/stream", stream)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""
REFUSES = "return web.Response(status=404)"
DIES = "import os; os._exit(3)"


class Stranger(Contender):
    """A program that is no media server."""

    name = "stranger"
    python = Ours().python

    def __init__(self, program: str) -> None:
        self._program = program

    def versions(self) -> Mapping[str, str]:
        return {}

    def launch(self, folder: Path, port: int, origins: Mapping[str, str]) -> Launch:
        return Launch(("-c", self._program, str(port)), f"http://{HOST}:{port}/readyz")


@cache
def plans() -> tuple[Plans, material.Material]:
    """A sentence each; what else its call would do is left out."""
    spoken = material.load("report", Path("/nowhere"))
    planner = Planner(spoken, noises.HOLD_MUSIC, 7)
    (call,) = planner.calls(1, 1)[:1]
    calls = [replace(call, trials=call.trials[:1])]
    return Plans(calls, calls), spoken


async def bout(contender: Contender) -> dict[str, Any]:
    what, spoken = plans()
    return await fight(contender, what, spoken, placement())


def assert_it_answered(figures: dict[str, Any]) -> None:
    assert (figures["failures"], figures["complaints"]) == ([], [])
    assert (figures["calls"], figures["turns"]) == (1, 1)
    assert figures["missed"] == 0
    assert figures["cpu_ms"] > 0
    assert figures["idle_mb"] > 10
    assert figures["silence_ms"]["count"] >= 1


async def test_ours_is_called_and_judged() -> None:
    assert_it_answered(await bout(Ours()))


@pytest.mark.peer
@pytest.mark.parametrize("name", sorted(RECIPES))
async def test_a_peer_is_called_and_judged(name: str) -> None:
    peer = Peer(name)
    try:
        peer.versions()
    except ConfigError as missing:
        pytest.skip(str(missing))
    assert_it_answered(await bout(peer))


async def test_a_server_that_does_not_start_is_told_with_its_last_words() -> None:
    with pytest.raises(ServerDied, match="no such model"):
        await bout(Stranger("import sys; sys.exit('no such model')"))


async def test_a_server_that_is_never_ready_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hurried(url: str, *_: object) -> None:
        raise ServerDied(f"{url} was not ready")

    monkeypatch.setattr("native_bench.turntaking.world.until_well", hurried)
    with pytest.raises(ServerDied, match="/readyz was not ready"):
        await bout(Stranger("import time; time.sleep(60)"))


async def test_a_server_that_takes_no_calls_is_told() -> None:
    with pytest.raises(ServerDied, match=r"call 1 was not taken: .*404"):
        await bout(Stranger(STRANGER.format(stream=REFUSES)))


async def test_a_server_that_dies_in_its_first_call_is_told() -> None:
    with pytest.raises(ServerDied, match="the server died"):
        await bout(Stranger(STRANGER.format(stream=DIES)))
