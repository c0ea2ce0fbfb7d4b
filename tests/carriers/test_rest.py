from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from mediasrv.carriers import rest
from mediasrv.carriers.bucket import Rate
from mediasrv.carriers.rest import RestClient, RestLimits, basic_auth
from mediasrv.errors import CarrierError, ConfigError
from native_bench.standins.base import tear

QUICK = RestLimits(connect_s=1.0, total_s=0.3, answer_bytes=1000)


class Api:
    """Answers what it is told to, in order, and notes what it was asked."""

    def __init__(self, *answers: int | str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str]] = []
        self.authorization = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, await request.text()))
        self.authorization = request.headers.get("Authorization", "")
        answer = self.answers.pop(0) if self.answers else 200
        match answer:
            case "hang":
                await asyncio.sleep(60)
            case "reset":
                tear(request)
            case "huge":
                return web.Response(text="x" * 1001)
            case "text":
                return web.Response(text="no JSON")
            case "list":
                return web.json_response([1])
            case "later":
                return web.json_response({}, status=429, headers={"Retry-After": "30"})
            case int():
                return web.json_response({"status": answer}, status=answer)
        return web.Response()


@asynccontextmanager
async def serving(api: Api, limits: RestLimits = QUICK, rate: Rate | None = None) -> AsyncIterator[RestClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = RestClient(
        "plivo", f"http://127.0.0.1:{runner.addresses[0][1]}", basic_auth("id", "secret"), limits=limits, rate=rate
    )
    try:
        yield client
    finally:
        await client.aclose()
        await client.aclose()
        await runner.cleanup()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_FIRST_PAUSE_S", 0.001)


async def test_json_forms_and_queries_go_out_and_json_comes_back() -> None:
    api = Api()
    async with serving(api) as client:
        assert (await client.post("/a/", json={"k": "v"})).fields == {"status": 200}
        await client.post("/b", form={"k": "a b"})
        await client.get("/c", {"k": "1"})
        await client.delete("/d")
    assert api.asked == [
        ("POST", "/a/", '{"k":"v"}'),
        ("POST", "/b", "k=a+b"),
        ("GET", "/c?k=1", ""),
        ("DELETE", "/d", ""),
    ]
    assert api.authorization == "Basic aWQ6c2VjcmV0"


@pytest.mark.parametrize("answer", ["text", "list"])
async def test_an_answer_that_is_no_object_has_a_status_and_no_fields(answer: str) -> None:
    async with serving(Api(answer)) as client:
        found = await client.get("/")
        assert (found.status, found.fields) == (200, {})


Work = Callable[[RestClient], Awaitable[Any]]


def get(client: RestClient) -> Awaitable[Any]:
    return client.get("/")


def delete(client: RestClient) -> Awaitable[Any]:
    return client.delete("/")


def post(client: RestClient) -> Awaitable[Any]:
    return client.post("/")


def place(client: RestClient) -> Awaitable[Any]:
    return client.post("/", attempts=1)


async def failing(work: Work, *answers: int | str) -> tuple[CarrierError, int]:
    api = Api(*answers)
    async with serving(api) as client:
        with pytest.raises(CarrierError) as caught:
            await work(client)
    return caught.value, len(api.asked)


@pytest.mark.parametrize("answer", [500, 503, "hang", "reset", "huge"])
@pytest.mark.parametrize("work", [post, place])
async def test_a_post_whose_outcome_is_not_known_is_never_sent_again(work: Work, answer: int | str) -> None:
    error, asked = await failing(work, answer)
    assert asked == 1
    assert error.uncertain
    assert not error.retryable


@pytest.mark.parametrize("answers", [(503, 200), ("reset", "reset", 200), ("hang", 200)])
@pytest.mark.parametrize("work", [get, delete])
async def test_what_does_no_harm_twice_is_sent_again(work: Work, answers: Sequence[int | str]) -> None:
    api = Api(*answers)
    async with serving(api) as client:
        assert (await work(client)).status == 200


async def test_and_in_the_end_given_up() -> None:
    error, asked = await failing(get, 500, 502, 503)
    assert asked == rest.ATTEMPTS
    assert (error.retryable, error.uncertain, error.status) == (True, False, 503)
    error, _ = await failing(delete, 500, 500, 500)
    assert (error.retryable, error.uncertain) == (True, True)


async def test_too_many_requests_were_not_obeyed_and_may_be_sent_again() -> None:
    api = Api(429, 200)
    async with serving(api) as client:
        assert (await post(client)).status == 200
    error, asked = await failing(place, 429)
    assert (asked, error.retryable, error.uncertain, error.status) == (1, True, False, 429)


async def test_who_is_told_to_come_back_much_later_is_told_so() -> None:
    error, asked = await failing(post, "later")
    assert (asked, error.retryable, error.retry_after_s) == (1, True, 30.0)


@pytest.mark.parametrize(("status", "words"), [(400, "refuses, HTTP 400"), (401, "id or token"), (404, "HTTP 404")])
async def test_a_refusal_is_final(status: int, words: str) -> None:
    error, asked = await failing(post, status)
    assert (asked, error.retryable, error.uncertain, error.status) == (1, False, False, status)
    assert words in str(error)


async def test_what_is_gone_needs_no_end() -> None:
    async with serving(Api(404, 404)) as client:
        assert (await client.delete("/")).status == 404
        assert (await client.get("/", fine=(404,))).status == 404


async def test_nobody_there_is_known_to_have_done_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = RestClient("plivo", f"http://127.0.0.1:{taken.getsockname()[1]}", {})
        with pytest.raises(CarrierError) as caught:
            await client.post("/", attempts=1)
        await client.aclose()
    assert (caught.value.retryable, caught.value.uncertain) == (True, False)


async def test_requests_wait_for_their_turn_and_who_gives_up_is_not_sent() -> None:
    api = Api()
    async with serving(api, rate=Rate(1, 0.05)) as client:
        await client.get("/")
        waiting = asyncio.ensure_future(client.get("/never"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await client.get("/")
    assert [path for _, path, _ in api.asked] == ["/", "/"]


async def test_an_origin_that_is_none_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        RestClient("plivo", "api.plivo.com", {})
