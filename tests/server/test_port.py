from __future__ import annotations

import asyncio
import socket

import pytest

from mediasrv.server.port import ListenError, Port


async def reach(port: Port) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.close()


async def test_a_claimed_port_lets_nobody_in_until_it_opens() -> None:
    port = Port("127.0.0.1", 0)
    await port.claim()
    assert port.number > 0
    with pytest.raises(ConnectionRefusedError):
        await reach(port)
    await port.open(asyncio.Protocol)
    await reach(port)
    port.close()
    port.close()
    with pytest.raises(ConnectionRefusedError):
        await reach(port)


async def test_a_port_in_use_is_an_error_of_one_line_that_says_what_to_do() -> None:
    first = Port("127.0.0.1", 0)
    await first.claim()
    await first.open(asyncio.Protocol)
    second = Port("127.0.0.1", first.number)
    with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{first.number}: Address already in use.*server\.port"):
        await second.claim()
    first.close()


async def test_of_two_that_claimed_the_port_the_slower_fails() -> None:
    first = Port("127.0.0.1", 0)
    await first.claim()
    second = Port("127.0.0.1", first.number)
    await second.claim()
    await first.open(asyncio.Protocol)
    with pytest.raises(ListenError, match="already in use"):
        await second.open(asyncio.Protocol)
    await reach(first)
    first.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_that_is_not_ours_is_an_error(host: str) -> None:
    with pytest.raises(ListenError, match="cannot listen"):
        await Port(host, 0).claim()


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_all_addresses_of_a_name_share_one_number() -> None:
    port = Port("", 0)
    await port.claim()
    await port.open(asyncio.Protocol)
    for address in {bound.getsockname()[0] for bound in port._sockets}:
        _, writer = await asyncio.open_connection("::1" if address == "::" else "127.0.0.1", port.number)
        writer.close()
    port.close()
