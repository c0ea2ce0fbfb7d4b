"""Messages, against the stand-in and as bare events."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.net.sse import ServerEvent
from mediasrv.providers import anthropic, registry
from mediasrv.providers.alternation import GO_ON, OPENING
from mediasrv.providers.anthropic import AnthropicLlm, MessageAnswer
from mediasrv.providers.base import Message, TextDelta, ToolCall, Usage
from native_bench.standins.anthropic import KEY, AnthropicStandin
from native_bench.standins.base import Fault
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

MARK = {"type": "ephemeral", "ttl": "5m"}


def llm(url: str = "", **options: Any) -> AnthropicLlm:
    return AnthropicLlm(AnthropicLlm.Options(url=url, api_key=KEY, **options))


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def text(said: str) -> str:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": said})


def stop(reason: str) -> str:
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 7})


END = event("message_stop")


def answer() -> MessageAnswer:
    return MessageAnswer("anthropic")


# -- with the stand-in -----------------------------------------------------------------------------------------------


async def test_a_reply_comes_in_pieces_with_its_cost() -> None:
    standin = AnthropicStandin()
    async with standin as url, running(llm(url)) as model:
        deltas = await ask(model)
    assert said(deltas) == standin.text
    assert usage_of(deltas) == Usage(40, pieces(deltas))
    assert standin.complaints == []


async def test_tools_are_called_side_by_side_and_their_results_fed_back() -> None:
    standin = AnthropicStandin(calls=CALLS)
    async with standin as url, running(llm(f"{url}/v1")) as model:
        calls = called(await ask(model, tools=TOOLS))
        assert [(call.name, call.arguments) for call in calls] == list(CALLS)
        assert said(await ask(model, answered(calls, ["It left.", ""]), TOOLS)) == standin.text
    assert standin.complaints == []
    results = standin.bodies[1]["messages"][-1]
    assert results == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_0", "content": "It left."},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": ""},
        ],
    }


async def test_the_newest_version_is_spoken_as_well() -> None:
    standin = AnthropicStandin(calls=CALLS)
    async with standin as url, running(llm(url, version="2026-10-21")) as model:
        assert len(called(await ask(model, tools=TOOLS))) == len(CALLS)
    async with standin as url, running(llm(url, version="2026-10-21", temperature=0.5)) as model:
        assert not (await failure_of(model))[1].retryable
    assert standin.complaints == ["sampling parameters are removed"]


@pytest.mark.parametrize("text", ["", " "])
async def test_a_reply_of_nothing_is_passed_on(text: str) -> None:
    async with AnthropicStandin(text=text) as url, running(llm(url)) as model:
        assert said(await ask(model)) == text


async def test_a_refusal_is_a_failure() -> None:
    async with AnthropicStandin(finish="refusal") as url, running(llm(url)) as model:
        _, error = await failure_of(model)
    assert not error.retryable


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
async def test_a_reply_that_is_cut_for_length_is_a_reply(reason: str, caplog: pytest.LogCaptureFixture) -> None:
    standin = AnthropicStandin(finish=reason)
    async with standin as url, running(llm(url)) as model:
        assert said(await ask(model)) == standin.text
    assert "reply is at its longest" in caplog.messages


# -- what is kept at the vendor --------------------------------------------------------------------------------------


async def test_warming_generates_nothing() -> None:
    standin = AnthropicStandin()
    async with standin as url, running(llm(url)) as model:
        await model.warm(ASKED[:1])
        assert len(standin.clients) == 1
        await ask(model)
        assert len(standin.clients) == 1
    warmed, asked = standin.bodies
    assert warmed["max_tokens"] == 0
    assert "stream" not in warmed
    assert "cache_control" not in warmed
    assert warmed["system"] == asked["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert standin.complaints == []


async def test_what_has_gone_stale_is_read_anew_when_a_call_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    standin = AnthropicStandin(faults=[Fault(), Fault(), Fault("refuse", status=500)])
    async with standin as url, running(llm(url)) as model:
        await ask(model, tools=TOOLS)
        await model.prepare()
        assert len(standin.bodies) == 1
        monkeypatch.setattr(anthropic, "_STALE", -1.0)
        await model.prepare()
        asked, filled = standin.bodies
        assert (filled["max_tokens"], filled["tools"], filled["system"]) == (0, asked["tools"], asked["system"])
        assert filled["messages"] == [{"role": "user", "content": [{"type": "text", "text": OPENING}]}]
        await model.prepare()
        assert standin.connections == 3
    assert standin.complaints == []


async def test_without_a_cache_nothing_is_marked_or_warmed() -> None:
    standin = AnthropicStandin()
    async with standin as url, running(llm(url, cache=False)) as model:
        await model.warm(ASKED[:1])
        await ask(model, tools=TOOLS)
    (asked,) = standin.bodies
    assert "cache_control" not in json.dumps(asked)


def test_without_instructions_the_tools_are_marked() -> None:
    asked = llm().body([Message("user", "Hello")], TOOLS)
    assert "system" not in asked
    assert [tool.get("cache_control") for tool in asked["tools"]] == [None, MARK]


# -- what is asked ---------------------------------------------------------------------------------------------------


def test_a_request_says_all_that_was_set() -> None:
    model = llm(max_tokens=90, temperature=0.5, service_tier="auto", speed="fast", cache_ttl="1h", extra={"top_k": 1})
    mark = {"type": "ephemeral", "ttl": "1h"}
    assert model.body(ASKED, TOOLS[:1]) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 90,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": OPENING}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Swift Couriers, how can I help?"}]},
            {"role": "user", "content": [{"type": "text", "text": "Where is my order?"}]},
        ],
        "stream": True,
        "cache_control": mark,
        "temperature": 0.5,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": mark}],
        "tools": [
            {"name": "status", "description": "Look up an order.", "input_schema": dict(TOOLS[0].parameters)},
        ],
        "thinking": {"type": "disabled"},
        "service_tier": "auto",
        "speed": "fast",
        "top_k": 1,
    }
    assert model.headers() == {
        "x-api-key": KEY,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "fast-mode-2026-02-01",
    }


def test_a_model_that_must_think_is_not_kept_from_it() -> None:
    assert "thinking" not in llm(thinking="").body(ASKED, ())
    assert "anthropic-beta" not in llm().headers()


def test_calls_of_other_models_are_renamed_alike() -> None:
    call = ToolCall("call:7/ä", "status", "{broken")
    messages = [Message("assistant", "Wait.", (call,)), Message("tool", "Yes.", tool_call_id=call.id)]
    _, bot, results = llm().body([Message("user", "Hello"), *messages], TOOLS)["messages"]
    assert bot["content"] == [
        {"type": "text", "text": "Wait."},
        {"type": "tool_use", "id": "call_7__", "name": "status", "input": {}},
    ]
    assert results["content"][0]["tool_use_id"] == "call_7__"


def test_a_bot_that_is_to_speak_again_is_told_to() -> None:
    messages = llm().body([*ASKED, Message("assistant", "Hm.")], ())["messages"]
    assert messages[-1] == {"role": "user", "content": [{"type": "text", "text": GO_ON}]}


@pytest.mark.parametrize(
    ("options", "text"), [({"max_tokens": 0}, "at least 1"), ({"cache_ttl": "2h"}, "expected 5m or 1h, got '2h'")]
)
def test_options_that_the_vendor_refuses_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        AnthropicLlm.Options(**options)


def test_it_is_found_by_its_name() -> None:
    assert isinstance(registry.build("llm", {"provider": "anthropic", "cache_ttl": "1h"}), AnthropicLlm)


# -- events ----------------------------------------------------------------------------------------------------------


def test_pings_thoughts_and_unknown_events_are_skipped() -> None:
    thought = event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm."})
    begun = event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
    ended = event("content_block_stop", index=0)
    stray = event("content_block_delta", index=9, delta={"type": "input_json_delta", "partial_json": "{"})
    events = [event("ping"), begun, thought, ended, stray, event("something_new"), "{}", text(""), text("Yes."), END]
    assert read(answer(), *events) == [TextDelta("Yes.")]


def test_text_that_comes_with_its_block_is_said() -> None:
    begun = event("content_block_start", index=0, content_block={"type": "text", "text": "Yes"})
    empty = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    assert said(read(answer(), begun, empty, text("."), END)) == "Yes."


def test_costs_are_totals_of_what_was_read_and_kept() -> None:
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 1}
    start = event("message_start", message={"usage": usage})
    last = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9, "input_tokens": None})
    assert read(answer(), start, last, END) == [Usage(123, 9)]


def test_a_call_is_made_when_its_block_ends() -> None:
    found = answer()
    block = {"type": "tool_use", "id": "t", "name": "status", "input": {"id": "7"}}
    begun = event("content_block_start", index=1, content_block=block)
    assert read(found, begun, finish=False) == []
    ended = event("content_block_stop", index=1)
    assert read(found, ended, finish=False) == [ToolCall("t", "status", '{"id":"7"}')]
    assert read(found, ended, stop("tool_use")) == [Usage(0, 7)]


def test_a_call_that_was_not_finished_is_passed_on_as_it_is() -> None:
    begun = event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "status"})
    part = event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"id'})
    assert read(answer(), begun, part, stop("max_tokens"))[0] == ToolCall("t", "status", '{"id')


def test_an_answer_without_an_end_was_cut_off() -> None:
    with pytest.raises(ProviderError, match="in the middle"):
        read(answer(), text("Yes"))


@pytest.mark.parametrize(
    ("kind", "is_retryable"),
    [
        ("overloaded_error", True),
        ("api_error", True),
        ("rate_limit_error", True),
        ("timeout_error", True),
        ("invalid_request_error", False),
        ("authentication_error", False),
        ("billing_error", False),
        ("permission_error", False),
        ("not_found_error", False),
    ],
)
def test_an_error_in_the_middle_is_a_failure(kind: str, is_retryable: bool) -> None:
    with pytest.raises(ProviderError, match=f"reported an error {kind}") as raised:
        read(answer(), event("error", error={"type": kind, "message": "secret"}))
    assert raised.value.retryable is is_retryable


JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["tool_use", "text", "text_delta", "input_json_delta", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "index", "delta", "content_block", "usage", "text"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
KINDS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "x"]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(["index", "delta"]), JSON))))
def test_garbage_is_skipped_or_a_failure(events: list[tuple[str, dict[str, Any]]]) -> None:
    found = answer()
    with suppress(ProviderError):
        for kind, fields in events:
            list(found.read(ServerEvent(event(kind, **fields))))
        list(found.finish())
