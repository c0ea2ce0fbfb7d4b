"""OpenAI's own client talks to the stand-in, and takes what our adapter asks."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.providers.openai import OpenAiLlm
from native_bench.standins.base import Fault
from native_bench.standins.openai import KEY, OpenAiStandin
from tests.providers.llm import ASKED, CALLS, TOOLS, answered, ask, called, running

openai: Any = pytest.importorskip("openai")
pytestmark = pytest.mark.sdk


def client(url: str, key: str = KEY) -> Any:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def asked(messages: Any = ASKED, tools: Any = TOOLS) -> dict[str, Any]:
    options = OpenAiLlm.Options(
        api_key=KEY, max_tokens=90, verbosity="low", prompt_cache_key="a", prompt_cache_ttl="30m"
    )
    return OpenAiLlm(options).body(messages, tools)


async def test_it_reads_the_words_and_their_cost() -> None:
    standin = OpenAiStandin()
    async with standin as url, client(url) as sdk:
        chunks = [chunk async for chunk in await sdk.chat.completions.create(**asked())]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == standin.text
    assert chunks[-1].usage.prompt_tokens == 40
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert standin.complaints == []


async def test_it_puts_the_calls_together_as_we_do() -> None:
    standin = OpenAiStandin(calls=CALLS)
    async with standin as url, client(url) as sdk, running(OpenAiLlm(OpenAiLlm.Options(url=url, api_key=KEY))) as ours:
        body = asked()
        del body["stream"]
        async with sdk.chat.completions.stream(**body) as stream:
            theirs = (await stream.get_final_completion()).choices[0].message.tool_calls
        calls = called(await ask(ours, tools=TOOLS))
        assert [(each.id, each.function.name, each.function.arguments) for each in theirs] == [
            (call.id, call.name, call.arguments) for call in calls
        ]
        chunks = [c async for c in await sdk.chat.completions.create(**asked(answered(calls, ["It left.", "Rain."])))]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == standin.text
    assert standin.complaints == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "AuthenticationError"), (404, "NotFoundError"), (429, "RateLimitError"), (500, "InternalServerError")],
)
async def test_it_knows_the_refusals(status: int, kind: str) -> None:
    async with OpenAiStandin(faults=[Fault("refuse", status=status)]) as url, client(url) as sdk:
        with pytest.raises(getattr(openai, kind)):
            await sdk.chat.completions.create(**asked())


async def test_a_wrong_key_is_refused() -> None:
    async with OpenAiStandin() as url, client(url, "not-it") as sdk:
        with pytest.raises(openai.AuthenticationError):
            await sdk.chat.completions.create(**asked())


async def test_it_knows_an_error_in_the_middle() -> None:
    async with OpenAiStandin(faults=[Fault("error", after=2)]) as url, client(url) as sdk:
        with pytest.raises(openai.APIError):
            [chunk async for chunk in await sdk.chat.completions.create(**asked())]


async def test_it_reads_a_server_with_every_quirk() -> None:
    standin = OpenAiStandin(quirks=1)
    async with standin as url, client(url) as sdk:
        chunks = [chunk async for chunk in await sdk.chat.completions.create(**asked())]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == standin.text
