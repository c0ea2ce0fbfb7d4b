"""What the simulated caller can say."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mediasrv.audio.codec import decode
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.audio.level import level_db
from mediasrv.errors import ConfigError
from mediasrv.simulator.speech import Clip, comfort_noise, frames, read_clip, recorded, take
from mediasrv.simulator.voice import voiced


def write_wav(path: Path, data: bytes, *, channels: int = 1, width: int = 2, rate_hz: int = 8000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(data)
    return path


def test_each_recording_of_the_package_has_its_transcript() -> None:
    clips = recorded()
    files = {path.stem for path in (Path(__file__).parents[2] / "mediasrv" / "speech").glob("*.wav")}
    assert set(clips) == files
    assert all(clip.text and clip.rate_hz == 16000 and len(clip.pcm) > 16000 for clip in clips.values())


def test_a_wav_file_is_read_as_it_is(tmp_path: Path) -> None:
    pcm = np.array([1, -2, 32767, -32768], np.int16)
    clip = read_clip(write_wav(tmp_path / "hello.wav", pcm.astype("<i2").tobytes(), rate_hz=44100), "hello")
    assert (clip.name, clip.text, clip.rate_hz) == ("hello", "hello", 44100)
    assert list(clip.pcm) == list(pcm)


def test_of_two_channels_the_first_speaks(tmp_path: Path) -> None:
    both = np.array([1, 100, 2, 200, 3, 300], "<i2").tobytes()
    assert list(read_clip(write_wav(tmp_path / "both.wav", both, channels=2)).pcm) == [1, 2, 3]


def test_a_file_that_is_no_wav_is_named(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"no audio here")
    empty = tmp_path / "empty.wav"
    empty.touch()
    for path in (noise, empty, tmp_path / "missing.wav", tmp_path):
        with pytest.raises(ConfigError, match=path.name):
            read_clip(path)


def test_recordings_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="11025 Hz; convert"):
        read_clip(write_wav(tmp_path / "odd.wav", bytes(100), rate_hz=11025))
    with pytest.raises(ConfigError, match="8-bit"):
        read_clip(write_wav(tmp_path / "old.wav", bytes(100), width=1))
    with pytest.raises(ConfigError, match="no audio"):
        read_clip(write_wav(tmp_path / "short.wav", b""))


@pytest.mark.parametrize("audio", [MULAW_8K, L16_8K, L16_16K])
def test_a_take_is_the_clip_in_the_format_of_the_stream(audio: AudioFormat) -> None:
    clip = recorded()["ps_goforward"]
    ready = take(clip, audio)
    pcm = decode(audio.encoding, b"".join(ready.frames))
    assert {len(frame) for frame in ready.frames} == {audio.frame_bytes}
    assert len(pcm) / audio.rate_hz == pytest.approx(len(clip.pcm) / clip.rate_hz, abs=0.03)
    assert level_db(pcm) == pytest.approx(level_db(clip.pcm), abs=0.5)
    begin, end = (edge / clip.rate_hz for edge in (voiced(clip.pcm, 16000).begin, voiced(clip.pcm, 16000).end))
    assert ready.voiced.begin / audio.rate_hz == pytest.approx(begin, abs=0.03)
    assert ready.voiced.end / audio.rate_hz == pytest.approx(end, abs=0.03)


def test_a_take_is_made_once() -> None:
    clip = Clip("short", np.ones(800, np.int16), 8000)
    assert take(clip, L16_8K) is take(clip, L16_8K)


def test_the_last_frame_is_filled_up_with_silence() -> None:
    cut = frames(np.ones(161, np.int16), L16_8K)
    assert len(cut) == 2
    assert list(decode(L16_8K.encoding, cut[1])) == [1] + [0] * 159


def test_comfort_noise_has_its_level_and_its_seed() -> None:
    noise = comfort_noise(L16_8K, -65.0, 1)
    assert level_db(decode(L16_8K.encoding, b"".join(noise))) == pytest.approx(-65, abs=0.5)
    assert noise == comfort_noise(L16_8K, -65.0, 1)
    assert noise != comfort_noise(L16_8K, -65.0, 2)
