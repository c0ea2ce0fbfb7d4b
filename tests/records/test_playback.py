"""Sealed recordings are played as WAV, and nothing else is."""

from __future__ import annotations

import wave
from io import BytesIO

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.records.playback import Playback
from mediasrv.records.sealed import Sealer, SealError

KEY = bytes(range(32))
SAMPLES = np.arange(-4000, 4000, dtype=np.int16)


def begun(audio: AudioFormat = MULAW_8K) -> Sealer:
    about = {"encoding": audio.encoding.value, "rate_hz": audio.rate_hz, "channels": 2}
    return Sealer(KEY, orjson.dumps(about))


def sealed(audio: AudioFormat = MULAW_8K, pieces: int = 2) -> bytes:
    sealer = begun(audio)
    data = sealer.beginning
    for piece in np.split(SAMPLES, pieces):
        data += sealer.seal(codec.encode(audio.encoding, piece))
    return data + sealer.seal(b"", is_last=True)


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
def test_a_recording_is_a_wav_file_of_the_size_that_was_told(audio: AudioFormat) -> None:
    playback = Playback(BytesIO(sealed(audio)), KEY)
    wav = b"".join(playback.chunks())
    assert len(wav) == playback.size_bytes
    with wave.open(BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, audio.rate_hz)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert (samples == codec.decode(audio.encoding, codec.encode(audio.encoding, SAMPLES))).all()


@pytest.mark.parametrize("missing", [1, 30, 100, 4030])
def test_of_a_recording_that_breaks_off_all_that_is_there_is_played(missing: int) -> None:
    playback = Playback(BytesIO(sealed(pieces=2)[:-missing]), KEY)
    wav = b"".join(playback.chunks())
    assert len(wav) == playback.size_bytes == 44 + 2 * (8000 if missing <= 20 else 4000)


def test_an_empty_recording_is_an_empty_file() -> None:
    playback = Playback(BytesIO(begun().beginning), KEY)
    assert len(b"".join(playback.chunks())) == playback.size_bytes == 44


@pytest.mark.parametrize(("place", "key"), [(-5000, KEY), (-1, bytes(32))], ids=["changed", "sealed with another key"])
def test_what_is_not_as_it_was_is_not_played(place: int, key: bytes) -> None:
    data = bytearray(sealed())
    data[place] ^= key == KEY
    with pytest.raises(SealError, match="was changed"):
        list(Playback(BytesIO(data), key).chunks())


def test_another_sealed_file_is_no_recording() -> None:
    sealer = Sealer(KEY, b"[]")
    with pytest.raises(SealError, match="no recording"):
        Playback(BytesIO(sealer.beginning + sealer.seal(b"", is_last=True)), KEY)


def test_a_length_that_no_piece_can_have_ends_what_is_told() -> None:
    assert Playback(BytesIO(begun().beginning + bytes(100)), KEY).size_bytes == 44


class Counted(BytesIO):
    """Counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
@given(pieces=st.sampled_from([1, 2, 8, 50]), start=st.integers(0, 16_044), length=st.integers(1, 16_044))
def test_any_part_is_what_the_whole_has_there(audio: AudioFormat, pieces: int, start: int, length: int) -> None:
    data = sealed(audio, pieces)
    whole = b"".join(Playback(BytesIO(data), KEY).chunks())
    end = min(start + length, len(whole))
    assert b"".join(Playback(BytesIO(data), KEY).chunks(start, end)) == whole[start:end]


def test_what_lies_before_a_part_is_not_read() -> None:
    file = Counted(sealed(pieces=50))
    playback = Playback(file, KEY)
    told = file.read_bytes
    part = b"".join(playback.chunks(playback.size_bytes - 100))
    assert len(part) == 100
    assert file.read_bytes - told < 8000 / 50 + 50


def test_pieces_that_changed_places_are_no_part() -> None:
    data, size = bytearray(sealed(pieces=2)), 4000 + 20
    begins = len(begun().beginning)
    first, second = data[begins : begins + size], data[begins + size : begins + 2 * size]
    data[begins : begins + 2 * size] = second + first
    with pytest.raises(SealError, match="was changed"):
        list(Playback(BytesIO(data), KEY).chunks(44 + 8000))
