"""A server under load and the providers it talks to, each in a process of its own, for one run.

The server is ``mediasrv serve`` on a core of its own, with the real adapters for Deepgram, OpenAI and Cartesia, which
reach stand-ins over loopback sockets: a final comes 100 ms after it is asked for and an interim every 200 ms, a model's
first token after 200 ms and each further one 15 later, a voice's first audio after 80.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from native_bench.load.kept import FILE
from native_bench.load.tape import Tape
from native_bench.processes import Placement, ServerDied, first_line, free_port, last_line, running, until_ready
from native_bench.standins import cartesia, deepgram, openai
from native_bench.standins.base import HOST
from native_bench.standins.recital import write_script

REPLY = "It is on its way. It will be with you before the evening."
TOKEN_MS, CHAR_MS = 15, 45
"""A reply of less than three seconds: it is over when the caller speaks again."""
GREETING = "Hello, how can I help you?"
PATH = "/plivo/stream"
_MAX_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class Providers:
    """Stand-ins that were started, by stage."""

    processes: Mapping[str, asyncio.subprocess.Process]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """What was started."""

    origin: str
    """Of the server, ``http://…``."""
    server: asyncio.subprocess.Process
    standins: Mapping[str, asyncio.subprocess.Process]
    """By stage."""
    log: Path
    """What the server has to say."""
    hook: Path
    """The folder through which the server is asked about itself; see ``hook``."""
    ready_s: float
    """From the start of its process until it was ready for calls."""

    def check(self) -> None:
        """Raise ``ServerDied`` when something has ended."""
        if self.server.returncode is not None:
            raise ServerDied(f"the server died ({self.server.returncode}); it said: {last_line(self.log)}")
        for stage, process in self.standins.items():
            if process.returncode is not None:
                raise ServerDied(f"the stand-in for {stage} died ({process.returncode})")


@asynccontextmanager
async def providers(folder: Path, tape: Tape, cores: Placement) -> AsyncIterator[Providers]:
    """Start the stand-ins; raise ``ServerDied`` when one fails to."""
    script = folder / "script.json"
    write_script(script, [(tape.cue, tape.words)])
    commands = {
        "stt": ("native_bench.load.recogniser", "final_ms=100", "interim_ms=200", f"script={script}"),
        # The first event of an answer holds no token yet.
        "llm": (
            "native_bench.standins",
            "openai",
            f"first_ms={200 - TOKEN_MS}",
            f"token_ms={TOKEN_MS}",
            f"text={REPLY}",
        ),
        "tts": ("native_bench.standins", "cartesia", "first_ms=80", f"char_ms={CHAR_MS}"),
    }
    log = folder / "standins.log"
    async with AsyncExitStack() as stack:
        # What they say of clients that went away in a handshake is of no use to anybody.
        file = stack.enter_context(log.open("wb"))
        pipes: dict[str, Any] = {"stdout": asyncio.subprocess.PIPE, "stderr": file.fileno(), "cores": cores.rest}
        processes = {
            stage: await stack.enter_async_context(running("-m", *command, **pipes))
            for stage, command in commands.items()
        }
        yield Providers(processes, {stage: await first_line(each, log) for stage, each in processes.items()})


@asynccontextmanager
async def serving(
    folder: Path,
    there: Providers,
    cores: Placement,
    greeting: str = "",
    environment: Mapping[str, str] | None = None,
    *,
    sheds_load: bool = False,
    keeps_records: bool = False,
    extra: Sequence[str] = (),
) -> AsyncIterator[World]:
    """Start a server, and wait until it is ready; raise ``ServerDied`` when it fails to."""
    port, config, log = free_port(), folder / "server.toml", folder / "server.log"
    text = configuration(port, there.origins, greeting, sheds_load=sheds_load)
    if keeps_records:
        text += f"[records]\npath = {str(folder / FILE)!r}\n"
    config.write_text(text, encoding="utf-8")
    command = (
        "native_bench.load.hook",
        str(folder),
        "serve",
        "--config",
        str(config),
        "--log-level",
        "warning",
        *extra,
    )
    with log.open("wb") as file:
        started_s = time.monotonic()
        process = running("-m", *command, cores=cores.server, stderr=file.fileno(), environment=environment)
        async with process as server:
            origin = f"http://{HOST}:{port}"
            await until_ready(origin, server, log)
            yield World(origin, server, there.processes, log, folder, time.monotonic() - started_s)


@asynccontextmanager
async def started(
    folder: Path,
    tape: Tape,
    cores: Placement,
    greeting: str = "",
    *,
    sheds_load: bool = False,
    keeps_records: bool = False,
) -> AsyncIterator[World]:
    """Start everything; raise ``ServerDied`` when something fails to. Who asks for limits wants no load to be shed."""
    async with (
        providers(folder, tape, cores) as there,
        serving(folder, there, cores, greeting, sheds_load=sheds_load, keeps_records=keeps_records) as world,
    ):
        yield world


def configuration(port: int, origins: Mapping[str, str], greeting: str, *, sheds_load: bool = False) -> str:
    """The server's own file."""
    tables: dict[str, Mapping[str, object]] = {
        "server": {"host": HOST, "port": port, "max_calls": _MAX_CALLS, "sheds_load": sheds_load},
        "plivo": {"verify_signatures": False},
        "agents.default": {"instructions": "You help callers of a courier.", "greeting": greeting},
        "agents.default.stt": {"provider": "deepgram", "url": origins["stt"], "api_key": deepgram.KEY},
        "agents.default.llm": {
            "provider": "openai", "url": f"{origins['llm']}/v1", "model": "stand-in", "api_key": openai.KEY,
        },
        "agents.default.tts": {
            "provider": "cartesia", "url": origins["tts"], "voice": cartesia.VOICE, "api_key": cartesia.KEY,
        },
    }  # fmt: skip
    return "\n".join(f"[{name}]\n{''.join(map(_line, table.items()))}" for name, table in tables.items())


def _line(item: tuple[str, object]) -> str:
    key, value = item
    return f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n"
