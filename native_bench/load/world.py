"""A server under load and the providers it talks to, each in a process of its own, for one run.

The server is ``mediasrv serve`` on a core of its own, with the real adapters for Deepgram, OpenAI and Cartesia, which
reach stand-ins over loopback sockets: a final comes 100 ms after it is asked for and an interim every 200 ms, a model's
first token after 200 ms and each further one 15 later, a voice's first audio after 80.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

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

    def check(self) -> None:
        """Raise ``ServerDied`` when something has ended."""
        if self.server.returncode is not None:
            raise ServerDied(f"the server died ({self.server.returncode}); it said: {last_line(self.log)}")
        for stage, process in self.standins.items():
            if process.returncode is not None:
                raise ServerDied(f"the stand-in for {stage} died ({process.returncode})")


@asynccontextmanager
async def started(folder: Path, tape: Tape, cores: Placement, greeting: str = "") -> AsyncIterator[World]:
    """Start everything; raise ``ServerDied`` when something fails to."""
    script = folder / "script.json"
    write_script(script, [(tape.cue, tape.words)])
    commands = {
        "stt": ("native_bench.standins", "deepgram", "final_ms=100", "interim_ms=200", f"script={script}"),
        # The first event of an answer holds no token yet.
        "llm": ("native_bench.standins", "openai", f"first_ms={200 - TOKEN_MS}", f"token_ms={TOKEN_MS}",
                f"text={REPLY}"),
        "tts": ("native_bench.standins", "cartesia", "first_ms=80", f"char_ms={CHAR_MS}"),
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        standins = {
            stage: await stack.enter_async_context(
                running("-m", *command, cores=cores.rest, stdout=asyncio.subprocess.PIPE)
            )
            for stage, command in commands.items()
        }
        origins = {stage: await first_line(process) for stage, process in standins.items()}
        port, config, log = free_port(), folder / "server.toml", folder / "server.log"
        config.write_text(configuration(port, origins, greeting), encoding="utf-8")
        command = ("native_bench.load.hook", str(folder), "serve", "--config", str(config), "--log-level", "warning")
        file = stack.enter_context(log.open("wb"))
        server = await stack.enter_async_context(running("-m", *command, cores=cores.server, stderr=file.fileno()))
        world = World(f"http://{HOST}:{port}", server, standins, log, folder)
        await until_ready(world.origin, server, log)
        yield world


def configuration(port: int, origins: Mapping[str, str], greeting: str) -> str:
    """The server's own file."""
    tables: dict[str, Mapping[str, object]] = {
        "server": {"host": HOST, "port": port, "max_calls": _MAX_CALLS},
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
