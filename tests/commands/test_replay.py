"""The command, on captures of calls to a real server."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from mediasrv import cli
from mediasrv.replay.file import parsed
from mediasrv.replay.fixture import write_test
from mediasrv.wire.events import PlayMedia
from tests.call.stage import Stage, agent_options
from tests.patience import WAIT_S
from tests.replay.stage import Kept, captured
from tests.test_cli import SCRIPTED, run, serving

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAPTURE_KEY", KEY)
    path = tmp_path / "mediasrv.toml"
    path.write_text(f'{SCRIPTED}\n[record]\non = true\nkey_env = "CAPTURE_KEY"\nfolder = "{tmp_path}/captures"\n')
    return path


async def _listen(stage: Stage) -> None:
    await stage.be_quiet(1.5)
    stage.hang_up()


@pytest.fixture
def fixture(tmp_path: Path) -> Path:
    """An unsealed capture."""
    _, kept = captured(_listen, agent_options(greeting="Hello there."))
    return write_test(tmp_path / "test_it.py", *parsed(kept.text))[1]


def test_a_call_to_a_server_is_run_again_and_becomes_a_test(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(config) as (server, port):
        wav = Path(cli.__file__).parent / "speech" / "ps_something.wav"
        assert run("call", f"ws://127.0.0.1:{port}/plivo/stream", "--wav", wav).returncode == 0
        server.terminate()
        assert server.wait(WAIT_S) == 0
    (capture,) = (tmp_path / "captures").iterdir()
    test = tmp_path / "test_call.py"
    assert cli.main(["replay", str(capture), "--config", str(config), "--to-test", str(test)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"\d+ actions and \d+ messages to the carrier, byte for byte the same", out)
    assert "unsealed" in out
    assert cli.main(["replay", str(test.with_suffix(".capture"))]) == 0


def test_a_difference_is_shown_and_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, kept = captured(_listen, agent_options(greeting="Hello there."))
    header, lines = parsed(kept.text)
    first = next(line for line in lines if line[0] == "sent")
    first[1] = PlayMedia(first[1].payload[:-1] + b"\x00")
    _, fixture = write_test(tmp_path / "test_it.py", header, lines)
    assert cli.main(["replay", str(fixture)]) == 1
    size = len(first[1].payload)
    line = f"expected PlayMedia of {size} bytes, got PlayMedia of {size} bytes, from byte {size - 1} on\n"
    assert capsys.readouterr().out.endswith(line)


def test_a_redacted_call_says_what_was_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, kept = captured(_listen, agent_options(greeting="Hello there."), Kept(redact=True))
    _, fixture = write_test(tmp_path / "test_it.py", *parsed(kept.text))
    again = tmp_path / "test_again.py"
    assert cli.main(["replay", str(fixture), "--to-test", str(again)]) == 0
    out = capsys.readouterr().out
    assert "of the same kinds, as the capture is redacted" in out
    assert "unsealed" not in out


def test_a_file_that_is_not_there_is_78(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", "nowhere.capture", "--config", str(config)]) == 78
    assert capsys.readouterr().err == "mediasrv: nowhere.capture: cannot read the capture: No such file or directory\n"


def test_a_key_that_is_not_there_is_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.capture").write_bytes(b"mediasrv sealed 1\n")
    assert cli.main(["replay", str(tmp_path / "x.capture")]) == 78
    assert "set record.key_env" in capsys.readouterr().err


def test_a_file_that_is_not_ours_is_1(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.capture").write_bytes(b"something else")
    assert cli.main(["replay", str(tmp_path / "x.capture"), "--config", str(config)]) == 1
    assert capsys.readouterr().err == "mediasrv: this is no sealed file\n"


def test_a_test_that_cannot_be_written_is_78(fixture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(fixture), "--to-test", "/nowhere/test_it.py"]) == 78
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[record]\non = true\n", "record.on needs record.key_env"),
        ('[record]\non = true\nagents = ["sales"]\n', "record.agents: there is no agent 'sales'"),
    ],
)
def test_a_server_that_cannot_capture_does_not_start(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "mediasrv.toml"
    path.write_text(SCRIPTED + table)
    done = run("serve", "--config", path)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert message in done.stderr
