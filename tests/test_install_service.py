from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mediasrv import cli
from mediasrv.commands import install_service
from mediasrv.commands.install_service import PLACES, STEPS, UNITS
from tests.patience import WAIT_S
from tests.test_systemd import FOLDER

CONFIG = """
[server]
host = "::1"
port = 9000
[plivo]
auth_token_file = "plivo-auth-token"
[agents.default.stt]
provider = "deepgram"
api_key_file = "deepgram-api-key"
[agents.default.llm]
provider = "openai"
api_key_file = "/somewhere/else"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mediasrv.toml"
    path.write_text(CONFIG)
    return path


def install(*arguments: object) -> int:
    return cli.main(["install-service", *map(str, arguments)])


def test_units_are_written_as_they_are_and_what_is_of_this_machine_beside_them(config: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert install("--config", config, "--root", root, "--workers", 3) == 0
    for name, place in PLACES.items():
        assert (root / place).read_text() == (FOLDER / name).read_text()
    dropin = (root / UNITS / "mediasrv.service.d/local.conf").read_text()
    starts = [line.removeprefix("ExecStart=") for line in dropin.splitlines() if line.startswith("ExecStart=")]
    program, *arguments = shlex.split(starts[1])
    assert (starts[0], Path(program).is_absolute()) == ("", True)
    flags = cli.grammar().parse_args(arguments)
    assert (flags.workers, flags.config) == (3, config)
    assert "LoadCredential=deepgram-api-key:/etc/mediasrv/credentials/deepgram-api-key\n" in dropin
    assert "LoadCredential=plivo-auth-token:/etc/mediasrv/credentials/plivo-auth-token\n" in dropin
    assert dropin.count("LoadCredential=") == 2
    assert "--workers" not in (root / UNITS / "mediasrv@.service.d/local.conf").read_text()
    assert "ListenStream=\nListenStream=[::1]:9000\n" in (root / UNITS / "mediasrv.socket.d/local.conf").read_text()


def test_a_dry_run_says_everything_and_does_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install("--config", config, "--dry-run") == 0
    said = capsys.readouterr().out
    assert all(f"would write /{place}\n" in said for place in PLACES.values())
    assert all(f"would run {' '.join(step)}\n" in said for step in STEPS)
    assert "ListenStream=[::1]:9000" in said
    assert "wrote" not in said


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_finds_nothing_wrong_with_what_was_installed(config: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install("--config", config, "--root", root)
    units = [str(root / UNITS / name) for name in ("mediasrv.service", "mediasrv.socket")]
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    # The program of the unit itself is not on this machine; that of the drop-in is.
    complaints = [line for line in done.stderr.splitlines() if "/opt/mediasrv" not in line]
    assert complaints == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read the configuration: No such file or directory; name it with --config"),
        ("port =", "not TOML: "),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    assert install("--config", path, "--root", tmp_path) == 78
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert message in said


def test_what_the_service_cannot_see_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(install_service, "HIDDEN", (str(config.parent),))
        assert install("--config", config, "--dry-run") == 78
    assert "the service sees no home folders" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install("--config", config, "--root", "/dev/null") == 1
    assert "run it as root, or with --root" in capsys.readouterr().err


def test_a_step_that_fails_or_is_not_there_is_told(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr(install_service, "write", lambda files, root: written.extend(files))
        patch.setattr(install_service, "STEPS", (("false",),))
        assert install("--config", config) == 1
        patch.setattr(install_service, "STEPS", (("true",), (str(tmp_path / "nothing"),)))
        assert install("--config", config) == 1
    assert "the units are written, but this is no systemd" in capsys.readouterr().err
    assert set(PLACES.values()) < set(written)
