"""Numbers that are pointed at a server, on Plivo's stand-in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_account import PlivoAccount
from mediasrv.carriers.plivo_rest import PlivoApi
from mediasrv.carriers.wiring import Memory, Wired, application_for, number_of, unwire, wire
from mediasrv.errors import CarrierError, ConfigError
from native_bench.standins.base import Fault
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin

NUMBER, PLAIN, PUBLIC = "+912212345678", "912212345678", "https://voice.example.in"
OURS = application_for("default", PUBLIC)


@asynccontextmanager
async def account(standin: PlivoStandin) -> AsyncIterator[PlivoAccount]:
    standin.numbers[PLAIN] = "29"
    standin.applications["29"] = {"app_id": "29", "app_name": "theirs", "answer_url": "https://other.example/answer"}
    async with standin as url:
        api = PlivoApi(PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url))
        try:
            yield PlivoAccount(api)
        finally:
            await api.aclose()


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "state" / "wired.json")


async def test_a_number_is_pointed_at_us_and_back(memory: Memory, tmp_path: Path) -> None:
    standin = PlivoStandin()
    async with account(standin) as there:
        wired = await wire(there, memory, NUMBER, OURS)
        assert standin.numbers[PLAIN] == wired.application
        assert standin.applications[wired.application] == {
            "app_id": wired.application,
            "app_name": "mediasrv-default",
            "answer_url": f"{PUBLIC}/plivo/answer",
            "answer_method": "POST",
            "hangup_url": f"{PUBLIC}/plivo/callback/status",
            "hangup_method": "POST",
            "fallback_answer_url": f"{PUBLIC}/plivo/fallback",
            "fallback_method": "POST",
        }
        # Another run, maybe after a restart, does not take our own application for what was there.
        again = Memory(tmp_path / "state" / "wired.json")
        assert await wire(there, again, NUMBER, replace(OURS, answer_url=f"{PUBLIC}/plivo/answer?agent=x")) == wired
        assert len(standin.applications) == 2
        assert standin.applications[wired.application]["answer_url"].endswith("agent=x")
        assert await unwire(there, again, NUMBER) == "29"
        assert standin.numbers[PLAIN] == "29"
        assert Memory(tmp_path / "state" / "wired.json").wired == {}
    assert standin.complaints == []


async def test_what_was_there_is_remembered_before_it_is_changed(memory: Memory, tmp_path: Path) -> None:
    standin = PlivoStandin(faults=[Fault()] * 3 + [Fault("refuse", status=400)])
    async with account(standin) as there:
        with pytest.raises(CarrierError):
            await wire(there, memory, NUMBER, OURS)
        assert standin.numbers[PLAIN] == "29"
    assert Memory(tmp_path / "state" / "wired.json").wired[NUMBER].earlier == "29"


async def test_a_number_without_an_application_gets_one_and_keeps_it(memory: Memory) -> None:
    standin = PlivoStandin()
    async with account(standin) as there:
        standin.numbers[PLAIN] = ""
        wired = await wire(there, memory, NUMBER, OURS)
        assert wired == Wired(standin.numbers[PLAIN], "")
        with pytest.raises(ConfigError, match="console"):
            await unwire(there, memory, NUMBER)


async def test_nothing_is_put_back_that_was_not_changed_from_here(memory: Memory) -> None:
    async with account(PlivoStandin()) as there:
        with pytest.raises(ConfigError, match="not wired from here"):
            await unwire(there, memory, NUMBER)
        with pytest.raises(CarrierError) as caught:
            await wire(there, memory, "+910000000", OURS)
        assert caught.value.status == 404


class Nameless(PlivoStandin):
    def _create(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        return web.json_response({"message": "created"}, status=201)


async def test_an_application_without_an_id_is_no_success(memory: Memory) -> None:
    async with account(Nameless()) as there:
        with pytest.raises(CarrierError, match="without its id"):
            await wire(there, memory, NUMBER, OURS)


@pytest.mark.parametrize("text", ["[1]", '{"+91": 7}', '{"+91": {"application": "1"}}', "{"])
def test_a_memory_that_cannot_be_read_is_not_written_over(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wired.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        Memory(path)


def test_a_memory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        Memory(tmp_path / "file" / "wired.json").keep(NUMBER, Wired("1", "2"))


def test_the_memory_is_json(memory: Memory, tmp_path: Path) -> None:
    memory.keep(NUMBER, Wired("1", "2"))
    found = json.loads((tmp_path / "state" / "wired.json").read_text())
    assert found == {NUMBER: {"application": "1", "earlier": "2", "carrier": "plivo"}}
    # A file of an older program knows of Plivo's numbers alone.
    (tmp_path / "state" / "wired.json").write_text(json.dumps({NUMBER: {"application": "1", "earlier": "2"}}))
    assert Memory(tmp_path / "state" / "wired.json").wired == {NUMBER: Wired("1", "2", "plivo")}


def test_numbers_are_read_as_they_are_written_by_hand() -> None:
    assert number_of("+91 (22) 1234-5678") == NUMBER
    for text in ("912212345678", "+91", "+0123456789", "Ann"):
        with pytest.raises(ConfigError, match="country code"):
            number_of(text)


def test_an_agent_has_an_application_of_its_own() -> None:
    ours = application_for("sales team", PUBLIC)
    assert (ours.name, ours.answer_url) == ("mediasrv-sales-team", f"{PUBLIC}/plivo/answer?agent=sales+team")
    for url in ("", "http://voice.example.in"):
        with pytest.raises(ConfigError, match="public_url"):
            application_for("default", url)
