"""``mediasrv dial``, without a server: what it says, what it leaves, and what it refuses."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from mediasrv import cli
from tests.outbound.support import LANDLINE, MOBILE

CONFIG = """
[server]
public_url = "https://voice.example.in"
[plivo]
auth_id = "MAEXAMPLE"
auth_token_env = "TEST_PLIVO_TOKEN"
[records]
path = "{records}"
[outbound]
from_number = "{shown}"
[compliance]
window_start = "00:00"
window_end = "23:59:59.999999"
consent_required_for = []
do_not_call_file = "{blocked}"
[agents.default]
stt.provider = "scripted"
llm.provider = "scripted"
tts.provider = "scripted"
"""
BLOCKED = "+919876500099"
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TEST_PLIVO_TOKEN", "secret")
    blocked = tmp_path / "blocked.txt"
    blocked.write_text(f"{BLOCKED}\n")
    config = tmp_path / "mediasrv.toml"
    config.write_text(CONFIG.format(records=tmp_path / "records.db", shown=LANDLINE, blocked=blocked))
    return lambda *arguments: cli.main(["dial", "--config", str(config), *arguments])


def orders(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "records.db") as connection:
        return connection.execute("SELECT number, agent, purpose, campaign, body FROM outbound_orders").fetchall()


def test_an_order_is_left_for_the_server(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("+91 98765 00001", "--agent", "default", "--body", '{"name": "Asha"}', "--no-wait") == 0
    assert re.fullmatch(r"order [0-9a-f]{32}\n", capsys.readouterr().out)
    assert orders(tmp_path) == [(MOBILE, "default", "transactional", "", '{"name":"Asha"}')]


def test_a_dry_run_leaves_nothing(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MOBILE, "--dry-run") == 0
    assert capsys.readouterr().out == "no rule forbids it\n"
    assert orders(tmp_path) == []


@pytest.mark.parametrize(("state", "code"), [("ended", 0), ("failed", 1)])
def test_it_tells_how_the_call_goes_until_it_is_over(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    """The server is played by two statements."""

    def go_on(state: str, cause: str) -> None:
        with sqlite3.connect(tmp_path / "records.db", timeout=10) as connection:
            connection.execute("UPDATE outbound_orders SET state = ?, cause = ?", (state, cause))

    timers = [Timer(1.0, go_on, ("ringing", "")), Timer(2.5, go_on, (state, "Busy"))]
    for timer in timers:
        timer.start()
    assert run(MOBILE) == code
    for timer in timers:
        timer.join()
    said = capsys.readouterr()
    assert said.out.splitlines()[1:] == ["planned", "ringing", f"{state} (Busy)"]
    assert "no server attends" in said.err


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((BLOCKED,), "do-not-call list"),
        (("12345",), "number"),
        ((MOBILE, "--agent", "nobody"), "agent"),
        ((MOBILE, "--purpose", "spam"), "purpose"),
        ((MOBILE, "--purpose", "promotional"), "number series"),
        ((MOBILE, "--zone", "Mars/Olympus"), "calling window"),
        ((MOBILE, "--body", '{"x": "' + "y" * 2000 + '"}'), "body"),
    ],
)
def test_a_refusal_names_its_rule_in_one_line(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], rule: str
) -> None:
    assert run(*arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"mediasrv: {rule}: ")
    assert said.count("\n") == 1
    assert "98765" not in said
    assert orders(tmp_path) == []


@pytest.mark.parametrize("body", ["[1]", "{", "x" * 100, "[" * 100_000, '"text"'])
def test_a_body_that_is_no_object_is_a_wrong_command_line(run: Run, body: str) -> None:
    with pytest.raises(SystemExit) as left:
        run(MOBILE, "--body", body)
    assert left.value.code == 2


@pytest.mark.parametrize("arguments", [(), (MOBILE, "--campaign", "spring.csv")])
def test_one_of_number_and_campaign_is_asked_for(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as left:
        run(*arguments)
    assert left.value.code == 2


def campaign(folder: Path) -> str:
    file = folder / "spring.csv"
    file.write_text(f"number,name\n{MOBILE},Asha\nnobody,Bob\n{BLOCKED},Chand\n+919876500002,Dev\n")
    return str(file)


def test_a_campaign_names_bad_lines_and_orders_the_rest(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--campaign", campaign(tmp_path), "--no-wait") == 1
    said = capsys.readouterr()
    assert "line 3: number: expected E.164" in said.err
    assert "line 4: do-not-call list: " in said.err
    assert said.out == "2 ordered, 1 malformed\n1 refused: do-not-call list\n"
    assert "98765" not in said.err + said.out
    assert [row[0] for row in orders(tmp_path)] == [MOBILE, "+919876500002"] or len(orders(tmp_path)) == 2
    assert {row[3] for row in orders(tmp_path)} == {"spring"}


def test_a_campaign_that_is_run_again_orders_nobody_twice(run: Run, tmp_path: Path) -> None:
    file = campaign(tmp_path)
    run("--campaign", file, "--no-wait")
    run("--campaign", file, "--no-wait")
    assert len(orders(tmp_path)) == 2
    run("--campaign", file, "--name", "summer", "--no-wait")
    assert len(orders(tmp_path)) == 4


def test_a_dry_campaign_calls_nobody(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--campaign", campaign(tmp_path), "--dry-run") == 1
    assert capsys.readouterr().out == "2 would be called, 1 malformed\n1 refused: do-not-call list\n"
    assert orders(tmp_path) == []


def test_a_campaign_that_is_none_is_a_mistake_of_the_operators(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name\nAsha\n")
    assert run("--campaign", str(tmp_path / "bad.csv")) == 78
    assert run("--campaign", str(tmp_path / "nothing.csv")) == 78


def test_without_a_number_to_call_from_it_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "mediasrv.toml"
    config.write_text('[agents.default]\nstt.provider="scripted"\nllm.provider="scripted"\ntts.provider="scripted"\n')
    assert cli.main(["dial", MOBILE, "--config", str(config)]) == 78
    assert "outbound.from_number" in capsys.readouterr().err
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    with config.open("a") as file:
        file.write(f'[outbound]\nfrom_number = "{LANDLINE}"\n')
    assert cli.main(["dial", MOBILE, "--config", str(config)]) == 78
    assert "records.path" in capsys.readouterr().err
