"""The stereo recording."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mediasrv.errors import ConfigError
from mediasrv.simulator.recording import write_recording


def test_the_caller_is_left_and_the_agent_right(tmp_path: Path) -> None:
    caller = np.array([1, -2, 32767, -32768], np.int16)
    agent = np.array([5, 6, 7, 8], np.int16)
    write_recording(tmp_path / "call.wav", caller, agent, 16000)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 16000, 4)
        both = np.frombuffer(file.readframes(4), "<i2").reshape(-1, 2)
    assert list(both[:, 0]) == list(caller)
    assert list(both[:, 1]) == list(agent)


def test_the_shorter_voice_is_filled_up_with_silence(tmp_path: Path) -> None:
    write_recording(tmp_path / "call.wav", np.ones(2, np.int16), np.ones(5, np.int16), 8000)
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = np.frombuffer(file.readframes(5), "<i2").reshape(-1, 2)
    assert both.tolist() == [[1, 1], [1, 1], [0, 1], [0, 1], [0, 1]]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        write_recording(tmp_path / "nowhere" / "call.wav", np.ones(2, np.int16), np.ones(2, np.int16), 8000)
