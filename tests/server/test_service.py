"""The server's life: warm-up, drain, end."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from mediasrv.errors import ConfigError
from mediasrv.net.websocket import HandshakeError
from mediasrv.server.options import ServerOptions
from mediasrv.server.port import ListenError
from mediasrv.server.service import Service
from tests.patience import WAIT_S, until
from tests.server.stage import STREAM, UNSIGNED, EchoAgency, stage

FORM = {"CallUUID": "call-1"}


async def reach(service: Service) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.close()


async def test_the_port_opens_when_the_agents_are_ready() -> None:
    agency = EchoAgency()
    agency.may_start.clear()
    service = Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, agency)
    starting = asyncio.create_task(service.start())
    await until(lambda: service.port != 0)
    with pytest.raises(ConnectionRefusedError):
        await reach(service)
    agency.may_start.set()
    await starting
    await reach(service)
    await service.aclose()
    assert not agency.is_started


async def test_a_taken_port_is_found_before_the_agents_are_started() -> None:
    async with stage() as there:
        agency = EchoAgency()
        service = Service(ServerOptions(port=there.port), UNSIGNED, agency)
        with pytest.raises(ListenError, match="already in use"):
            await service.start()
        assert not agency.is_started
        await service.aclose()


async def test_agents_that_cannot_start_free_the_port() -> None:
    class Broken(EchoAgency):
        async def start(self) -> None:
            raise ConfigError("the model is missing")

    service = Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, Broken())
    with pytest.raises(ConfigError):
        await service.start()
    async with stage(ServerOptions(port=service.port)):
        pass


async def test_a_start_that_is_cancelled_frees_the_port() -> None:
    agency = EchoAgency()
    agency.may_start.clear()
    service = Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, agency)
    starting = asyncio.create_task(service.start())
    await until(lambda: service.port != 0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    async with stage(ServerOptions(port=service.port)):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_live_calls_go_on_and_no_new_one_comes_in(number: signal.Signals) -> None:
    async with stage() as there:
        running = asyncio.create_task(there.service.run())
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        os.kill(os.getpid(), number)
        await until(lambda: there.service._calls.refusal == "draining")
        assert await there.get("/readyz") == (503, "draining\n")
        assert await there.get("/healthz") == (200, "alive\n")
        status, document = await there.post("/plivo/answer", {"CallUUID": "call-2"})
        assert status == 200
        assert "All our lines are busy" in document
        with pytest.raises(HandshakeError, match="503"):
            await there.phone()
        await phone.echo()
        assert not running.done()
        await phone.hang_up()
        await asyncio.wait_for(running, WAIT_S)
        assert not there.agency.is_started
        with pytest.raises(ConnectionRefusedError):
            await reach(there.service)


async def test_without_calls_a_drain_is_over_at_once() -> None:
    async with stage() as there:
        running = asyncio.create_task(there.service.run())
        await asyncio.sleep(0)
        there.service.stop()
        await asyncio.wait_for(running, WAIT_S)


async def test_a_caller_who_was_sent_in_before_the_drain_is_still_let_in() -> None:
    async with stage() as there:
        running = asyncio.create_task(there.service.run())
        await there.post("/plivo/answer", FORM)
        there.service.stop()
        await until(lambda: there.service._calls.refusal == "draining")
        phone = await there.phone(f"{STREAM}?call=call-1")
        phone.start("call-1")
        await phone.echo()
        await phone.hang_up()
        await asyncio.wait_for(running, WAIT_S)


async def test_a_second_signal_ends_live_calls() -> None:
    async with stage() as there:
        running = asyncio.create_task(there.service.run())
        phone = await there.phone()
        phone.start()
        await phone.echo()
        silent = await there.phone()
        there.service.stop()
        await until(lambda: there.service._calls.refusal == "draining")
        await phone.echo()
        there.service.stop()
        assert await phone.end() == (1000, "")
        assert await silent.end() == (1001, "the server stops")
        await asyncio.wait_for(running, WAIT_S)
        assert there.agency.calls[0].was_cancelled


async def test_a_drain_has_an_end() -> None:
    async with stage(ServerOptions(port=0, drain_s=0)) as there:
        running = asyncio.create_task(there.service.run())
        phone = await there.phone()
        phone.start()
        await phone.echo()
        there.service.stop()
        await asyncio.wait_for(running, WAIT_S)
        assert (await phone.end())[0] == 1000


async def test_a_server_that_is_cancelled_ends_its_calls() -> None:
    async with stage() as there:
        running = asyncio.create_task(there.service.run())
        phone = await there.phone()
        phone.start()
        await phone.echo()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await phone.end())[0] == 1000
        assert not there.agency.is_started


async def test_closing_twice_and_without_a_start_is_safe() -> None:
    service = Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, EchoAgency())
    await service.aclose()
    async with stage() as there:
        await there.service.aclose()


async def test_a_stall_is_logged_with_what_the_loop_was_doing(caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as there:
        # The stall watch looks every 50 ms, from its own thread.
        until_s = time.monotonic() + WAIT_S
        while "event loop stalls" not in caplog.text and time.monotonic() < until_s:
            sum(range(1000))
        assert "test_a_stall_is_logged" in caplog.text
        async with asyncio.timeout(WAIT_S):
            while await there.metric("mediasrv_loop_stalls_total") != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
