"""The command, on real files."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mediasrv import cli
from mediasrv.net.websocket import connect
from mediasrv.records.consents import ConsentRecord
from mediasrv.records.tables import RECORD
from mediasrv.records.writer import COMMIT_EVERY_S
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.standins.base import Fault
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from tests.net.peers import Ears
from tests.patience import WAIT_S
from tests.records.stage import CALLER, OURS, converse, kept
from tests.server.stage import Phone
from tests.test_cli import SCRIPTED, run, serving

OTHER = "+919899999999"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    async def fill() -> None:
        async with kept(tmp_path) as records:
            converse(records, "call-1")
            converse(records, "call-2", caller=OTHER, ends=False)
            records.database.note(RECORD, ("https://media.example/1.wav", "call-1", "carrier", 1.0, 1500, True, ""))
            await records.consents.add(ConsentRecord(OTHER, "service", 1.0, 2.0))

    asyncio.run(fill())
    return tmp_path / "records.db"


def calls(*arguments: object) -> int:
    return cli.main(["calls", *map(str, arguments)])


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_calls_are_listed_newest_first_with_their_numbers_masked(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calls("list", "--file", file) == 0
    head, second, first = lines(capsys)
    assert head.split() == ["started", "from", "to", "agent", "lasted", "ended", "by", "id"]
    assert re.search(r"inbound +…99 +…34 +support +live +call-2$", second)
    assert re.search(r"inbound +…78 +…34 +support +0:00 +caller hung up +call-1$", first)


def test_numbers_are_shown_in_full_when_they_are_asked_for(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls("list", "--file", file, "--show-numbers") == 0
    assert CALLER in capsys.readouterr().out
    assert calls("show", "call-1", "--file", file, "--show-numbers") == 0
    assert f"{CALLER} to {OURS}" in capsys.readouterr().out


def test_a_list_can_be_narrowed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for narrowed in (["--live"], ["--number", "+91 98999 99999"], ["--most", 1]):
        assert calls("list", "--file", file, "--json", *narrowed) == 0
        (call,) = map(json.loads, lines(capsys))
        assert (call["id"], call["from_number"]) == ("call-2", "…99")
    assert calls("list", "--file", file, "--json", "--agent", "nobody") == 0
    assert lines(capsys) == []


def test_a_call_is_shown_with_its_words_and_its_waterfall(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls("show", "call-1", "--file", file) == 0
    text = capsys.readouterr().out
    assert "plivo, inbound, …78 to …34" in text
    assert "   bot  Hello, how can I …\ncaller  where is my order\n" in text
    assert "turn  endpoint  final  first token  first phrase  first audio  sent  heard  in all" in text
    assert "1     100       100    100          100           100          100   100    700 ms" in text
    assert "scripted 15 characters" in text
    assert "https://media.example/1.wav (1.5 s)" in text
    assert CALLER not in text


def test_a_call_that_tells_nothing_is_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fill() -> None:
        async with kept(tmp_path) as records:
            converse(records, "call-1", ends=False)
            await records.database.flush()
            for table in ("transcript", "turns", "usage"):
                await records.database.write(f"DELETE FROM {table}")

    asyncio.run(fill())
    assert calls("show", "call-1", "--file", tmp_path / "records.db") == 0
    text = capsys.readouterr().out
    assert all(words in text for words in ("live", "nothing", "no words are kept", "no turn was answered"))


def test_a_call_is_shown_as_json_with_its_numbers_masked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def transfer() -> None:
        async with kept(file.parent) as records:
            statement = "INSERT INTO legs VALUES ('call-1', 'leg-2', 'transfer', ?, 1.0, 2.0, 'over')"
            await records.database.write(statement, (OTHER,))

    asyncio.run(transfer())
    assert calls("show", "call-1", "--file", file, "--json") == 0
    text = capsys.readouterr().out
    call = json.loads(text)
    assert {leg["kind"]: leg["party"] for leg in call["legs"]} == {"agent": "support", "transfer": "…99"}
    assert call["transcript"][1]["text"] == "where is my order"
    assert not {number for number in (CALLER, OTHER, OURS) if number in text}


def test_a_number_is_erased(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls("erase", "--number", CALLER, "--file", file) == 0
    assert lines(capsys) == [
        "erased: 0 recordings, 1 calls, 0 consents, 0 suppressions, 0 outbound",
        "delete this recording at the carrier: https://media.example/1.wav",
    ]
    assert CALLER[1:].encode() not in file.read_bytes()
    assert calls("erase", "--number", OTHER, "--file", file) == 0
    assert lines(capsys)[1] == "1 calls of this number are not over: erase it again when they are"


async def test_the_carriers_recordings_of_a_number_are_deleted_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", TOKEN)
    config = tmp_path / "mediasrv.toml"
    standin = PlivoStandin()
    standin.tapes = {"r-1", "r-2"}
    async with kept(tmp_path) as records:
        for call_id, caller in (("call-1", CALLER), ("call-2", OTHER)):
            converse(records, call_id, caller)
            records.chronicle.carrier_recorded(call_id, f"r-{call_id[-1]}", f"https://media.example/{call_id}.wav", 9)
    erase = ["erase", "--config", config, "--number"]
    async with standin as url:
        account = f'auth_id = "{ACCOUNT}"\nauth_token_env = "PLIVO_AUTH_TOKEN"\napi_url = "{url}"'
        config.write_text(f'[records]\npath = "{tmp_path / "records.db"}"\n[plivo]\n{account}\n')
        assert await asyncio.to_thread(calls, *erase, CALLER) == 0
        assert lines(capsys)[1:] == ["1 recordings are deleted at the carrier"]
        assert standin.tapes == {"r-2"}
        # Of the second the carrier does not want to know; what it left is named, and asked for once more.
        standin.plan([Fault("refuse", status=401)])
        assert await asyncio.to_thread(calls, *erase, OTHER) == 0
        (complaint,) = lines(capsys)[1:]
        assert complaint.startswith("still at the carrier (plivo: refuses the account's id or token, HTTP 401)")
        assert complaint.endswith("https://media.example/call-2.wav")


def test_everything_is_exported_a_record_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls("export", "--file", file) == 0
    records = [json.loads(line) for line in lines(capsys)]
    assert [record["kind"] for record in records] == ["call", "call", "consent"]
    assert records[1]["from_number"] == CALLER
    assert calls("export", "--file", file, "--number", OTHER) == 0
    assert [json.loads(line)["kind"] for line in lines(capsys)] == ["call", "consent"]
    assert calls("export", "--file", file, "--since", "2100-01-01") == 0
    assert [json.loads(line)["kind"] for line in lines(capsys)] == ["consent"]


def test_an_unknown_call_is_one_line_and_a_failure(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls("show", "call-9", "--file", file) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["erase"],
        ["erase", "--number", "12"],
        ["list", "--most", "0"],
        ["export", "--since", "yesterday"],
        ["show"],
        [],
    ],
)
def test_a_wrong_command_line_is_said(file: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        calls(*arguments)
    assert exit_.value.code == 2


def test_records_that_are_nowhere_are_the_configurations_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "notes.txt").write_text("no records at all")
    for arguments, complaint in (
        ([], "no records are kept"),
        (["--file", tmp_path / "nowhere.db"], "No such file"),
        (["--file", tmp_path / "notes.txt"], "these are no records"),
    ):
        assert calls("list", *arguments) == 78
        error = capsys.readouterr().err
        assert complaint in error
        assert error.count("\n") == 1


def test_the_configuration_says_where_the_records_are(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = file.with_name("mediasrv.toml")
    config.write_text(f'[records]\npath = "{file}"\n')
    assert calls("list", "--config", config) == 0
    assert len(lines(capsys)) == 3


async def test_a_server_that_is_killed_loses_no_call_and_the_next_one_ends_it(
    tmp_path: Path,
) -> None:
    config, file = tmp_path / "mediasrv.toml", tmp_path / "calls.db"
    # A machine that is busy with other tests is no reason to refuse calls.
    unhurried = SCRIPTED.replace("[server]", "[server]\nsheds_load = false")
    config.write_text(f'{unhurried}[records]\npath = "{file}"\n')

    def listed() -> list[dict[str, Any]]:
        done = run("calls", "list", "--config", config, "--json", "--show-numbers")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def play() -> tuple[list[dict[str, Any]], ...]:
        with serving(config) as (server, port):
            asyncio.run(ring_and_wait(port))
            live = listed()
            erased = run("calls", "erase", "--number", OTHER, "--config", config)
            assert erased.stdout.startswith("erased: 0 recordings, 1 calls"), erased.stderr
            server.kill()
            server.wait(timeout=WAIT_S)
            assert server.stderr is not None
            log = server.stderr.read()
            assert "call started" in log
            assert not [secret for secret in (CALLER[1:], OTHER[1:], "Hi.") if secret in log]
        after = listed()
        with serving(config):
            for _ in range(100):
                if (ended := listed())[0]["ended"] is not None:
                    break
        return live, after, ended

    live, after, ended = await asyncio.to_thread(play)
    assert [(call["from_number"], call["ended"]) for call in live] == [(OTHER, None), (CALLER, None)]
    assert [(call["from_number"], call["ended"]) for call in after] == [(CALLER, None)]
    assert [(call["from_number"], call["cause"]) for call in ended] == [(CALLER, "server was lost")]


async def ring_and_wait(port: int) -> None:
    """Two calls come in and stay for longer than a note waits."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(WAIT_S):
        for number, caller in enumerate((CALLER, OTHER)):
            form = {"CallUUID": f"call-{number}", "From": caller[1:], "To": OURS[1:]}
            async with session.post(f"http://127.0.0.1:{port}/plivo/answer", data=form) as answer:
                assert answer.status == 200
            phone = Phone(Ears(await connect(f"ws://127.0.0.1:{port}/plivo/stream")), PlivoCarrierProtocol())
            phone.start(f"call-{number}")
            await phone.hear()
        await asyncio.sleep(2 * COMMIT_EVERY_S)
