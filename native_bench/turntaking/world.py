"""The server and what it talks to, each in a process of its own, for one run.

The server is ``mediasrv serve`` with the real provider adapters, which reach their stand-ins over loopback sockets: a
recogniser that writes words down as they are spoken (an interim every 200 ms, and a final 100 ms after it is asked for;
real ones are some 150 ms behind, which may be set), a model whose first token takes 200 ms and each further one 15, and
a voice whose first audio takes 80.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from mediasrv.audio.g711 import decode_ulaw
from native_bench.load.proc import usage
from native_bench.processes import first_line, free_port, running, until_well
from native_bench.standins import cartesia, deepgram, openai
from native_bench.standins.base import HOST, LEDGER
from native_bench.standins.recital import write_script
from native_bench.turntaking.material import Signal
from native_bench.turntaking.plan import Planned

REPLY = "It is on its way. Your parcel left the warehouse this morning, and it will be with you before the evening."
TOKEN_MS = 15
CHAR_MS = 60
"""A hundred characters are six seconds."""

INSTRUCTIONS = "You help callers of a courier."
CARTESIA = {"provider": "cartesia", "voice": cartesia.VOICE, "api_key": cartesia.KEY}
"""The voice of the agent, by the keys of its table."""

TurnTable = Mapping[str, float | int | bool]


@dataclass(frozen=True, slots=True)
class World:
    """What was started."""

    url: str
    """Where callers call."""
    origins: Mapping[str, str]
    """Of the stand-ins, by stage."""
    processes: Mapping[str, asyncio.subprocess.Process]
    """The server and the stand-ins, by name."""

    def dead(self) -> list[str]:
        """Names of those that have ended."""
        return [name for name, process in self.processes.items() if process.returncode is not None]

    def cpu_s(self) -> dict[str, float]:
        """Seconds that each process has computed so far, and this one as ``callers``; empty where nobody tells."""
        mine = resource.getrusage(resource.RUSAGE_SELF)
        try:
            found = {name: usage(process.pid).cpu_s for name, process in self.processes.items()}
        except OSError:
            return {}
        return found | {"callers": mine.ru_utime + mine.ru_stime}

    async def ledgers(self) -> dict[str, dict[str, Any]]:
        """What the stand-ins did so far, by stage; nothing of those that are not there any more."""
        async with aiohttp.ClientSession() as session:
            return {stage: await _json(session, f"{origin}{LEDGER}") for stage, origin in self.origins.items()}


@dataclass(frozen=True, slots=True)
class Standins:
    """The providers, each with a voice or an ear of its own."""

    processes: Mapping[str, asyncio.subprocess.Process]
    origins: Mapping[str, str]


@asynccontextmanager
async def started(
    folder: Path, calls: Sequence[Planned], bot: Signal, turn: TurnTable, lag_ms: int = 0, reply: str = REPLY
) -> AsyncIterator[World]:
    """Start everything; ``turn`` holds keys of the agent's turn table, ``lag_ms`` is how far behind interims are.

    ``reply`` is what the model always says.

    Raise ``ServerDied`` when something does not start.
    """
    async with standing_in(folder, calls, bot, lag_ms, reply) as there:
        port, config, log = free_port(), folder / "server.toml", folder / "server.log"
        config.write_text(configuration(port, there.origins, turn), encoding="utf-8")
        command = ("-m", "mediasrv", "serve", "--config", str(config), "--log-level", "warning")
        async with serving(command, port, log, there) as world:
            yield world


@asynccontextmanager
async def standing_in(
    folder: Path,
    calls: Sequence[Planned],
    bot: Signal,
    lag_ms: int = 0,
    reply: str = REPLY,
    voice: Sequence[str] = ("cartesia",),
    cores: Collection[int] = (),
) -> AsyncIterator[Standins]:
    """Start the stand-ins, which know by heart what calls will say; ``voice`` is the last one's name and options."""
    script, spoken = folder / "script.json", folder / "voice.raw"
    sounds = [trial.sound for call in calls for trial in call.trials if trial.sound is not None]
    write_script(script, ((cue, each.words) for each in sounds for cue in _as_heard(each.cue)))
    np.clip(bot, -32768, 32767).astype("<i2").tofile(spoken)
    commands = {
        "stt": ("deepgram", "final_ms=100", "interim_ms=200", f"script={script}", f"lag_ms={lag_ms}"),
        # The first event of an answer holds no token yet.
        "llm": ("openai", f"first_ms={200 - TOKEN_MS}", f"token_ms={TOKEN_MS}", f"text={reply}"),
        "tts": (*voice, "first_ms=80", f"char_ms={CHAR_MS}", f"recording={spoken}"),
    }
    async with AsyncExitStack() as stack:
        logs = {name: folder / f"{name}.log" for name in commands}
        files = {name: stack.enter_context(log.open("wb")) for name, log in logs.items()}
        processes = {
            stage: await stack.enter_async_context(
                running("-m", "native_bench.standins", *command, cores=cores, stdout=PIPE, stderr=files[stage].fileno())
            )
            for stage, command in commands.items()
        }
        yield Standins(processes, {stage: await first_line(each, logs[stage]) for stage, each in processes.items()})


def _as_heard(cue: bytes) -> tuple[bytes, bytes]:
    """A cue as recognisers get it: in mu-law from whoever hands it on, in linear samples from whoever decodes it."""
    return cue, decode_ulaw(cue).astype("<i2").tobytes()


@asynccontextmanager
async def serving(
    command: Sequence[str],
    port: int,
    log: Path,
    there: Standins,
    cores: Collection[int] = (),
    python: str = sys.executable,
    ready_url: str = "",
) -> AsyncIterator[World]:
    """Run a server of calls, and wait until it is ready: until it says so at ``/readyz``, or at another place."""
    with log.open("wb") as file:
        async with running(*command, cores=cores, stderr=file.fileno(), python=python) as server:
            await until_well(ready_url or f"http://{HOST}:{port}/readyz", server, log)
            yield World(f"ws://{HOST}:{port}/plivo/stream", there.origins, {**there.processes, "server": server})


def configuration(
    port: int, origins: Mapping[str, str], turn: TurnTable, voice: Mapping[str, object] = CARTESIA
) -> str:
    """The server's own file."""
    tables: dict[str, Mapping[str, object]] = {
        "server": {"host": HOST, "port": port, "max_calls": 1000, "sheds_load": False},
        "plivo": {"verify_signatures": False},
        "agents.default": {"instructions": INSTRUCTIONS, "greeting": ""},
        "agents.default.stt": {"provider": "deepgram", "url": origins["stt"], "api_key": deepgram.KEY},
        "agents.default.llm": {
            "provider": "openai", "url": f"{origins['llm']}/v1", "model": "stand-in", "api_key": openai.KEY,
        },
        "agents.default.tts": {"url": origins["tts"], **voice},
        "agents.default.turn": turn,
    }  # fmt: skip
    return "\n".join(f"[{name}]\n{''.join(map(_line, table.items()))}" for name, table in tables.items())


def _line(item: tuple[str, object]) -> str:
    key, value = item
    return f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n"


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    try:
        async with session.get(url) as response:
            found: dict[str, Any] = await response.json()
            return found
    except aiohttp.ClientError:
        return {}
