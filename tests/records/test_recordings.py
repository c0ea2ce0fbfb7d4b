from __future__ import annotations

import asyncio
import resource
import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.recording import CallRecording, Recorded
from mediasrv.errors import ConfigError
from mediasrv.records import recordings
from mediasrv.records.playback import Playback
from mediasrv.records.recordings import Recordings
from mediasrv.records.sealed import Sealer, SealError, Unsealer
from tests.patience import WAIT_S

KEY = bytes(range(32))


class Shelf:
    """Recordings in a folder, with what was told of them."""

    def __init__(self, folder: Path) -> None:
        self.told: list[Recorded] = []
        self.recordings = Recordings(folder, KEY, self.told.append)

    async def closed(self) -> list[Recorded]:
        async with asyncio.timeout(WAIT_S):
            await self.recordings.aclose()
            await asyncio.sleep(0)
        return self.told


def samples_of(path: Path) -> tuple[int, NDArray[np.int16]]:
    with path.open("rb") as sealed:
        out = BytesIO(b"".join(Playback(sealed, KEY).chunks()))
    with wave.open(out) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
async def test_both_voices_come_back_as_they_were_and_are_unreadable_without_the_key(
    tmp_path: Path, audio: AudioFormat
) -> None:
    shelf = Shelf(tmp_path / "new" / "folder")
    shelf.recordings.start()
    reel = shelf.recordings.open("call-1", audio)
    both = np.arange(4000, dtype=np.int16)
    encoded = codec.encode(audio.encoding, both)
    reel.write(encoded[: len(encoded) // 2])
    reel.write(encoded[len(encoded) // 2 :])
    reel.close()
    (recorded,) = await shelf.closed()
    assert (recorded.call_id, recorded.is_whole) == ("call-1", True)
    assert recorded.duration_ms == 2000 * 1000 // audio.rate_hz
    assert recorded.path.stat().st_mode & 0o777 == 0o600
    assert encoded[:200] not in recorded.path.read_bytes()
    rate_hz, samples = samples_of(recorded.path)
    assert rate_hz == audio.rate_hz
    assert (samples.reshape(-1) == codec.decode(audio.encoding, encoded)).all()


async def test_what_the_disk_cannot_take_in_time_is_silence_of_the_same_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "WAITING_BYTES", 1000)
    shelf = Shelf(tmp_path)
    shelf.recordings.start()
    reel = shelf.recordings.open("call-1", MULAW_8K)
    voice = codec.encode(MULAW_8K.encoding, np.full(800, 1000, np.int16))
    reel.write(voice)
    reel.write(voice)
    reel.close()
    (recorded,) = await shelf.closed()
    assert not recorded.is_whole
    assert shelf.recordings.lost_bytes == 800
    assert shelf.recordings.waiting_bytes == 0
    _, samples = samples_of(recorded.path)
    assert samples[:400].all()
    assert not samples[400:].any()
    assert len(samples) == 800


async def test_a_full_disk_ends_the_recording_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path)
    shelf.recordings.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        reel = shelf.recordings.open("call-1", MULAW_8K)
        for _ in range(4):
            reel.write(bytes(3000))
        reel.close()
        (recorded,) = await shelf.closed()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not recorded.is_whole
    assert caplog.text.count("recordings cannot be written") == 1
    with recorded.path.open("rb") as sealed, pytest.raises(SealError, match="breaks off"):
        list(Unsealer(sealed, KEY).pieces())


async def test_nothing_follows_a_piece_that_found_half_its_room_and_the_next_recording_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    shelf = Shelf(tmp_path)
    shelf.recordings.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        for call in ("call-1", "call-2"):
            reel = shelf.recordings.open(call, MULAW_8K)
            for _ in range(2):
                reel.write(bytes(3000))
        async with asyncio.timeout(WAIT_S):
            while shelf.recordings.waiting_bytes:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert shelf.recordings.trouble
    monkeypatch.setattr(recordings, "QUIET_S", 0.0)
    for each in (reel, late := shelf.recordings.open("call-3", MULAW_8K)):
        each.write(bytes(3000))
    for each in (reel, late):
        each.close()
    torn, whole = await shelf.closed()
    assert not shelf.recordings.trouble
    assert [torn.is_whole, whole.is_whole] == [False, True]
    with torn.path.open("rb") as sealed, pytest.raises(SealError, match="breaks off"):
        list(Unsealer(sealed, KEY).pieces())
    with whole.path.open("rb") as sealed:
        assert sum(map(len, Unsealer(sealed, KEY).pieces())) == 3000
    lines = [record.message for record in caplog.records if "no further" not in record.message]
    assert lines == ["recordings cannot be written", "recordings are written again"]


async def test_a_folder_that_cannot_be_written_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"recording\.folder"):
        Shelf(tmp_path / "file").recordings.start()


def test_another_sealed_file_holds_no_recording() -> None:
    sealer = Sealer(KEY, b"[]")
    with pytest.raises(SealError, match="no recording"):
        Playback(BytesIO(sealer.beginning + sealer.seal(b"", is_last=True)), KEY)


async def test_an_hour_of_a_call_needs_no_memory(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.recordings.start()
    recording = CallRecording(shelf.recordings, "call-1", MULAW_8K)
    recording.start(0.0)
    before_kb = await most_memory_kb(shelf.recordings, recording, range(60))
    after_kb = await most_memory_kb(shelf.recordings, recording, range(60, 3600))
    recording.stop(3600.0)
    (recorded,) = await shelf.closed()
    assert recorded.duration_ms == 3_600_000
    assert recorded.is_whole
    assert after_kb - before_kb <= 5 * 1024


async def most_memory_kb(shelf: Recordings, recording: CallRecording, seconds: range) -> int:
    """Hear both voices for a while, no faster than the disk; return the most that the process ever needed."""
    frame, payload = np.full(8000, 5, np.int16), bytes(8000)
    async with asyncio.timeout(WAIT_S * 4):
        for second in seconds:
            recording.play(payload, float(second))
            recording.hear(frame, second + 1.0)
            while shelf.waiting_bytes > 100_000:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def test_only_recordings_in_the_folder_are_played(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "folder")
    shelf.recordings.start()
    reel = shelf.recordings.open("call-1", MULAW_8K)
    reel.write(bytes(3200))
    reel.close()
    (recorded,) = await shelf.closed()
    with shelf.recordings.playback(str(recorded.path)) as playback:
        assert playback.size_bytes == 44 + 2 * 3200
    recorded.path.rename(tmp_path / recorded.path.name)
    with pytest.raises(FileNotFoundError), shelf.recordings.playback(f"../{recorded.path.name}"):
        pass
