"""The stereo recording of a call: caller left, agent right, on their common time line."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediasrv.errors import ConfigError


def write_recording(path: Path, caller: NDArray[np.int16], agent: NDArray[np.int16], rate_hz: int) -> None:
    """Write a 16-bit stereo WAV; the shorter voice is filled up with silence. ``ConfigError`` if it cannot be."""
    both = np.zeros((max(len(caller), len(agent)), 2), "<i2")
    both[: len(caller), 0] = caller
    both[: len(agent), 1] = agent
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(both.tobytes())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error
