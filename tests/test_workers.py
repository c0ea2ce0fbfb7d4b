"""Several worker processes behind one port: the real thing, with real signals and sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from mediasrv.net.websocket import connect
from mediasrv.wire.events import PlayMedia
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.certificates import write
from tests.net.peers import Ears, stranger
from tests.patience import WAIT_S
from tests.server.stage import STREAM, Phone

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(3 * WAIT_S)]

API_TOKEN = "a token that nobody guesses"
SCRIPTED = """
[server]
port = 0
{server}
sheds_load = false
drain_s = 20
[plivo]
verify_signatures = false
[api]
token_env = "TEST_API_TOKEN"
[agents.default]
greeting = "{greeting}"
[agents.default.stt]
provider = "scripted"
[agents.default.llm]
provider = "scripted"
[agents.default.tts]
provider = "scripted"
"""


def scripted(greeting: str = "Hi.", server: str = "") -> str:
    """A configuration."""
    return SCRIPTED.format(greeting=greeting, server=server)


class Server:
    """``mediasrv serve --workers``, and a client for it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        port: int,
        session: aiohttp.ClientSession,
        trusting: ssl.SSLContext | None = None,
    ) -> None:
        """``trusting`` its certificate, where it has one."""
        self.process, self.session, self.trusting = process, session, trusting
        s = "s" if trusting else ""
        self.port, self.http, self.ws = port, f"http{s}://127.0.0.1:{port}", f"ws{s}://127.0.0.1:{port}"
        self.lines: list[str] = []
        self.phones: list[Phone] = []

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        async with self.session.request(method, self.http + path, headers=headers) as response:
            return response.status, await response.text()

    async def after(self, call_id: str) -> str:
        """Ask how a call goes on whose stream is over."""
        async with self.session.post(f"{self.http}/plivo/after?call={call_id}", data={"CallUUID": call_id}) as response:
            return await response.text()

    async def answer(self, call_id: str) -> str:
        """Ask for a call's document."""
        form = {"CallUUID": call_id, "From": "+911", "To": "+912", "Direction": "inbound"}
        async with self.session.post(f"{self.http}/plivo/answer", data=form) as response:
            return await response.text()

    async def phone(self, call_id: str) -> Phone:
        """A stream of a call, which has begun."""
        phone = Phone(
            Ears(await connect(f"{self.ws}{STREAM}?call={call_id}", ssl=self.trusting)), PlivoCarrierProtocol()
        )
        self.phones.append(phone)
        phone.start(call_id)
        await hears(phone)
        return phone

    async def figures(self) -> Mapping[str, float]:
        _, text = await self.get("/metrics")
        rows = (row.rpartition(" ") for row in text.splitlines() if not row.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    async def workers(self) -> dict[int, int]:
        """Process ids of the workers, and how many connections each has with us."""
        ports = {str(phone.ears.websocket._transport.get_extra_info("sockname")[1]) for phone in self.phones}
        return {pid: connections(pid, ports) for pid in children(self.process.pid)}

    async def worker_of(self, phone: Phone) -> int:
        """The process that has a call."""
        port = str(phone.ears.websocket._transport.get_extra_info("sockname")[1])
        return next(pid for pid in children(self.process.pid) if connections(pid, {port}))

    async def until(self, figure: str, value: float) -> None:
        async with asyncio.timeout(WAIT_S):
            while (await self.figures()).get(figure, 0.0) != value:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def until_ready(self, status: int) -> None:
        """Wait until ``/readyz`` answers like this: workers tell how they are ten times a second."""
        async with asyncio.timeout(WAIT_S):
            while (await self.get("/readyz"))[0] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def until_said(self, what: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while not any(what in line for line in self.lines):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def hears(phone: Phone) -> None:
    """Wait for the bot's voice."""
    async with asyncio.timeout(WAIT_S):
        while not isinstance(await phone.hear(), PlayMedia):
            pass


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def connections(pid: int, ports: set[str]) -> int:
    """How many of these sockets of ours a process has the other end of."""
    inodes = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(f"socket:[{row[9]}]" in inodes and str(int(row[2].partition(":")[2], 16)) in ports for row in rows)


@asynccontextmanager
async def serving(
    folder: Path,
    *flags: str,
    program: Sequence[str] = ("-m", "mediasrv", "serve"),
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    settings: str = "",
    trusting: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """Run a server in a process of its own; a carrier opens a connection for each request. ``settings`` are further
    ones of ``[server]``."""
    config = folder / "mediasrv.toml"
    config.write_text(scripted(server=settings))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "--config", str(config), *flags),
        stderr=asyncio.subprocess.PIPE,
        pass_fds=pass_fds,
        env={**os.environ, "TEST_API_TOKEN": API_TOKEN, **(environment or {})},
    )
    assert process.stderr is not None
    lines: list[str] = []
    reading: asyncio.Task[None] | None = None
    try:
        async with carrier(trusting) as session:
            async with asyncio.timeout(WAIT_S):
                while not (found := re.search(r"listening host=\S+ port=(\d+)", lines[-1] if lines else "")):
                    line = await process.stderr.readline()
                    assert line, "".join(lines)
                    lines.append(line.decode())
            server = Server(process, int(found[1]), session, trusting)
            server.lines = lines
            reading = asyncio.create_task(read_on(process.stderr, lines))
            yield server
            for phone in server.phones:
                phone.ears.websocket.abort()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if reading is not None:
            await reading


def carrier(trusting: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, ssl=trusting or True))


async def read_on(pipe: asyncio.StreamReader, lines: list[str]) -> None:
    """Until all who could write are gone."""
    while line := await pipe.readline():
        lines.append(line.decode())


async def calls_are_spread_and_found(server: Server) -> None:
    """Six calls on two workers, of which two are ended from outside."""
    for number in range(6):
        assert "<Stream" in await server.answer(f"call-{number}")
    for number in range(6):
        await server.phone(f"call-{number}")
    assert min((await server.workers()).values()) >= 2
    figures = await server.figures()
    assert figures["mediasrv_live_calls"] == 6
    assert figures["mediasrv_workers"] == 2
    assert await server.get("/readyz") == (200, "ready\n")
    assert await server.get("/healthz") == (200, "alive\n")
    # The carrier says that one call is over: the worker that has it hears that, whoever is asked.
    async with server.session.post(
        f"{server.http}/plivo/callback/status", data={"CallUUID": "call-3", "Event": "Hangup"}
    ):
        assert (await server.phones[3].end())[0] == 1000
    await server.until("mediasrv_live_calls", 5)
    # Whichever worker is asked knows all, and leads to the one that has a call.
    for _ in range(4):
        status, listed = await server.get("/calls?live=true")
        assert status == 200
        assert {call["id"] for call in json.loads(listed)["calls"]} == {f"call-{n}" for n in (0, 1, 2, 4, 5)}
    for number in (0, 1, 2, 4, 5):
        assert (await server.get(f"/calls/call-{number}"))[0] == 200
    assert (await server.get("/calls/call-4", "DELETE"))[0] == 202
    assert (await server.phones[4].end())[0] == 1000


async def test_calls_are_spread_and_what_belongs_to_a_call_finds_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as server:
        await calls_are_spread_and_found(server)


@asynccontextmanager
async def sealed(folder: Path, workers: int = 2) -> AsyncIterator[Server]:
    """Workers that speak TLS."""
    files = write(folder, datetime.now(UTC), 30)
    trusting = ssl.create_default_context(cafile=str(files.certificate))
    settings = (
        f'public_url = "https://127.0.0.1"\ntls_certificate_file = "{files.certificate}"\ntls_key_file = "{files.key}"'
    )
    async with serving(folder, "--workers", str(workers), settings=settings, trusting=trusting) as server:
        yield server


async def test_the_same_over_tls(tmp_path: Path) -> None:
    async with sealed(tmp_path) as server:
        await calls_are_spread_and_found(server)
        # Who guesses the token is counted by his address and not by the worker that he comes through.
        for number in range(9):
            headers = {"Authorization": f"Bearer {number}", "X-Forwarded-For": f"10.0.0.{number}"}
            async with server.session.get(f"{server.http}/calls/call-1", headers=headers) as response:
                status = response.status
        assert status == 429
        # Plain requests and garbage are dropped without a word.
        for sent in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64), b"\x16\x03\x01\x00\x05hello"):
            async with stranger(server.port) as peer:
                peer.writer.write(sent)
                assert b"alive" not in await peer.rest()
        assert await server.get("/healthz") == (200, "alive\n")
        assert "Traceback" not in "".join(server.lines)


async def test_a_certificate_that_has_expired_is_refused_and_a_new_one_taken_under_live_calls(tmp_path: Path) -> None:
    async with sealed(tmp_path, workers=1) as server:
        lasting = await server.phone("lasting")
        write(tmp_path, datetime.now(UTC) - timedelta(days=90), 89)
        server.process.send_signal(signal.SIGHUP)
        await server.until_said("reload is given up, those who are left go on")
        assert any("has expired" in line for line in server.lines)
        assert await server.get("/readyz") == (200, "ready\n")
        files = write(tmp_path, datetime.now(UTC), 90, name="renewed.example.in")
        server.process.send_signal(signal.SIGHUP)
        await server.until_said(" reloaded")
        assert server.trusting is not None
        server.trusting.load_verify_locations(str(files.certificate))
        await server.phone("new")
        assert lasting.ears.websocket.is_open
        assert (await server.figures())["mediasrv_live_calls"] == 2


async def test_with_one_worker_full_the_other_takes_calls_and_with_both_nobody_does(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2", settings="max_calls = 4") as server:
        phones = [await server.phone(f"call-{number}") for number in range(4)]
        await server.until_ready(503)
        assert await server.get("/readyz") == (503, "full\n")
        assert "All our lines are busy" in await server.answer("one too many")
        # The calls of one worker end: the other one is still full.
        at = [await server.worker_of(phone) for phone in phones]
        for phone in (phone for phone, worker in zip(phones, at, strict=True) if worker == at[0]):
            await phone.hang_up()
        await server.until_ready(200)
        for number in range(4, 6):
            assert "<Stream" in await server.answer(f"call-{number}")
            assert await server.worker_of(await server.phone(f"call-{number}")) == at[0]
        await server.until_ready(503)
        assert all(phone.ears.websocket.is_open for phone in server.phones[4:])


async def test_a_worker_that_dies_is_replaced_and_costs_nobody_else_anything(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as server:
        phones = [await server.phone(f"call-{number}") for number in range(4)]
        unlucky = min(children(server.process.pid))
        os.kill(unlucky, signal.SIGKILL)
        await server.until("mediasrv_worker_deaths_total", 1)
        assert (await server.figures())["mediasrv_lost_calls_total"] == 2
        await server.until("mediasrv_workers", 2)
        assert await server.get("/readyz") == (200, "ready\n")
        alive = [phone for phone in phones if phone.ears.websocket.is_open]
        assert len(alive) == 2
        assert (await server.figures())["mediasrv_live_calls"] == 2
        # Those who were on the line there are asked for, and go on with another; who was bidden goodbye does not.
        lost = [f"call-{number}" for number, phone in enumerate(phones) if phone not in alive]
        documents = {call_id: await server.after(call_id) for call_id in lost}
        assert all("<Stream" in document for document in documents.values())
        back = [await server.phone(call_id) for call_id in documents]
        assert (await server.figures())["mediasrv_live_calls"] == 4
        for phone in back:
            await phone.hang_up()
        assert "<Stream" not in await server.after("nobody knows it")
        await server.until("mediasrv_live_calls", 2)
        await server.phone("another")
        assert (await server.figures())["mediasrv_live_calls"] == 3


async def test_a_reload_drops_and_refuses_no_call_while_they_come_and_go(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as server:
        before = set(children(server.process.pid))
        lasting = [await server.phone(f"lasting-{number}") for number in range(4)]
        refused: list[str] = []
        reloaded = asyncio.Event()

        async def call_on() -> int:
            count = 0
            while not reloaded.is_set():
                document = await server.answer(f"short-{count}")
                if "<Stream" not in document:
                    refused.append(document)
                phone = await server.phone(f"short-{count}")
                await asyncio.sleep(0.1)
                await phone.hang_up()
                count += 1
            return count

        calling = asyncio.create_task(call_on())
        (tmp_path / "mediasrv.toml").write_text("port =")
        server.process.send_signal(signal.SIGHUP)
        await server.until_said("configuration is refused, the old one stays: ")
        assert set(children(server.process.pid)) == before
        (tmp_path / "mediasrv.toml").write_text(scripted("Welcome, this greeting is new and long."))
        server.process.send_signal(signal.SIGHUP)
        await server.until_said(" reloaded")
        reloaded.set()
        assert await calling > 3
        assert refused == []
        assert all(phone.ears.websocket.is_open for phone in lasting)
        assert (await server.figures())["mediasrv_live_calls"] == 4
        assert before < set(children(server.process.pid))
        for phone in lasting:
            await phone.hang_up()
        async with asyncio.timeout(WAIT_S):
            while before & set(children(server.process.pid)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        figures = await server.figures()
        assert (figures["mediasrv_workers"], figures["mediasrv_worker_deaths_total"]) == (2, 0)


async def test_sigterm_drains_all_and_those_who_were_answered_still_come(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as server:
        live = [await server.phone(f"call-{number}") for number in range(2)]
        assert "<Stream" in await server.answer("answered")
        server.process.send_signal(signal.SIGTERM)
        await server.until_said("draining")
        async with asyncio.timeout(WAIT_S):
            while (await server.get("/readyz"))[1] != "draining\n":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert "<Stream" not in await server.answer("late")
        live.append(await server.phone("answered"))
        for phone in live:
            await phone.hang_up()
        async with asyncio.timeout(WAIT_S):
            assert await server.process.wait() == 0


async def test_a_worker_that_cannot_start_ends_it_all_with_its_own_line_and_code(tmp_path: Path) -> None:
    config = tmp_path / "mediasrv.toml"
    config.write_text(scripted().replace("greeting =", 'class = "no_such_module:Agent"\ngreeting ='))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mediasrv", "serve", "--config", str(config), "--workers", "2"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TEST_API_TOKEN": API_TOKEN},
    )
    async with asyncio.timeout(WAIT_S):
        _, said = await process.communicate()
    assert process.returncode == 78
    assert said.decode().count("\n") == 1
    assert "no_such_module" in said.decode()
