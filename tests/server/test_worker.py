"""A server at the leash, in this process, and a supervisor's end that the test holds."""

from __future__ import annotations

import asyncio
import socket

from mediasrv.net.websocket import connect
from mediasrv.server.leash import Leash, Message, Parts, leash
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.server.worker import Tether
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.net.peers import Ears
from tests.patience import WAIT_S, until
from tests.server.stage import STREAM, UNSIGNED, EchoAgency, Phone


async def test_a_server_at_the_leash_takes_connections_tells_of_itself_and_ends_with_the_supervisor() -> None:
    ours, theirs = leash()
    heard: asyncio.Queue[Message] = asyncio.Queue()
    end = Leash(ours, lambda message, _: heard.put_nowait(message), lambda: None)
    service = Service(ServerOptions(sheds_load=False), UNSIGNED, EchoAgency(), port=Tether(theirs))
    await service.start()
    running = asyncio.create_task(service.run())

    async def hear(**wanted: object) -> Message:
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await heard.get()
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message

    assert await hear(kind="load", calls=0, refusal="", is_paced=False)
    calls = service._calls
    assert calls.expect("mine", "+911", "+912", "inbound")
    assert await hear(kind="expected") == {"kind": "expected", "call": ["mine", "+911", "+912", "inbound"]}
    end.send({"kind": "came", "call": "mine"})
    await hear(kind="load", calls=0)
    end.send({"kind": "elsewhere", "call": ["theirs", "+913", "+914", "inbound"]})
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        connecting = asyncio.create_task(connect(f"ws://127.0.0.1:{door.getsockname()[1]}{STREAM}"))
        connection, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(door), WAIT_S)
        assert end.send({"kind": "new"}, connection)
        connection.close()
        phone = Phone(Ears(await connecting), PlivoCarrierProtocol())
        phone.start("call-1")
        await phone.echo()
        await until(lambda: "theirs" in calls._admission._elsewhere)
        await hear(kind="stream", call="call-1", is_live=True)
        await hear(kind="load", calls=1)
        end.send({"kind": "figures"})
        parts, text = Parts(), None
        while text is None:
            text = parts.add(await hear(kind="figures"))
        assert "mediasrv_live_calls 1.0\n" in text

        # One request a connection: the next one may be another worker's.
        reading = asyncio.create_task(ask(door.getsockname()[1]))
        connection, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(door), WAIT_S)
        end.send({"kind": "new"}, connection)
        connection.close()
        head = (await reading).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert b"Connection: close" in head

        await phone.hang_up()
        await hear(kind="stream", call="call-1", is_live=False)
    end.close()
    await asyncio.wait_for(running, WAIT_S)


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
    return await asyncio.wait_for(reader.read(), WAIT_S)
