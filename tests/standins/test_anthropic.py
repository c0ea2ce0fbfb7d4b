"""Anthropic's own client talks to the stand-in, and takes what our adapter asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mediasrv.providers.anthropic import AnthropicLlm
from native_bench.standins.anthropic import KEY, AnthropicStandin
from native_bench.standins.base import Fault
from tests.providers.llm import ASKED, CALLS, TOOLS, answered, ask, called, running

anthropic: Any = pytest.importorskip("anthropic")
pytestmark = pytest.mark.sdk


def client(url: str, key: str = KEY) -> Any:
    return anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0)


def asked(messages: Any = ASKED, tools: Any = TOOLS) -> dict[str, Any]:
    return AnthropicLlm(AnthropicLlm.Options(api_key=KEY, service_tier="auto", speed="fast")).body(messages, tools)


async def test_it_reads_the_words_and_their_cost() -> None:
    standin = AnthropicStandin()
    body = asked()
    del body["stream"]
    async with standin as url, client(url) as sdk, sdk.messages.stream(**body) as stream:
        message = await stream.get_final_message()
    assert message.content[0].text == standin.text
    assert message.stop_reason == "end_turn"
    assert message.usage.cache_read_input_tokens == 30
    assert standin.complaints == []


async def test_it_puts_the_calls_together_as_we_do() -> None:
    standin = AnthropicStandin(calls=CALLS)
    async with standin as url, client(url) as sdk:
        body = asked()
        del body["stream"]
        async with sdk.messages.stream(**body) as stream:
            message = await stream.get_final_message()
        async with running(AnthropicLlm(AnthropicLlm.Options(url=url, api_key=KEY))) as ours:
            calls = called(await ask(ours, tools=TOOLS))
        assert message.stop_reason == "tool_use"
        assert [(each.id, each.name, each.input) for each in message.content] == [
            (call.id, call.name, json.loads(call.arguments)) for call in calls
        ]
        events = [each async for each in await sdk.messages.create(**asked(answered(calls, ["It left.", "Rain."])))]
    assert "".join(each.delta.text for each in events if each.type == "content_block_delta") == standin.text
    assert standin.complaints == []


async def test_it_reads_an_answer_of_nothing() -> None:
    standin = AnthropicStandin()
    body = asked() | {"max_tokens": 0}
    del body["stream"]
    async with standin as url, client(url) as sdk:
        message = await sdk.messages.create(**body)
    assert (message.content, message.stop_reason) == ([], "max_tokens")


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (401, "authentication_error", "AuthenticationError"),
        (404, "not_found_error", "NotFoundError"),
        (429, "rate_limit_error", "RateLimitError"),
        (529, "overloaded_error", "InternalServerError"),
    ],
)
async def test_it_knows_the_refusals(status: int, kind: str, error: str) -> None:
    async with AnthropicStandin(faults=[Fault("refuse", status=status, reason=kind)]) as url, client(url) as sdk:
        with pytest.raises(getattr(anthropic, error)):
            await sdk.messages.create(**asked())


async def test_a_wrong_key_is_refused() -> None:
    async with AnthropicStandin() as url, client(url, "not-it") as sdk:
        with pytest.raises(anthropic.AuthenticationError):
            await sdk.messages.create(**asked())


async def test_it_knows_an_error_in_the_middle() -> None:
    fault = Fault("error", after=4, reason="overloaded_error")
    async with AnthropicStandin(faults=[fault]) as url, client(url) as sdk:
        with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
            [each async for each in await sdk.messages.create(**asked())]
