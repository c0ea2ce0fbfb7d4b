from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mediasrv.cli import grammar
from mediasrv.server.options import ServerOptions

UNIT = Path(__file__).parent.parent / "systemd" / "mediasrv.service"


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(UNIT.read_text())
    return parser


def test_the_unit_has_its_three_sections(unit: configparser.ConfigParser) -> None:
    assert unit.sections() == ["Unit", "Service", "Install"]


def test_its_command_line_is_one_of_ours(unit: configparser.ConfigParser) -> None:
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    flags = grammar().parse_args(arguments)
    assert Path(program).name == "mediasrv"
    assert flags.parser.prog == "mediasrv serve"
    assert flags.config == Path("/etc/mediasrv/mediasrv.toml")


def test_systemd_waits_longer_than_live_calls_may_last_after_sigterm(unit: configparser.ConfigParser) -> None:
    assert unit["Service"]["KillSignal"] == "SIGTERM"
    assert int(unit["Service"]["TimeoutStopSec"]) > ServerOptions().drain_s


def test_a_configuration_that_must_be_mended_is_not_tried_again(unit: configparser.ConfigParser) -> None:
    assert unit["Service"]["RestartPreventExitStatus"].split() == ["2", "78"]


def test_compiled_kernels_are_kept_where_the_service_may_write(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert service["Environment"] == f"NUMBA_CACHE_DIR=%C/{service['CacheDirectory']}"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_finds_nothing_wrong_with_it(unit: configparser.ConfigParser, tmp_path: Path) -> None:
    # It wants the program to be there, and here it is elsewhere.
    text = UNIT.read_text().replace(shlex.split(unit["Service"]["ExecStart"])[0], sys.executable)
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
