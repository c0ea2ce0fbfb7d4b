"""A server at the leash, in this process, and a supervisor's end that the test holds."""

from __future__ import annotations

import asyncio
import socket

from mediasrv.call.link import CallDetails
from mediasrv.net.websocket import connect
from mediasrv.server.board import Board
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
    board = Board()
    board.began("call-0", "s", "default", CallDetails("plivo", from_number="+911", to_number="+912"))
    heard: asyncio.Queue[Message] = asyncio.Queue()
    end = Leash(ours, lambda message, _: heard.put_nowait(message), lambda: None)
    service = Service(ServerOptions(sheds_load=False), UNSIGNED, EchoAgency(), port=(tether := Tether(theirs, board)))
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

        # What it is asked of its own calls, another is told of it.
        end.send({"kind": "calls"})
        text = None
        while text is None:
            text = parts.add(await hear(kind="calls"))
        asking = [asyncio.create_task(tether.others()) for _ in range(2)]
        await hear(kind="others")
        end.send_text("others", text)
        assert await asyncio.gather(*asking) == [[board.entries["call-0"]]] * 2
        connection, _ = await lost_connection(door)
        assert end.send({"kind": "new", "lost": ["call-9"]}, connection)
        connection.close()
        await until(lambda: calls.bygones.take_broken("call-9"))

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


async def lost_connection(door: socket.socket) -> tuple[socket.socket, object]:
    """A connection that nothing comes on."""
    caller = socket.create_connection(door.getsockname())
    accepted = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(door), WAIT_S)
    caller.close()
    return accepted


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
    return await asyncio.wait_for(reader.read(), WAIT_S)
