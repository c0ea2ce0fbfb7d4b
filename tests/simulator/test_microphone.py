"""The microphone's buffers, and what an operator without one is told; no sound card is needed here."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.errors import ConfigError
from mediasrv.simulator.microphone import FILL_FRAMES, MOST_FRAMES, Elastic, Microphone


def test_a_buffer_fills_up_before_it_gives() -> None:
    buffer = Elastic(b"-")
    for index in range(FILL_FRAMES - 1):
        buffer.push(bytes([index]))
        assert buffer.pop() == b"-"
    buffer.push(b"last")
    assert [buffer.pop() for _ in range(FILL_FRAMES)] == [bytes([0]), bytes([1]), b"last"]


def test_a_dry_buffer_gives_silence_until_it_has_filled_up_again() -> None:
    buffer = Elastic(b"-")
    for _ in range(FILL_FRAMES):
        buffer.push(b"a")
    assert [buffer.pop() for _ in range(FILL_FRAMES + 1)] == [b"a"] * FILL_FRAMES + [b"-"]
    buffer.push(b"b")
    assert buffer.pop() == b"-"


def test_a_full_buffer_forgets_its_oldest() -> None:
    buffer = Elastic(b"-")
    for index in range(MOST_FRAMES + 5):
        buffer.push(bytes([index]))
    assert [buffer.pop()[0] for _ in range(MOST_FRAMES)] == list(range(5, MOST_FRAMES + 5))


class Card:
    """What PortAudio would open: a device whose microphone hears a ramp."""

    def __init__(self, *, samplerate: int, blocksize: int, channels: int, dtype: str, callback: Any) -> None:
        assert (samplerate, blocksize, channels, dtype) == (8000, 160, 1, "int16")
        self.callback = callback
        self.played: list[bytes] = []
        self.is_open = False

    def start(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def turn(self, spoken: bytes) -> None:
        """One ptime of the sound card's clock."""
        to_play = bytearray(len(spoken))
        self.callback(spoken, memoryview(to_play), 160, None, None)
        self.played.append(bytes(to_play))


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("sounddevice")
    module.__dict__.update(PortAudioError=type("PortAudioError", (Exception,), {}), RawStream=Card)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_what_is_spoken_is_sent_and_what_is_heard_is_played(sounddevice: ModuleType) -> None:
    person = Microphone(L16_8K)
    card = person._stream
    spoken = [np.full(160, index + 1, "<i2").tobytes() for index in range(8)]
    acts = []
    for frame in spoken:
        card.turn(frame)
        acts.append(person.exchange(frame[::-1]))
    assert [act.payload for act in acts] == [bytes(320)] * 2 + spoken[:6]
    assert card.played == [bytes(320)] * 3 + [frame[::-1] for frame in spoken[:5]]
    assert not any(act.hangs_up for act in acts)
    person.leave()
    assert not card.is_open


def test_the_stream_has_its_own_encoding(sounddevice: ModuleType) -> None:
    person = Microphone(MULAW_8K)
    assert person.exchange(b"\xff" * 160).payload == b"\xff" * 160


def test_without_a_device_the_operator_is_told(sounddevice: ModuleType) -> None:
    def refuse(**settings: Any) -> None:
        raise sounddevice.PortAudioError("Error querying device -1")

    sounddevice.__dict__["RawStream"] = refuse
    with pytest.raises(ConfigError, match=r"no microphone and speaker .* device -1; plug in"):
        Microphone(L16_8K)


def test_without_the_package_or_its_library_the_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match=r"pip install 'mediasrv\[mic\]'"):
        Microphone(L16_8K)

    real_import = builtins.__import__

    def without_portaudio(name: str, *rest: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, *rest)

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(ConfigError, match="libportaudio2"):
        Microphone(L16_8K)
