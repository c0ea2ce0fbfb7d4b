"""A recording is made as a call makes it, and taken out by the command."""

from __future__ import annotations

import asyncio
import base64
import wave
from pathlib import Path

import pytest

from mediasrv import cli
from mediasrv.audio.format import MULAW_8K
from mediasrv.records.recordings import Recordings
from mediasrv.records.tables import RECORD
from tests.records.stage import converse, kept

KEY = bytes(range(32))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a call that was recorded twice by us and once by the carrier, and one that was not."""

    async def fill() -> None:
        async with kept(tmp_path) as records:
            for name in ("call-1", "call-2"):
                converse(records, name)
            shelf = Recordings(tmp_path / "recordings", KEY, records.chronicle.recorded)
            shelf.start()
            for _ in range(2):
                reel = shelf.open("call-1", MULAW_8K)
                reel.write(bytes(16000))
                reel.close()
            await shelf.aclose()
            await asyncio.sleep(0)
            records.database.note(RECORD, ("https://media.example/1.wav", "call-1", "carrier", 1.0, 1500, True, ""))

    asyncio.run(fill())
    monkeypatch.setenv("KEY", base64.b64encode(KEY).decode())
    file = tmp_path / "mediasrv.toml"
    file.write_text(
        f'[records]\npath = "{tmp_path}/records.db"\n[recording]\nfolder = "{tmp_path}/recordings"\nkey_env = "KEY"\n'
    )
    return file


def take_out(config: Path, call_id: str = "call-1") -> int:
    out = config.with_name("call.wav")
    return cli.main(["calls", "recording", call_id, "--out", str(out), "--config", str(config)])


def test_our_recordings_become_wav_files_and_the_carriers_are_named(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_out(config) == 0
    out = config.with_name("call.wav")
    assert sorted(capsys.readouterr().out.splitlines()) == [
        f"{config.with_name('call-2.wav')} (1.0 s)",
        f"{out} (1.0 s)",
        "the carrier has one: https://media.example/1.wav (1.5 s)",
    ]
    with wave.open(str(out)) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getnframes()) == (2, 8000, 8000)
    assert out.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_taken_out_is_one_line(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def complaint(call_id: str = "call-1") -> str:
        capsys.readouterr()
        assert take_out(config, call_id) in (1, 78)
        told = capsys.readouterr()
        assert told.err.count("\n") == 1
        return told.err

    assert "nothing is known of this call" in complaint("call-9")
    assert "this call was not recorded" in complaint("call-2")
    monkeypatch.setenv("KEY", base64.b64encode(bytes(32)).decode())
    assert "another key" in complaint()
    for file in config.with_name("recordings").iterdir():
        file.unlink()
    assert "No such file" in complaint()
    config.write_text(config.read_text().replace('key_env = "KEY"', ""))
    assert "recording.key_env" in complaint()
