"""The way of a call, walked from Plivo's stand-in to a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_walk import Walk
from mediasrv.server.options import ServerOptions
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from tests.patience import until
from tests.server.stage import Stage, stage

NUMBER = "+912212345678"


@asynccontextmanager
async def walking(**changes: Any) -> AsyncIterator[tuple[Stage, PlivoStandin, PlivoOptions]]:
    standin = PlivoStandin()
    async with standin as url:
        plivo = PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url, **changes)
        async with stage(ServerOptions(port=0, max_calls=1), plivo) as there:
            standin.numbers[NUMBER[1:]] = "7"
            standin.applications["7"] = {
                "app_id": "7",
                "app_name": "ours",
                "answer_url": f"{there.http}/plivo/answer",
                "hangup_url": f"{there.http}/plivo/callback/status",
            }
            yield there, standin, plivo


async def walk(there: Stage, plivo: PlivoOptions, number: str = NUMBER) -> list[str]:
    return [str(verdict) async for verdict in Walk(plivo, there.http).take(number)]


async def test_a_number_that_leads_here_is_good_at_every_step() -> None:
    async with walking() as (there, standin, plivo):
        verdicts = await walk(there, plivo)
        assert [verdict.split(":")[0] for verdict in verdicts] == [
            "ok   number",
            "ok   application",
            "ok   signature",
            "ok   answer",
            "ok   stream",
        ]
        assert f"{NUMBER} belongs to application 7" in verdicts[0]
        # The call that was asked about leaves nothing behind: there is room for one only.
        await until(lambda: not there.service._calls.refusal)
        assert standin.complaints == []


async def test_the_first_step_that_fails_is_the_last() -> None:
    async with walking() as (there, standin, plivo):
        application = standin.applications["7"]
        assert await walk(there, plivo, "+910000000") == ["FAIL number: there is no such one in this account"]
        standin.numbers[NUMBER[1:]] = ""
        assert await walk(there, plivo) == [f"FAIL number: {NUMBER} belongs to no application: mediasrv wire {NUMBER}"]
        standin.numbers[NUMBER[1:]] = "7"
        application["answer_url"] = "https://other.example/plivo/answer"
        assert (await walk(there, plivo))[-1].startswith("FAIL application: its answer URL is https://other.example")
        application["answer_url"] = f"{there.http}/plivo/answer?agent=nobody"
        assert (await walk(there, plivo))[-1] == "FAIL answer: HTTP 404"


async def test_a_full_server_opens_no_stream() -> None:
    async with walking() as (there, _, plivo):
        there.service._calls.expect("another", "", "")
        assert (await walk(there, plivo))[-1].startswith("FAIL stream: the answer opens none")


async def test_a_missing_hangup_url_and_missing_proofs_are_told() -> None:
    async with walking(verify_signatures=False) as (there, standin, plivo):
        del standin.applications["7"]["hangup_url"]
        verdicts = await walk(there, plivo)
        assert [verdict for verdict in verdicts if verdict.startswith("FAIL")] == [
            "FAIL application: it has no hangup URL, so the answer URL is asked again at the end",
            "FAIL signature: plivo.verify_signatures is off: anybody may open a stream",
        ]
        assert verdicts[-1].startswith("ok   stream")


async def test_a_server_with_another_token_is_found_out() -> None:
    async with walking() as (there, _, plivo):
        other = PlivoOptions(auth_id=ACCOUNT, auth_token="another", api_url=plivo.api_url)
        walked = Walk(other, there.http)
        walked._api._rest._headers = Walk(plivo, "")._api._rest._headers
        verdicts = [str(verdict) async for verdict in walked.take(NUMBER)]
        assert verdicts[-1].startswith("FAIL answer: our own signature is refused")


@pytest.mark.parametrize("path", ["/plivo/answer", "/other/answer"])
async def test_a_server_that_is_not_there_is_found_out(path: str) -> None:
    async with walking() as (_, standin, plivo):
        standin.applications["7"]["answer_url"] = f"http://127.0.0.1:1{path}"
        verdicts = [str(verdict) async for verdict in Walk(plivo, "http://127.0.0.1:1").take(NUMBER)]
        assert verdicts[-1].startswith("FAIL a")
