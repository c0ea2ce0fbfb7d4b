from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mediasrv.cli import main
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin

NUMBER = "+912212345678"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "mediasrv.toml"


def configure(config: Path, url: str) -> None:
    config.write_text(f"""
[server]
public_url = "https://voice.example.in"
[plivo]
auth_id = "{ACCOUNT}"
auth_token_env = "PLIVO_AUTH_TOKEN"
api_url = "{url}"
[agents.sales]
forward = "sip:pbx@example.in"
""")


async def test_a_number_is_wired_and_put_back(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    standin = PlivoStandin()
    async with standin as url:
        configure(config, url)
        standin.numbers[NUMBER[1:]] = "29"
        standin.applications["29"] = {"app_id": "29", "app_name": "theirs"}
        command = ["wire", "+91 22 1234 5678", "--agent", "sales", "--config", str(config)]
        assert await asyncio.to_thread(main, command) == 0
        application = standin.applications[standin.numbers[NUMBER[1:]]]
        assert application["answer_url"] == "https://voice.example.in/plivo/answer?agent=sales"
        remembered = json.loads((config.parent / "state" / "mediasrv" / "wired.json").read_text())
        assert remembered[NUMBER]["earlier"] == "29"
        assert await asyncio.to_thread(main, [*command, "--undo"]) == 0
        assert standin.numbers[NUMBER[1:]] == "29"
        out = capsys.readouterr().out
        assert "(mediasrv-sales): https://voice.example.in/plivo/answer?agent=sales" in out
        assert out.splitlines()[-1] == f"{NUMBER} belongs to application 29 again"


async def test_what_is_wrong_is_one_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with PlivoStandin() as url:
        configure(config, url)
        for arguments, code, words in (
            ([NUMBER, "--agent", "nobody"], 78, "there is no agent 'nobody'; there is sales"),
            (["Ann", "--agent", "sales"], 78, "country code"),
            ([NUMBER, "--agent", "sales", "--undo"], 78, "was not wired from here"),
            ([NUMBER, "--agent", "sales"], 1, "plivo: refuses, HTTP 404"),
        ):
            assert await asyncio.to_thread(main, ["wire", *arguments, "--config", str(config)]) == code
            complaint = capsys.readouterr().err
            assert words in complaint
            assert complaint.count("\n") == 1


async def test_a_live_check_walks_to_each_number(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with PlivoStandin() as url:
        configure(config, url)
        command = ["check", "--live", "--number", NUMBER, "--config", str(config)]
        assert await asyncio.to_thread(main, command) == 1
        assert "FAIL number: there is no such one in this account" in capsys.readouterr().out
