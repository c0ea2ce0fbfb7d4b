"""Piper, a neural voice that runs on a processor at thirty times the speed of speech; English, the voice of Joe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediasrv.errors import ConfigError
from mediasrv.providers import installed
from mediasrv.providers.processtts import ProcessTts
from mediasrv.providers.weights import PIPER_JOE, verify

MODEL = "data/en_US-joe-medium.onnx"


class PiperTts(ProcessTts):
    """Speaks each phrase as a whole, a sentence at a time: short first phrases are heard soonest."""

    name = "piper"
    worker = "mediasrv.providers.piper_worker"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "piper"``."""

        voice: str = ""
        """An .onnx file of a Piper voice, with its .onnx.json beside it; empty: Joe, checked by hash."""
        length_scale: float = 1.0
        """Duration of the speech relative to the voice's own; under 1 is faster."""
        volume: float = 0.8
        """Loudest sample of each sentence, relative to full scale."""
        threads: int = 2
        """Cores used at a time."""

        def __post_init__(self) -> None:
            if self.length_scale <= 0 or not 0 < self.volume <= 1 or self.threads < 1:
                raise ConfigError("length_scale, volume and threads must be above 0, volume at most 1")

    @classmethod
    def missing(cls) -> str:
        return installed.missing(installed.LOCAL_EXTRA, "piper", PIPER_JOE.module)

    async def setup(self) -> Mapping[str, Any]:
        options = self.options
        installed.require(installed.LOCAL_EXTRA, "piper")
        return {
            "model": str(await self._model()),
            "length_scale": options.length_scale,
            "volume": options.volume,
            "threads": options.threads,
        }

    async def _model(self) -> Path:
        if not self.options.voice:
            return await verify(PIPER_JOE) / MODEL
        model = Path(self.options.voice)
        for file in (model, Path(f"{model}.json")):
            if not file.is_file():
                raise ConfigError(f"tts provider piper: voice: there is no file {file}")
        return model
