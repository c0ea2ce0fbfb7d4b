"""What is answered once more, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo import PlivoCarrier
from mediasrv.server.repeats import Repeats
from tests.patience import WAIT_S

SIGNED = {"X-Plivo-Signature-V3": "s", "X-Plivo-Signature-V3-Nonce": "n"}

Post = Callable[..., "asyncio.Task[tuple[int, str]]"]


class Desk:
    """Counts what it is asked, and answers once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise web.HTTPInternalServerError
        return web.Response(text=f"{number}: {await request.text()}")


@asynccontextmanager
async def serving(desk: Desk, repeats: Repeats) -> AsyncIterator[Post]:
    app = web.Application(middlewares=[repeats.middleware])
    app.router.add_route("*", "/{path:.*}", desk.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session:

        async def ask(body: str, path: str, headers: dict[str, str] | None) -> tuple[int, str]:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
            async with session.post(url, data=body, headers=SIGNED if headers is None else headers) as answer:
                return answer.status, await answer.text()

        def post(
            body: str = "a", path: str = "/plivo/answer", headers: dict[str, str] | None = None
        ) -> asyncio.Task[tuple[int, str]]:
            return asyncio.create_task(ask(body, path, headers))

        yield post
    await runner.cleanup()


@pytest.fixture
def carriers() -> list[PlivoCarrier]:
    return [PlivoCarrier(PlivoOptions(verify_signatures=False))]


async def test_only_the_same_request_is_the_same(carriers: list[PlivoCarrier]) -> None:
    desk = Desk()
    async with serving(desk, Repeats(carriers)) as post:
        assert [await post(), await post()] == [(200, "1: a")] * 2
        assert await post("b") == (200, "2: b")
        assert await post(path="/plivo/answer?x=1") == (200, "3: a")
        assert await post(headers={**SIGNED, "X-Plivo-Signature-V3": "another"}) == (200, "4: a")
        assert await post() == (200, "1: a")


async def test_who_signs_nothing_is_asked_every_time(carriers: list[PlivoCarrier]) -> None:
    async with serving(Desk(), Repeats(carriers)) as post:
        assert [(await post(headers={}))[1], (await post(headers={}))[1]] == ["1: a", "2: a"]
        assert [(await post(path="/calls"))[1], (await post(path="/calls"))[1]] == ["3: a", "4: a"]


async def test_who_comes_again_too_early_waits_for_the_answer(carriers: list[PlivoCarrier]) -> None:
    desk = Desk()
    desk.may_answer.clear()
    async with serving(desk, Repeats(carriers)) as post:
        answers = [post(), post(), post()]
        while not desk.asked:  # noqa: ASYNC110
            await asyncio.sleep(0)
        answers[-1].cancel()
        desk.may_answer.set()
        assert [await answers[0], await answers[1]] == [(200, "1: a")] * 2


async def test_what_failed_is_tried_again(carriers: list[PlivoCarrier]) -> None:
    desk = Desk()
    desk.fails = True
    async with serving(desk, Repeats(carriers)) as post:
        assert (await post())[0] == 500
        desk.fails = False
        assert await post() == (200, "2: a")


async def test_answers_are_bounded_in_number_and_time(carriers: list[PlivoCarrier]) -> None:
    async with serving(Desk(), Repeats(carriers, most=2)) as post:
        assert [(await post(body))[1] for body in "abcab"] == ["1: a", "2: b", "3: c", "4: a", "5: b"]
    async with serving(Desk(), Repeats(carriers, life_s=0.0)) as post:
        assert [(await post())[1], (await post())[1]] == ["1: a", "2: a"]
