"""Chat completions, against the stand-in and as bare chunks."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.net.sse import ServerEvent
from mediasrv.providers import registry
from mediasrv.providers.base import Delta, Message, TextDelta, ToolCall, Usage
from mediasrv.providers.openai import ChatAnswer, OpenAiLlm
from native_bench.standins.base import Fault
from native_bench.standins.openai import KEY, OpenAiStandin
from tests.providers.llm import (
    ASKED,
    CALLS,
    TOOLS,
    answered,
    ask,
    called,
    failure_of,
    pieces,
    read,
    running,
    said,
    usage_of,
)


def llm(url: str, **options: Any) -> OpenAiLlm:
    return OpenAiLlm(OpenAiLlm.Options(url=url, **{"api_key": KEY, "server": "openai", **options}))


def body(**options: Any) -> dict[str, Any]:
    return OpenAiLlm(OpenAiLlm.Options(api_key=KEY, **options)).body(ASKED, ())


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more})


def calling(*pieces: Any) -> str:
    return chunk({"tool_calls": list(pieces)})


STOP = chunk(finish="stop")
DONE = "[DONE]"


def answer() -> ChatAnswer:
    return ChatAnswer("openai")


# -- with the stand-in ---------------------------------------------------------------------------------------------


async def test_a_reply_comes_in_pieces_with_its_cost(caplog: pytest.LogCaptureFixture) -> None:
    standin = OpenAiStandin()
    async with standin as url, running(llm(url)) as model:
        deltas = await ask(model)
    assert said(deltas) == standin.text
    assert pieces(deltas) > 5
    assert usage_of(deltas).completion_tokens == pieces(deltas)
    assert standin.complaints == caplog.messages == []


async def test_tools_are_called_side_by_side_and_their_results_fed_back() -> None:
    standin = OpenAiStandin(calls=CALLS)
    async with standin as url, running(llm(url)) as model:
        calls = called(await ask(model, tools=TOOLS))
        assert [(call.name, call.arguments) for call in calls] == list(CALLS)
        assert said(await ask(model, answered(calls, ["It left.", "Rain."]), TOOLS)) == standin.text
    assert standin.complaints == []
    assert standin.bodies[1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "Rain."}


@pytest.mark.parametrize("calls", [(), CALLS])
async def test_a_server_with_every_quirk_is_understood(calls: tuple[tuple[str, str], ...]) -> None:
    standin = OpenAiStandin(quirks=1, calls=calls)
    async with standin as url, running(llm(url, api_key="", server="")) as model:
        deltas = await ask(model, tools=TOOLS)
    assert [(call.name, call.arguments) for call in called(deltas)] == list(calls)
    assert said(deltas) == ("" if calls else standin.text)
    assert usage_of(deltas).prompt_tokens == 40
    assert standin.complaints == []


async def test_a_url_may_end_with_the_version_or_not() -> None:
    standin = OpenAiStandin()
    async with standin as url:
        for each in (url, f"{url}/", f"{url}/v1", f"{url}/v1/"):
            async with running(llm(each)) as model:
                assert said(await ask(model)) == standin.text


async def test_what_a_vendor_calls_its_error_is_told_and_nothing_else() -> None:
    fault = Fault("refuse", status=429, reason="rate_limit_exceeded", delay_s=20)
    async with OpenAiStandin(faults=[fault]) as url, running(llm(url)) as model:
        _, error = await failure_of(model)
    assert str(error) == "llm provider openai: HTTP 429 rate_limit_exceeded, retry after 20 s"
    assert error.retryable


async def test_words_that_are_filtered_are_a_failure() -> None:
    async with OpenAiStandin(finish="content_filter") as url, running(llm(url)) as model:
        _, error = await failure_of(model)
    assert not error.retryable


async def test_a_reply_that_is_cut_for_length_is_a_reply(caplog: pytest.LogCaptureFixture) -> None:
    standin = OpenAiStandin(finish="length")
    async with standin as url, running(llm(url, max_tokens=5)) as model:
        assert said(await ask(model)) == standin.text
    assert "reply is at its longest" in caplog.messages


@pytest.mark.parametrize("text", ["", " "])
async def test_a_reply_of_nothing_is_passed_on(text: str) -> None:
    async with OpenAiStandin(text=text) as url, running(llm(url)) as model:
        assert said(await ask(model)) == text


async def test_surrogates_in_a_result_are_replaced() -> None:
    standin = OpenAiStandin()
    async with standin as url, running(llm(url)) as model:
        await ask(model, [Message("user", "a\ud800 ü")])
    assert standin.bodies[0]["messages"][0]["content"] == "a? ü"


# -- what is asked -------------------------------------------------------------------------------------------------


def test_openai_is_asked_not_to_think_and_not_to_pad() -> None:
    asked = body(max_tokens=90, temperature=0.0, service_tier="fast", prompt_cache_key="a", prompt_cache_ttl="30m")
    assert asked == {
        "model": "gpt-6-luna",
        "messages": [{"role": each.role, "content": each.text} for each in ASKED],
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "temperature": 0.0,
        "max_completion_tokens": 90,
        "reasoning_effort": "none",
        "service_tier": "fast",
        "prompt_cache_key": "a",
        "prompt_cache_options": {"ttl": "30m"},
    }


def test_others_are_asked_only_what_all_know() -> None:
    asked = body(url="http://127.0.0.1:8000/v1", model="qwen", max_tokens=90, extra={"cache_prompt": True})
    assert set(asked) == {"model", "messages", "stream", "stream_options", "max_tokens", "cache_prompt"}
    assert asked["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4o-mini"])
def test_models_that_do_not_think_are_not_told_to(model: str) -> None:
    assert "reasoning_effort" not in body(model=model)
    assert body(model=model, reasoning_effort="low", verbosity="low")["reasoning_effort"] == "low"


def test_what_is_extra_has_the_last_word() -> None:
    assert body(extra={"stream_options": {}, "seed": 1})["stream_options"] == {}


@pytest.mark.parametrize(
    ("arguments", "sent"), [("", "{}"), ("{", "{}"), ("[1]", "{}"), ('{"a": 1}', '{"a": 1}'), ("null", "{}")]
)
def test_arguments_that_are_no_object_are_replayed_as_none(arguments: str, sent: str) -> None:
    messages = [Message("assistant", "Wait.", (ToolCall("c", "status", arguments),))]
    (message,) = OpenAiLlm(OpenAiLlm.Options(api_key=KEY)).body(messages, TOOLS)["messages"]
    assert message["content"] == "Wait."
    assert message["tool_calls"][0] == {
        "id": "c",
        "type": "function",
        "function": {"name": "status", "arguments": sent},
    }


# -- options -------------------------------------------------------------------------------------------------------


async def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(ConfigError, match="needs a key"):
        await OpenAiLlm(OpenAiLlm.Options()).start()
    async with running(OpenAiLlm(OpenAiLlm.Options(url="http://127.0.0.1:9"))) as model:
        assert model.headers() == {}


def test_a_server_is_openai_or_another() -> None:
    with pytest.raises(ConfigError, match="openai or other"):
        OpenAiLlm.Options(server="groq")
    assert not OpenAiLlm(OpenAiLlm.Options(server="other")).is_openai


def test_it_is_found_by_its_name() -> None:
    found = registry.build("llm", {"provider": "openai", "model": "m", "extra": {"a": {"b": 1}}})
    assert isinstance(found, OpenAiLlm)
    assert found.options.extra == {"a": {"b": 1}}
    assert not found.options.warm_prompt


async def test_a_model_that_ends_is_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    async with running(OpenAiLlm(OpenAiLlm.Options(api_key=KEY, model="gpt-4o"))):
        pass
    assert any("switched off" in message for message in caplog.messages)


# -- chunks --------------------------------------------------------------------------------------------------------


def test_a_refusal_is_spoken() -> None:
    assert said(read(answer(), chunk({"refusal": "I cannot."}), STOP)) == "I cannot."


def test_an_answer_ends_with_done_or_with_a_reason() -> None:
    assert read(answer(), chunk({"content": "a"}), DONE) == [TextDelta("a")]
    assert read(answer(), chunk({"content": "a"}), STOP) == [TextDelta("a")]


@pytest.mark.parametrize("data", [[], [chunk({"content": "a"})], [json.dumps({"choices": []})]])
def test_an_answer_without_an_end_was_cut_off(data: list[str]) -> None:
    with pytest.raises(ProviderError, match="in the middle") as raised:
        read(answer(), *data)
    assert raised.value.retryable


def test_done_is_the_end() -> None:
    found = answer()
    read(found, DONE)
    assert found.is_over


def test_the_last_usage_counts() -> None:
    first, last = {"prompt_tokens": 9, "completion_tokens": 1}, {"prompt_tokens": 9, "completion_tokens": 2}
    assert read(answer(), chunk(usage=first), chunk(usage=last), chunk(finish="stop", usage=None)) == [Usage(9, 2)]


def test_unknown_keys_are_ignored() -> None:
    data = chunk({"content": None, "reasoning": "Hm.", "tool_calls": None, "audio": {}}, x_groq={"id": "r"})
    assert read(answer(), data, STOP) == []


def test_calls_with_one_index_are_told_apart_by_id_or_name() -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "x", "arguments": "{}"}},
        {"index": 0, "id": "b", "function": {"name": "x", "arguments": "{"}},
        {"index": 0, "id": "b", "function": {"arguments": "}"}},
        {"function": {"name": "y", "arguments": "{}"}},
    ]
    calls = called(read(answer(), calling(*pieces), STOP))
    assert [(call.name, call.arguments) for call in calls] == [("x", "{}"), ("x", "{}"), ("y", "{}")]
    assert [call.id for call in calls[:2]] == ["a", "b"]
    assert calls[2].id.startswith("call_")


def test_arguments_that_are_no_json_are_passed_on() -> None:
    piece = {"index": 3, "id": "a", "function": {"name": "x", "arguments": '{"id": '}}
    assert read(answer(), calling(piece), chunk(finish="length")) == [ToolCall("a", "x", '{"id": ')]


def test_a_call_without_a_name_is_a_failure() -> None:
    with pytest.raises(ProviderError, match="without a name") as raised:
        read(answer(), calling({"index": 0, "id": "a", "function": {"arguments": "{}"}}), STOP)
    assert raised.value.retryable


@pytest.mark.parametrize("data", ["", "{", "[]", "null", "\x00"])
def test_a_chunk_that_is_none_is_a_failure(data: str) -> None:
    with pytest.raises(ProviderError, match="cannot be read") as raised:
        read(answer(), data)
    assert raised.value.retryable


@pytest.mark.parametrize(
    ("error", "text", "is_retryable"),
    [
        ({"message": "secret", "type": "server_error"}, "reported an error server_error", True),
        ({"message": "secret", "type": "x", "code": "insufficient_quota"}, "an error insufficient_quota", False),
        ({"message": "secret", "type": "BadRequestError", "code": 400}, "an error BadRequestError", False),
        ({"message": "secret", "code": 503}, "reported an error", True),
        ("secret, and more", "reported an error", True),
    ],
)
def test_an_error_in_the_middle_is_a_failure(error: Any, text: str, is_retryable: bool) -> None:
    with pytest.raises(ProviderError, match=text) as raised:
        read(answer(), chunk({"content": "a"}), json.dumps({"error": error}))
    assert raised.value.retryable is is_retryable
    assert "secret" not in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "tool_calls", "function", "index", "usage", "finish_reason", "error"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_garbage_is_skipped_or_a_failure(chunks: list[Any]) -> None:
    found = answer()
    with suppress(ProviderError):
        for each in chunks:
            list(found.read(ServerEvent(json.dumps(each))))
        list(found.finish())


def events(*said: str, reason: str = "") -> list[ServerEvent]:
    """An answer's words, each an event."""
    return [*(ServerEvent(chunk({"content": each})) for each in said), ServerEvent(chunk({}, reason))]


def test_words_that_come_together_are_one_text_of_as_many_pieces() -> None:
    found = answer()
    together = [*events("Hello", " there", ".", reason="stop"), ServerEvent("[DONE]"), *events("never")]
    assert list(found.read_all(together)) == [TextDelta("Hello there.", 3)]
    assert found.is_over


def test_words_ahead_of_a_failure_that_comes_with_them_are_given() -> None:
    deltas: list[Delta] = []
    with pytest.raises(ProviderError, match="filtered"):
        deltas.extend(answer().read_all(events("Hel", "lo", reason="content_filter")))
    assert deltas == [TextDelta("Hello", 2)]


def test_a_lone_event_is_read_as_it_is() -> None:
    assert list(answer().read_all(events("Hello")[:1])) == [TextDelta("Hello")]
    assert list(answer().read_all([])) == []
