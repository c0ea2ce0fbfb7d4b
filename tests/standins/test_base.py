"""What all stand-ins share."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import pytest
from aiohttp import web

from native_bench.standins import __main__ as command
from native_bench.standins.base import Fault, Peer, WebSocketStandin
from native_bench.standins.deepgram import DeepgramStandin
from tests.patience import WAIT_S


class Echo(WebSocketStandin):
    """Says what it hears."""

    name = "echo"
    path = "/echo"

    def admit(self, request: web.Request) -> None:
        self.require("key" in request.query, 401, "a key is needed")

    async def serve(self, peer: Peer) -> None:
        async for message in peer.messages():
            await peer.say({"heard": message})


async def test_it_serves_who_fits() -> None:
    standin = Echo()
    async with standin as url, aiohttp.ClientSession() as http, http.ws_connect(f"{url}/echo?key=1") as socket:
        await socket.send_str("hello")
        assert await socket.receive_json() == {"heard": "hello"}
        assert (standin.live, standin.connections) == (1, 1)
    assert standin.live == 0
    assert standin.complaints == []


async def test_it_complains_of_who_does_not() -> None:
    standin = Echo()
    async with standin as url, aiohttp.ClientSession() as http, http.get(f"{url}/echo") as response:
        assert response.status == 401
    assert standin.complaints == ["a key is needed"]


async def test_faults_strike_in_the_order_of_the_connections() -> None:
    faults = [
        Fault("refuse", status=429, delay_s=7),
        *[Fault("reset")] * 2,  # their client tries again once
        Fault("close", after=1, code=4000, reason="no"),
        Fault("garbage"),
        Fault("reset", after=1),
    ]
    async with Echo(faults=faults) as url, aiohttp.ClientSession() as http:
        async with http.get(f"{url}/echo?key=1") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
        with pytest.raises(aiohttp.ClientError):
            await http.ws_connect(f"{url}/echo?key=1")
        async with http.ws_connect(f"{url}/echo?key=1") as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).data == 4000
        async with http.ws_connect(f"{url}/echo?key=1") as socket:
            assert await socket.receive_str() == "\x00 no JSON {"
        async with http.ws_connect(f"{url}/echo?key=1") as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        async with http.ws_connect(f"{url}/echo?key=1") as socket:
            await socket.send_str("well")
            assert await socket.receive_json() == {"heard": "well"}


@pytest.mark.parametrize("fault", [Fault("stall"), Fault("hang"), Fault("hang", after=1)])
async def test_a_stand_in_that_hangs_can_be_stopped(fault: Fault) -> None:
    async with aiohttp.ClientSession() as http:
        async with Echo(faults=[fault]) as url:
            asking = asyncio.create_task(_ask(http, f"{url}/echo?key=1"))
            done, _ = await asyncio.wait([asking], timeout=0.1)
            assert not done
        asking.cancel()
        await asyncio.wait([asking])


async def _ask(http: aiohttp.ClientSession, url: str) -> None:
    async with http.ws_connect(url) as socket:
        await socket.send_str("hello")
        await socket.receive()


def test_a_stand_in_is_found_by_name() -> None:
    assert command.find("deepgram") is DeepgramStandin
    with pytest.raises(SystemExit, match=r"known are .*deepgram"):
        command.find("nobody")


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("1.5", 1.5), ("fast", "fast")])
def test_options_on_the_command_line(text: str, value: object) -> None:
    assert command.number(text) == value


async def test_a_stand_in_runs_as_a_process_of_its_own() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "native_bench.standins", "deepgram", "final_ms=5", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), WAIT_S)).decode().strip()
        async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/listen") as response:
            assert response.status == 401
        process.terminate()
        assert await asyncio.wait_for(process.wait(), WAIT_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
