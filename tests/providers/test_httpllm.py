"""What language models behind HTTP have in common, with each vendor's stand-in: faults, cancelling, connections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import httpllm
from mediasrv.providers.anthropic import AnthropicLlm
from mediasrv.providers.base import Message, TextDelta
from mediasrv.providers.gemini import GeminiLlm
from mediasrv.providers.httpllm import HttpLlm
from mediasrv.providers.openai import OpenAiLlm
from native_bench.standins import anthropic, gemini, openai
from native_bench.standins.anthropic import AnthropicStandin
from native_bench.standins.base import Fault
from native_bench.standins.chat import ChatStandin
from native_bench.standins.gemini import GeminiStandin
from native_bench.standins.openai import OpenAiStandin
from tests.patience import until
from tests.providers.llm import ASKED, ask, failure_of, running, said

Vendor = tuple[Any, type[ChatStandin], Mapping[str, Any]]
VENDORS: Mapping[str, Vendor] = {
    "openai": (OpenAiLlm, OpenAiStandin, {"api_key": openai.KEY, "warm_prompt": True, "server": "openai"}),
    "anthropic": (AnthropicLlm, AnthropicStandin, {"api_key": anthropic.KEY, "warm_prompt": True}),
    "gemini": (GeminiLlm, GeminiStandin, {"api_key": gemini.KEY, "warm_prompt": True}),
}


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


@asynccontextmanager
async def served(vendor: Vendor, *faults: Fault, **options: Any) -> AsyncGenerator[tuple[HttpLlm, ChatStandin]]:
    cls, kind, given = vendor
    standin = kind(faults=faults, **options)
    standing = asyncio.all_tasks()
    async with standin as url, running(cls(cls.Options(url=url, **given))) as model:
        yield model, standin
        await until(lambda: standin.live == 0)
    await until(lambda: asyncio.all_tasks() <= standing)


# -- faults before the answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "is_retryable"),
    [(400, False), (401, False), (403, False), (404, False), (429, True), (500, True), (503, True), (529, True)],
)
async def test_a_refusal_tells_whether_to_ask_again(vendor: Vendor, status: int, is_retryable: bool) -> None:
    async with served(vendor, Fault("refuse", status=status, reason="some_error")) as (model, _):
        words, error = await failure_of(model)
        assert words == ""
        assert (error.stage, error.provider, error.retryable) == ("llm", model.name, is_retryable)
        assert str(error) == f"llm provider {model.name}: HTTP {status} some_error"


async def test_a_used_up_account_is_not_asked_again(vendor: Vendor) -> None:
    async with served(vendor, Fault("refuse", status=429, reason="insufficient_quota")) as (model, _):
        assert not (await failure_of(model))[1].retryable


async def test_a_refusal_that_breaks_off_is_one(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpllm, "READ_LIMIT_S", 0.05)

    async def refuse(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.sleep(0.2)
        return response

    async with served(vendor) as (model, standin):
        monkeypatch.setattr(standin, "_stream", lambda request, *_: refuse(request))
        assert str((await failure_of(model))[1]).endswith("HTTP 500")


async def test_a_redirection_is_not_followed_with_the_key(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        followed.append(request.method)
        return web.Response()

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    cls, kind, given = vendor
    standin = kind()
    routes = [web.route("*", "/elsewhere", elsewhere), web.route("*", "/{path:.*}", redirect)]
    monkeypatch.setattr(standin, "routes", lambda: routes)
    async with standin as url, running(cls(cls.Options(url=url, **given))) as model:
        await model.prepare()
        _, error = await failure_of(model)
    assert str(error).endswith("HTTP 307")
    assert not error.retryable
    assert followed == []


async def test_a_wrong_key_is_not_told(vendor: Vendor) -> None:
    cls, kind, given = vendor
    async with kind() as url, running(cls(cls.Options(url=url, **{**given, "api_key": "not-it"}))) as model:
        _, error = await failure_of(model)
    assert "HTTP 401" in str(error) or "HTTP 400" in str(error)
    assert not error.retryable
    assert "not-it" not in str(error) + repr(model.options)


async def test_a_connection_that_broke_before_the_answer_is_replaced(vendor: Vendor) -> None:
    async with served(vendor, Fault("reset")) as (model, standin):
        assert said(await ask(model)) == standin.text
        assert standin.connections == 2


async def test_a_kept_connection_that_the_vendor_has_closed_is_replaced(vendor: Vendor) -> None:
    async with served(vendor, Fault(), Fault("reset")) as (model, standin):
        await ask(model)
        assert said(await ask(model)) == standin.text
        assert (standin.connections, len(standin.clients)) == (3, 2)


async def test_a_connection_that_breaks_again_is_a_failure(vendor: Vendor) -> None:
    async with served(vendor, Fault("reset"), Fault("reset")) as (model, _):
        _, error = await failure_of(model)
        assert "no answer" in str(error)
        assert error.retryable


async def test_nobody_at_the_other_end_is_a_failure(vendor: Vendor) -> None:
    cls, kind, given = vendor
    async with kind() as url:
        pass
    async with running(cls(cls.Options(url=url, **given))) as model:
        _, error = await failure_of(model)
        assert error.retryable
        await model.prepare()


async def test_a_server_that_never_answers_is_given_up(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpllm, "READ_LIMIT_S", 0.05)
    async with served(vendor, Fault("stall")) as (model, _):
        _, error = await failure_of(model)
        assert error.retryable


# -- faults in the middle of the answer ------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("garbage", "cannot be read"),
        ("cut", "in the middle"),
        ("error", "reported an error overloaded_error"),
        ("oversize", "broke off"),
    ],
)
async def test_a_broken_answer_is_a_failure(vendor: Vendor, kind: str, text: str, after: int) -> None:
    async with served(vendor, Fault(kind, after=after, reason="overloaded_error")) as (model, standin):
        words, error = await failure_of(model)
        assert text in str(error)
        assert error.retryable
        assert standin.text.startswith(words)


@pytest.mark.parametrize("after", [1, 4])
async def test_a_connection_that_breaks_in_the_middle_is_a_failure(vendor: Vendor, after: int) -> None:
    async with served(vendor, Fault("reset", after=after), token_ms=1) as (model, standin):
        words, error = await failure_of(model)
        assert "broke off" in str(error)
        assert error.retryable
        assert standin.text.startswith(words)
        assert standin.connections == 1


async def test_an_answer_that_hangs_is_given_up(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpllm, "READ_LIMIT_S", 0.05)
    async with served(vendor, Fault("hang", after=4)) as (model, standin):
        words, error = await failure_of(model)
        assert words
        assert error.retryable
        await until(lambda: standin.given_up == 1)


# -- cancelling ------------------------------------------------------------------------------------------------------


async def test_cancelling_stops_the_generation(vendor: Vendor) -> None:
    async with served(vendor, token_ms=20) as (model, standin):
        async with aclosing(model.reply(ASKED)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    break
        await until(lambda: standin.given_up == 1)


@pytest.mark.parametrize("fault", [Fault("stall"), Fault("hang", after=0), Fault("hang", after=3)])
async def test_cancelling_frees_what_a_hanging_server_holds(vendor: Vendor, fault: Fault) -> None:
    async with served(vendor, fault) as (model, standin):
        # Once, so that what is opened once is open.
        descriptors = len(os.listdir("/proc/self/fd"))
        task = asyncio.create_task(ask(model))
        await until(lambda: standin.connections == 1)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: fault.kind == "stall" or standin.given_up == 1)
        # The stand-in's end of a stalled request closes with the stand-in.
        assert len(os.listdir("/proc/self/fd")) <= descriptors + (1 if fault.kind == "stall" else 0)


# -- connections -----------------------------------------------------------------------------------------------------


async def test_a_connection_is_kept_between_turns(vendor: Vendor) -> None:
    async with served(vendor) as (model, standin):
        for _ in range(3):
            await ask(model)
        assert len(standin.clients) == 1


async def test_a_connection_is_opened_ahead(vendor: Vendor) -> None:
    async with served(vendor) as (model, standin):
        await model.prepare()
        connector = model._open_session().connector
        assert connector is not None
        assert sum(map(len, connector._conns.values())) == 1
        await ask(model)
        assert (len(standin.clients), standin.connections) == (1, 1)


async def test_warming_fails_quietly(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    async with served(vendor, Fault("refuse", status=401, reason="authentication_error")) as (model, _):
        await model.warm(ASKED[:1])
    (record,) = (each for each in caplog.records if each.getMessage() == "model is not warm")
    assert vars(record)["error"] == f"llm provider {model.name}: HTTP 401 authentication_error"


async def test_warming_ends_in_time(
    vendor: Vendor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpllm, "WARM_LIMIT_S", 0.02)
    async with served(vendor, Fault("stall")) as (model, _):
        await model.warm(ASKED[:1])
    assert vars(caplog.records[-1])["error"] == "timed out"


async def test_warming_asks_nothing_unless_it_is_wanted(vendor: Vendor) -> None:
    cls, kind, given = vendor
    async with served((cls, kind, {**given, "warm_prompt": False})) as (model, standin):
        await model.warm(ASKED[:1])
        assert standin.connections == 0
        await ask(model)
        await model.prepare()
        assert (standin.connections, len(standin.clients)) == (1, 1)


async def test_warming_asks_what_a_reply_will_ask(vendor: Vendor) -> None:
    async with served(vendor) as (model, standin):
        await model.warm(ASKED[:1])
        await ask(model)
        assert standin.complaints == []
        warmed, asked = standin.bodies
        assert "Be brief." in str(warmed)
        assert warmed.get("system") == asked.get("system")


# -- life ------------------------------------------------------------------------------------------------------------


async def test_a_model_that_does_not_run_says_so(vendor: Vendor) -> None:
    cls, _, given = vendor
    model = cls(cls.Options(**given))
    await model.aclose()
    await model.prepare()
    with pytest.raises(ProviderError, match="not running") as raised:
        await ask(model, [Message("user", "Hello")])
    assert not raised.value.retryable
    async with running(model):
        pass
    await model.aclose()
    with pytest.raises(ProviderError, match="not running"):
        await ask(model)


async def test_a_url_that_is_none_is_the_operators_mistake(vendor: Vendor) -> None:
    cls, _, given = vendor
    with pytest.raises(ConfigError, match="is no URL"):
        await cls(cls.Options(url="api.example.com", **given)).start()
    with pytest.raises(ConfigError, match="needs a key"):
        await cls(cls.Options(**{**given, "api_key": ""})).start()
