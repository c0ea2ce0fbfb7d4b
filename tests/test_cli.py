from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mediasrv import cli, livecheck
from mediasrv.errors import ConfigError, MediasrvError, ProviderError
from mediasrv.server.port import ListenError
from native_bench.standins import openai
from native_bench.standins.base import Standin
from tests.patience import WAIT_S

"""For a command to end: the first one on a machine also compiles kernels."""

COMMANDS = [command.__name__.rpartition(".")[2].replace("_", "-") for command in cli.COMMANDS]

SCRIPTED = """
[server]
port = 0
[plivo]
verify_signatures = false
[agents.default]
greeting = "Hi."
[agents.default.stt]
provider = "scripted"
[agents.default.llm]
provider = "scripted"
replies = ["Yes."]
[agents.default.tts]
provider = "scripted"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mediasrv.toml"
    path.write_text(SCRIPTED)
    return path


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mediasrv", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False, **options)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command wrote to stderr."""
    assert done.stderr.startswith("mediasrv: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("mediasrv: ").rstrip()


@contextmanager
def serving(config: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-m", "mediasrv", "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            lines: list[str] = []
            for line in server.stderr:
                lines.append(line)
                if found := re.search(r"listening host=127\.0\.0\.1 port=(\d+)", line):
                    yield server, int(found.group(1))
                    return
            pytest.fail("".join(lines))
        finally:
            server.kill()


def test_help_lists_every_command_in_order_and_no_other() -> None:
    text = cli.grammar().format_help()
    assert re.findall(r"^    ([\w-]+)(?: |$)", text, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([command, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: mediasrv {command} ")


def test_help_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from mediasrv.cli import grammar; grammar().format_help();"
        "print(sorted(set(sys.modules) & {'aiohttp', 'asyncio', 'numba', 'numpy', 'plivo', 'uvloop'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert done.stdout == "[]\n"


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"mediasrv \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["serve", "--port", "http"],
        ["serve", "--loud"],
        ["call"],
        ["call", "http://127.0.0.1/plivo/stream"],
        ["call", "ws://127.0.0.1:1/", "--carrier", "pigeon"],
        ["call", "ws://127.0.0.1:1/", "--codec", "mp3"],
        ["call", "ws://127.0.0.1:1/", "--out", "/nowhere/call.wav"],
        ["demo", "--out-dir", "/dev/null/x"],
        ["check", "--log-level", "shout"],
    ],
)
def test_a_wrong_command_line_is_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 2
    assert "usage: mediasrv" in capsys.readouterr().err


def test_check_prints_what_is_configured_without_secrets(config: Path) -> None:
    config.write_text(SCRIPTED.replace("verify_signatures = false", 'auth_token_env = "TOKEN"'))
    done = run("check", "--config", config, env=os.environ | {"TOKEN": "s3cret", "MEDIASRV_SERVER__MAX_CALLS": "7"})
    assert (done.returncode, done.stderr) == (0, "")
    assert 'auth_token = "********"' in done.stdout
    assert "max_calls = 7" in done.stdout
    assert "s3cret" not in done.stdout


def test_check_lets_an_agent_record_where_there_is_a_key(config: Path) -> None:
    recorded = SCRIPTED.replace('greeting = "Hi."', 'greeting = "Hi."\nrecord = true')
    assert recorded != SCRIPTED
    config.write_text(recorded)
    assert "record needs recording.key_env" in run("check", "--config", config).stderr
    config.write_text(recorded + '[recording]\nkey_env = "KEY"\n')
    done = run("check", "--config", config, env=os.environ | {"KEY": "A" * 43 + "="})
    assert (done.returncode, done.stderr) == (0, "")
    done = run("check", "--config", config, env=os.environ | {"KEY": "short"})
    assert done.returncode == 78


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("port = 0", "prot = 0", "server.prot: unknown key; did you mean port?"),
        ("port = 0", "port = ", "not TOML: "),
        (
            "port = 0",
            'port = 0\n[plivo.numbers]\n"+912266001234" = "defualt"',
            "agent 'defualt'; did you mean default?",
        ),
        ("port = 0", 'port = 0\n[twilio.numbers]\n"0800" = "default"', "twilio.numbers: '0800' is no number"),
        ("verify_signatures = false", 'auth_token = "s3cret"', "plivo.auth_token: expected no secret in plain text"),
        ("verify_signatures = false", 'auth_token_env = "UNSET"', "variable UNSET, which is unset or empty"),
        ('greeting = "Hi."', 'class = "no_such_module:Agent"', "no_such_module"),
        ('provider = "scripted"', 'provider = "pigeon"', "agents.default.stt: stt provider 'pigeon' is unknown"),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_configuration_to_be_mended_is_one_line_and_78(
    config: Path, command: str, old: str, new: str, message: str
) -> None:
    config.write_text(SCRIPTED.replace(old, new, 1))
    done = run(command, "--config", config)
    assert done.returncode == 78
    assert message in complaint(done)
    assert "s3cret" not in done.stderr


LIVE = """
[agents.default.stt]
provider = "scripted"
final_ms = 0
[agents.default.llm]
provider = "openai"
url = "{url}"
api_key = "{key}"
[agents.default.tts]
provider = "scripted"
first_audio_ms = 0
"""


@contextmanager
def beside(standin: Standin) -> Iterator[str]:
    """A stand-in on a loop of its own thread; its origin."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(standin.__aenter__(), loop).result(WAIT_S)
        asyncio.run_coroutine_threadsafe(standin.__aexit__(None, None, None), loop).result(WAIT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize(
    ("key", "fallback", "code", "lines"),
    [
        (
            openai.KEY,
            "",
            0,
            [r"ok   llm openai  first token \d+ ms \(median of 1\)  \[agents\.default\.llm\]"],
        ),
        (
            "wr0ng-key",
            "",
            1,
            [r"FAIL llm openai  HTTP 401 invalid_request_error \(streams\)  \[agents\.default\.llm\]"],
        ),
        (
            openai.KEY,
            '[agents.default.fallback.tts]\nprovider = "cartesia"',
            78,
            [
                r"ok   llm openai  first token .*",
                r"FAIL tts cartesia  .* needs a key: .* \(starts\)  \[agents\.default\.fallback\.tts\]",
            ],
        ),
    ],
)
def test_check_live_has_a_verdict_for_each_provider_and_an_exit_code(
    key: str,
    fallback: str,
    code: int,
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trial = replace(livecheck.standard_trial(), rounds=1, speed=100.0, stop_limit_s=WAIT_S)
    monkeypatch.setattr(livecheck, "standard_trial", lambda: trial)
    config = tmp_path / "live.toml"
    with beside(openai.OpenAiStandin()) as url:
        config.write_text(LIVE.format(url=url, key=key) + fallback)
        assert cli.main(["check", "--config", str(config), "--live"]) == code
    told = capsys.readouterr()
    assert told.err == ""
    assert key not in told.out
    tree, _, verdicts = told.out.partition("\n\nok   stt scripted ")
    assert 'api_key = "********"' in tree
    found = [line for line in verdicts.splitlines() if " scripted " not in line][1:]
    assert len(found) == len(lines)
    for line, pattern in zip(found, lines, strict=True):
        assert re.fullmatch(pattern, line)


def test_check_live_of_a_configuration_to_be_mended_tries_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(SCRIPTED.replace('provider = "scripted"', 'provider = "pigeon"', 1))
    assert cli.main(["check", "--config", str(config), "--live"]) == 78
    assert capsys.readouterr().out == ""


def test_a_missing_configuration_is_78(tmp_path: Path) -> None:
    done = run("serve", "--config", tmp_path / "no.toml")
    assert done.returncode == 78
    assert complaint(done) == f"{tmp_path}/no.toml: cannot read the configuration: No such file or directory"


def test_a_port_that_is_taken_is_one_line_and_1(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", "--config", config, "--port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in complaint(done)


def cut_short(source: Path, target: Path) -> None:
    """The first 1.5 s of a recording."""
    with wave.open(str(source)) as whole, wave.open(str(target), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(whole.getframerate() * 3 // 2))


def test_the_collector_passes_by_what_lives_as_long_as_the_server(config: Path) -> None:
    code = (
        "import gc, sys; from mediasrv.cli import main; from mediasrv.server.service import Service\n"
        "async def run(service, _): print(gc.get_freeze_count() > 10_000); await service.aclose()\n"
        "Service.run = run; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "serve", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert done.stdout == "True\n"


def test_a_server_is_called_and_ends_well_on_sigterm(config: Path, tmp_path: Path) -> None:
    with serving(config) as (server, port):
        wav = tmp_path / "something.wav"
        cut_short(Path(cli.__file__).parent / "speech" / "ps_something.wav", wav)
        url = f"ws://127.0.0.1:{port}/plivo/stream"
        done = run("call", url, "--wav", wav, "--out", tmp_path / "call.wav", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["url"] == url
        assert (tmp_path / "call.wav").stat().st_size > 1000
        server.send_signal(signal.SIGTERM)
        assert server.wait(WAIT_S) == 0


def test_a_call_that_nobody_answers_is_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = run("call", f"ws://127.0.0.1:{port}/plivo/stream")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"ws://127.0.0.1:{port}/plivo/stream" in done.stderr


def test_a_recording_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    done = run("call", "ws://127.0.0.1:1/", "--wav", tmp_path / "a.wav")
    assert done.returncode == 78
    assert f"{tmp_path}/a.wav" in complaint(done)


def test_providers_are_listed_with_their_options() -> None:
    done = run("providers")
    assert done.returncode == 0
    for line in (
        r"stt moonshine ",
        r"llm smollm2 ",
        r"tts piper ",
        r"tts espeak ",
        r"stt scripted +ready$",
        r"      \w+: ",
    ):
        assert re.search(f"^{line}", done.stdout, re.MULTILINE)


def test_a_reader_that_has_seen_enough_is_no_reason_to_complain() -> None:
    command = [sys.executable, "-m", "mediasrv", "providers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert done.stderr.read() == ""
        assert done.wait(WAIT_S) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a\n  b"), 78),
        (ListenError("a b"), 1),
        (MediasrvError("a b"), 1),
        (ProviderError("a b", stage="tts", provider="piper", retryable=False), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_what_a_command_raises_becomes_a_line_and_an_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr("mediasrv.commands.providers._providers", run)
    assert cli.main(["providers"]) == code
    told = capsys.readouterr().err
    assert told == "" if code == 130 else (told.startswith("mediasrv: ") and told.endswith("a b\n"))


def test_the_demo_gets_its_folder_and_gives_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, bool]] = []

    async def run_demo(out_dir: Path, mic: bool) -> int:
        asked.append((out_dir, mic))
        return 1

    monkeypatch.setattr("mediasrv.demo.run", run_demo)
    folder = tmp_path / "new" / "folder"
    assert cli.main(["demo", "--out-dir", str(folder), "--mic"]) == 1
    assert asked == [(folder, True)]
    assert folder.is_dir()


def test_the_log_level_comes_from_the_flag_then_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[str] = []
    monkeypatch.setattr(cli, "start_logging", levels.append)
    cli.main(["providers"])
    monkeypatch.setenv("MEDIASRV_LOG_LEVEL", "ERROR")
    cli.main(["providers"])
    cli.main(["providers", "--log-level", "debug"])
    assert levels == ["warning", "error", "debug"]


def test_a_log_level_that_is_none_is_78(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MEDIASRV_LOG_LEVEL", "shout")
    assert cli.main(["providers"]) == 78
    assert "MEDIASRV_LOG_LEVEL: expected one of debug, info, warning, error, got 'shout'" in capsys.readouterr().err


@pytest.mark.local
def test_a_sentence_is_said_with_the_local_voice(config: Path, tmp_path: Path) -> None:
    with serving(config) as (_, port):
        done = run("call", f"ws://127.0.0.1:{port}/plivo/stream", "--say", "Good morning.")
    assert (done.returncode, done.stderr) == (0, "")
