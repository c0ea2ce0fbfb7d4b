"""Who is compared: how each server is installed, started and named.

A contender gets the stand-ins' origins and a port, and answers Plivo's stream at ``/plivo/stream`` there, and
``/readyz``. Ours runs in this Python; every other one in an environment of its own, which is made once.
"""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import orjson

from mediasrv.errors import ConfigError
from native_bench.processes import free_port
from native_bench.standins import deepgram, elevenlabs, openai
from native_bench.standins.base import HOST
from native_bench.turntaking.world import INSTRUCTIONS, configuration

ROOT = Path(__file__).parent.parent.parent
VOICE = {"provider": "elevenlabs", "voice": elevenlabs.VOICE, "api_key": elevenlabs.KEY}
_ASK_LIMIT_S = 60.0
# Prints versions of the packages that it is asked for; fails where one is missing.
_ASK = (
    "import json, sys; from importlib.metadata import version; print(json.dumps({n: version(n) for n in sys.argv[1:]}))"
)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started."""

    arguments: Sequence[str]
    """Of its Python."""
    ready_url: str
    """Where there is a 200 to be had once calls are taken."""


class Contender(ABC):
    """A server that takes part."""

    name: str

    @property
    @abstractmethod
    def python(self) -> str:
        """What runs it."""

    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """Of its packages; raise ``ConfigError`` with what to do where it is not installed."""

    @abstractmethod
    def launch(self, folder: Path, port: int, origins: Mapping[str, str]) -> Launch:
        """How it is started; files may be put into the folder."""


class Ours(Contender):
    """``mediasrv serve`` with its own adapters, as it comes."""

    name = "mediasrv"

    @property
    def python(self) -> str:
        return sys.executable

    def versions(self) -> Mapping[str, str]:
        return {"mediasrv": version("mediasrv")}

    def launch(self, folder: Path, port: int, origins: Mapping[str, str]) -> Launch:
        config = folder / "server.toml"
        config.write_text(configuration(port, origins, {}, VOICE), encoding="utf-8")
        arguments = ("-m", "mediasrv", "serve", "--config", str(config), "--log-level", "warning")
        return Launch(arguments, f"http://{HOST}:{port}/readyz")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a peer is made of."""

    program: str
    """Beside this module."""
    packages: Sequence[str]
    """As pip is told; the versions that were measured."""
    named: Sequence[str]
    """Packages whose versions are kept with the figures."""
    ready_path: str = "/readyz"
    has_health_port: bool = False
    """Whether it says that it is ready at a port of its own."""


RECIPES = {
    "pipecat": Recipe(
        "pipecat_server.py",
        ("pipecat-ai[deepgram,elevenlabs,openai,silero,websocket]==1.14.0", "uvicorn==0.54.0", "uvloop==0.23.0"),
        ("pipecat-ai", "uvicorn", "uvloop", "fastapi", "websockets", "onnxruntime", "deepgram-sdk", "openai"),
    ),
    # The newest of LiveKit Agents that this transport works with: later ones ask more of a call than it has.
    "livekit": Recipe(
        "livekit_server.py",
        (
            "agent-transport[livekit]==0.2.2",
            "livekit-agents[deepgram,elevenlabs,openai]==1.6.9",
            # Its plugin counts on what OpenAI's newest client does not bring along any more.
            "openai==2.54.0",
        ),
        ("agent-transport", "livekit-agents", "livekit-local-inference", "livekit-plugins-deepgram", "openai"),
        ready_path="/",
        has_health_port=True,
    ),
}
"""Peers by name."""


class Peer(Contender):
    """A server of others."""

    def __init__(self, name: str, environment: Path | None = None) -> None:
        """``environment``: where its virtual environment is; ``.venv-NAME`` beside our own where none is named."""
        self.name = name
        self._recipe = RECIPES[name]
        self.environment = environment or ROOT / f".venv-{name}"

    @property
    def python(self) -> str:
        return str(self.environment / "bin" / "python")

    def install(self) -> int:
        """Make its environment anew from the package index; pip's exit code."""
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.environment)], check=False).returncode
        return (
            made
            or subprocess.run([self.python, "-m", "pip", "install", *self._recipe.packages], check=False).returncode
        )

    def versions(self) -> Mapping[str, str]:
        missing = (
            f"{self.name} is not installed in {self.environment}: "
            f"run `python -m native_bench compare --peer {self.name} --install` once, or name --environment DIR"
        )
        try:
            told = subprocess.run(
                [self.python, "-c", _ASK, *self._recipe.named],
                capture_output=True, timeout=_ASK_LIMIT_S, check=True,
            )  # fmt: skip
            found: dict[str, str] = orjson.loads(told.stdout)
        except (OSError, subprocess.SubprocessError, orjson.JSONDecodeError):
            raise ConfigError(missing) from None
        return found

    def launch(self, folder: Path, port: int, origins: Mapping[str, str]) -> Launch:
        health_port = free_port() if self._recipe.has_health_port else port
        settings = {
            **{stage: origins[stage] for stage in ("stt", "llm", "tts")},
            "stt_key": deepgram.KEY,
            "llm_key": openai.KEY,
            "tts_key": elevenlabs.KEY,
            "voice": elevenlabs.VOICE,
            "instructions": INSTRUCTIONS,
            "health_port": health_port,
        }
        program = Path(__file__).with_name(self._recipe.program)
        arguments = (str(program), str(port), orjson.dumps(settings).decode())
        return Launch(arguments, f"http://{HOST}:{health_port}{self._recipe.ready_path}")
