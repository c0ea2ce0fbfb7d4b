from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mediasrv.cli import main
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from tests.carriers.apis import FakeTwilio, serving

NUMBER = "+912212345678"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "mediasrv.toml"


def configure(config: Path, url: str, more: str = "") -> None:
    config.write_text(f"""
[server]
public_url = "https://voice.example.in"
[plivo]
auth_id = "{ACCOUNT}"
auth_token_env = "PLIVO_AUTH_TOKEN"
api_url = "{url}"
[agents.sales]
forward = "sip:pbx@example.in"
{more}
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


async def test_a_number_of_twilios_is_wired_and_put_back(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    api = FakeTwilio()
    api.numbers[NUMBER] = {"voice_url": "https://other.example/answer"}
    async with serving(api) as url:
        account = f'account_sid = "AC1"\nauth_token_env = "TWILIO_AUTH_TOKEN"\napi_url = "{url}"'
        configure(config, "http://127.0.0.1:1", f"[twilio]\n{account}")
        command = ["wire", NUMBER, "--agent", "sales", "--config", str(config)]
        assert await asyncio.to_thread(main, [*command, "--carrier", "twilio"]) == 0
        # Whose number it is stands in the memory.
        assert await asyncio.to_thread(main, [*command, "--undo"]) == 0
    assert api.numbers[NUMBER]["voice_url"] == "https://other.example/answer"
    assert capsys.readouterr().out.splitlines() == [
        f"{NUMBER} is answered by https://voice.example.in/twilio/answer?agent=sales",
        f"{NUMBER} is answered by https://other.example/answer again",
    ]


async def test_what_is_wrong_is_one_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with PlivoStandin() as url:
        configure(config, url)
        for arguments, code, words in (
            ([NUMBER, "--agent", "nobody"], 78, "there is no agent 'nobody'; there is sales"),
            (["Ann", "--agent", "sales"], 78, "country code"),
            ([NUMBER, "--agent", "sales", "--undo"], 78, "was not wired from here"),
            ([NUMBER, "--agent", "sales"], 1, "plivo: refuses, HTTP 404"),
            (
                [NUMBER, "--agent", "sales", "--carrier", "exotel"],
                78,
                "Voicebot applet https://voice.example.in/exotel",
            ),
            ([NUMBER, "--agent", "sales", "--carrier", "twilio"], 78, "set twilio.account_sid"),
            ([NUMBER, "--agent", "sales", "--carrier", "telnyx"], 78, "set telnyx.api_key_env"),
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
