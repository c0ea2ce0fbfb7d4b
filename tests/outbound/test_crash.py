"""A thousand calls through a carrier full of faults, by programs that are killed: nobody is left out or called twice.

All of it is real but the carrier: the server and the command are processes, killed without a warning, and the carrier's
stand-in is stateful, signs its webhooks, and lets a fifth of all requests fail before or after they were obeyed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from native_bench.standins.plivo_callbacks import Misfortunes
from native_bench.standins.plivo_leg import Subscriber
from tests.outbound.support import LANDLINE
from tests.server.stage import free_port

CALLS, TOWNS = 250, 4
LIMIT_S = 400.0
"""A busy machine takes many times as long as an idle one: programs start five times."""
ROOT = Path(__file__).parent.parent.parent

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(LIMIT_S + 30)]

CONFIG = """
[server]
port = {port}
public_url = "http://127.0.0.1:{port}"
sheds_load = false
[plivo]
auth_id = "{account}"
auth_token_env = "TEST_PLIVO_TOKEN"
api_url = "{api}"
[records]
path = "{records}"
[outbound]
from_number = "{shown}"
concurrency = 60
calls_per_second = 200
ring_timeout_s = 1
time_limit_s = 4
webhook_within_s = 2
uncertain_for_s = 3
congestion_retry_s = 0.5
retry_on = []
[compliance]
window_start = "00:00"
window_end = "23:59:59.999999"
consent_required_for = []
[agents.default]
class = "tests.outbound.agents:brief"
keep_audio = false
stt.provider = "scripted"
llm.provider = "scripted"
tts.provider = "scripted"
"""


class Programs:
    """The server and the command, as an operator runs them."""

    def __init__(self, folder: Path, port: int, api: str) -> None:
        self._folder = folder
        self._config = folder / "mediasrv.toml"
        self._config.write_text(
            CONFIG.format(port=port, account=ACCOUNT, api=api, records=folder / "records.db", shown=LANDLINE)
        )

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        log = (self._folder / "log").open("ab")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mediasrv", *arguments, "--config", str(self._config),
            cwd=ROOT, env={**os.environ, "TEST_PLIVO_TOKEN": TOKEN}, stdout=log, stderr=log,
        )  # fmt: skip

    async def serve(self) -> asyncio.subprocess.Process:
        return await self.start("serve")

    async def dial(self, file: Path) -> asyncio.subprocess.Process:
        return await self.start("dial", "--campaign", str(file))


async def end(program: asyncio.subprocess.Process, how: signal.Signals) -> None:
    if program.returncode is None:
        program.send_signal(how)
    await program.wait()


async def kill(program: asyncio.subprocess.Process) -> None:
    assert program.returncode is None, "it has ended by itself"
    await end(program, signal.SIGKILL)


async def until_called(carrier: PlivoStandin, count: int) -> None:
    while len(carrier.legs) < count:  # noqa: ASYNC110  # what it waits for happens in other processes
        await asyncio.sleep(0.05)


@asynccontextmanager
async def town(numbers: list[str], seed: int) -> AsyncIterator[tuple[PlivoStandin, str]]:
    dice = random.Random(seed)
    ways = dice.choices(["busy", "reject", "no", "yes"], weights=[60, 20, 10, 10], k=len(numbers))
    people = {number.removeprefix("+"): Subscriber(answers=way) for number, way in zip(numbers, ways, strict=True)}
    misfortunes = Misfortunes(doubled=0.2, late=0.2, lost=0.1, seed=seed)
    carrier = PlivoStandin(people=people, misfortunes=misfortunes, fault_rate=0.2, seed=seed)
    async with carrier as url:
        yield carrier, url


@pytest.mark.parametrize("seed", range(TOWNS))
async def test_nobody_is_left_out_and_nobody_called_twice(tmp_path: Path, seed: int) -> None:
    numbers = [f"+9198765{place:05}" for place in range(CALLS)]
    file = tmp_path / "spring.csv"
    file.write_text("number,name\n" + "".join(f"{number},friend\n" for number in numbers))
    async with town(numbers, seed) as (carrier, url), asyncio.timeout(LIMIT_S):
        programs = Programs(tmp_path, await free_port(), url)
        server, command = await programs.serve(), await programs.dial(file)
        try:
            await until_called(carrier, CALLS // 5)
            await kill(command)
            command = await programs.dial(file)
            await until_called(carrier, CALLS // 3)
            await kill(server)
            server = await programs.serve()
            await until_called(carrier, 2 * CALLS // 3)
            await kill(server)
            server = await programs.serve()
            assert await command.wait() == 0, (tmp_path / "log").read_text()[-3000:]
        finally:
            await end(command, signal.SIGKILL)
            await end(server, signal.SIGTERM)
        called = Counter(f"+{leg.to_number}" for leg in carrier.legs)
    assert [number for number in numbers if called[number] == 0] == []
    assert [number for number in numbers if called[number] > 1] == []
    assert not any(number[1:] in (tmp_path / "log").read_text() for number in numbers)
