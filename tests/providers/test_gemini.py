"""Gemini, against the stand-in and as bare partial responses."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ProviderError
from mediasrv.net.sse import ServerEvent
from mediasrv.providers import registry
from mediasrv.providers.alternation import OPENING
from mediasrv.providers.base import Message, TextDelta, ToolCall, Usage
from mediasrv.providers.gemini import UNSIGNED, ContentAnswer, GeminiLlm
from native_bench.standins.gemini import KEY, SIGNATURE, GeminiStandin
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


def llm(url: str = "", **options: Any) -> GeminiLlm:
    return GeminiLlm(GeminiLlm.Options(url=url, api_key=KEY, **options))


def partial(*parts: Any, finish: Any = None, **more: Any) -> str:
    end = {"finishReason": finish} if finish else {}
    return json.dumps({"candidates": [{"content": {"role": "model", "parts": parts}, **end}], **more})


def answer() -> ContentAnswer:
    return ContentAnswer("gemini")


# -- with the stand-in -----------------------------------------------------------------------------------------------


async def test_a_reply_comes_in_pieces_with_its_cost(caplog: pytest.LogCaptureFixture) -> None:
    standin = GeminiStandin()
    async with standin as url, running(llm(url)) as model:
        deltas = await ask(model)
    assert said(deltas) == standin.text
    assert usage_of(deltas) == Usage(40, pieces(deltas) + 2)
    assert standin.complaints == caplog.messages == []


async def test_tools_are_called_side_by_side_and_their_results_fed_back() -> None:
    standin = GeminiStandin(calls=CALLS)
    async with standin as url, running(llm(f"{url}/v1beta")) as model:
        calls = called(await ask(model, tools=TOOLS))
        assert [(call.name, call.arguments) for call in calls] == list(CALLS)
        assert [call.signature for call in calls] == [SIGNATURE, ""]
        assert len({call.id for call in calls}) == 2
        assert said(await ask(model, answered(calls, ["It left.", ""]), TOOLS)) == standin.text
    assert standin.complaints == []
    bot, results = standin.bodies[1]["contents"][-2:]
    assert bot["parts"][0]["thoughtSignature"] == SIGNATURE
    assert results["role"] == "user"
    assert [part["functionResponse"]["response"] for part in results["parts"]] == [
        {"output": "It left."},
        {"output": ""},
    ]


async def test_calls_of_another_model_are_taken_without_a_signature() -> None:
    standin = GeminiStandin()
    calls = [ToolCall("a", *CALLS[0]), ToolCall("b", "weather", "{broken")]
    async with standin as url, running(llm(url)) as model:
        assert said(await ask(model, answered(calls, ["It left.", "Rain."]), TOOLS)) == standin.text
    assert standin.complaints == []
    first, second = standin.bodies[0]["contents"][-2]["parts"]
    assert first["thoughtSignature"] == UNSIGNED
    assert second == {"functionCall": {"id": "b", "name": "weather", "args": {}}}


async def test_a_model_that_does_not_sign_is_spared_signatures() -> None:
    standin = GeminiStandin()
    calls = [ToolCall("a", *CALLS[0])]
    async with standin as url, running(llm(url, model="models/gemini-2.5-flash")) as model:
        assert said(await ask(model, answered(calls, ["It left."]), TOOLS)) == standin.text
    assert "thoughtSignature" not in json.dumps(standin.bodies)
    assert standin.bodies[0]["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}
    assert standin.complaints == []


@pytest.mark.parametrize("text", ["", " "])
async def test_a_reply_of_nothing_is_passed_on(text: str) -> None:
    async with GeminiStandin(text=text) as url, running(llm(url)) as model:
        assert said(await ask(model)) == text


@pytest.mark.parametrize(
    ("reason", "is_retryable"),
    [
        ("SAFETY", False),
        ("RECITATION", False),
        ("BLOCKLIST", False),
        ("PROHIBITED_CONTENT", False),
        ("SPII", False),
        ("MISSING_THOUGHT_SIGNATURE", False),
        ("MALFORMED_FUNCTION_CALL", True),
        ("UNEXPECTED_TOOL_CALL", True),
        ("MALFORMED_RESPONSE", True),
    ],
)
async def test_some_reasons_to_stop_are_failures(reason: str, is_retryable: bool) -> None:
    async with GeminiStandin(finish=reason) as url, running(llm(url)) as model:
        _, error = await failure_of(model)
    assert str(error) == f"llm provider gemini: stopped: {reason}"
    assert error.retryable is is_retryable


async def test_a_reply_that_is_cut_for_length_is_a_reply(caplog: pytest.LogCaptureFixture) -> None:
    standin = GeminiStandin(finish="MAX_TOKENS")
    async with standin as url, running(llm(url, max_tokens=90)) as model:
        assert said(await ask(model)) == standin.text
    assert "reply is at its longest" in caplog.messages


# -- what is asked ---------------------------------------------------------------------------------------------------


def test_a_request_says_all_that_was_set() -> None:
    model = llm(max_tokens=90, temperature=0.5, service_tier="priority", extra={"labels": {"a": "b"}})
    assert model.body(ASKED, TOOLS[:1]) == {
        "contents": [
            {"role": "user", "parts": [{"text": OPENING}]},
            {"role": "model", "parts": [{"text": "Swift Couriers, how can I help?"}]},
            {"role": "user", "parts": [{"text": "Where is my order?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "status",
                        "description": "Look up an order.",
                        "parametersJsonSchema": dict(TOOLS[0].parameters),
                    }
                ]
            }
        ],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 90,
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
        },
        "serviceTier": "priority",
        "labels": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({"thinking": "low"}, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
        ({"thinking": ""}, None),
        ({"thinking": "low", "model": "gemini-2.5-flash"}, None),
        ({"thinking": "", "model": "gemini-2.5-flash"}, None),
    ],
)
def test_thinking_is_as_it_was_set(options: dict[str, Any], config: Any) -> None:
    assert llm(**options).body([Message("user", "Hello")], ()).get("generationConfig") == config


def test_a_model_is_named_in_the_url_and_the_key_is_not() -> None:
    url = llm("https://example.com", model="models/a/b?c").url
    assert url == "https://example.com/v1beta/models/a%2Fb%3Fc:streamGenerateContent?alt=sse"


def test_a_result_of_an_unknown_call_has_some_name() -> None:
    (content,) = llm().body([Message("tool", "Yes.", tool_call_id="x")], ())["contents"]
    assert content["parts"][0]["functionResponse"]["name"] == "unknown"


def test_it_is_found_by_its_name() -> None:
    assert isinstance(registry.build("llm", {"provider": "gemini", "thinking": "low"}), GeminiLlm)


# -- partial responses -----------------------------------------------------------------------------------------------


def test_thoughts_and_unknown_parts_are_skipped() -> None:
    parts = [{"text": "Hm.", "thought": True}, {"inlineData": {}}, {"text": ""}, {"text": "Yes."}]
    assert read(answer(), partial(*parts, finish="STOP"), "{}") == [TextDelta("Yes.")]


def test_a_call_keeps_its_id_and_its_signature() -> None:
    part = {"functionCall": {"id": "f", "name": "status", "args": {"id": "7"}}, "thoughtSignature": "cw=="}
    (call,) = read(answer(), partial(part, finish="STOP"))
    assert call == ToolCall("f", "status", '{"id":"7"}', "cw==")


def test_a_call_without_arguments_has_none() -> None:
    (call,) = called(read(answer(), partial({"functionCall": {"name": "weather"}}, finish="STOP")))
    assert (call.arguments, call.id.startswith("call_")) == ("{}", True)


def test_a_request_that_is_blocked_is_a_failure() -> None:
    with pytest.raises(ProviderError, match="blocked the request: SAFETY") as raised:
        read(answer(), json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert not raised.value.retryable


def test_an_answer_without_a_reason_was_cut_off() -> None:
    with pytest.raises(ProviderError, match="in the middle"):
        read(answer(), partial({"text": "Yes"}))


@pytest.mark.parametrize(("code", "status", "is_retryable"), [(503, "UNAVAILABLE", True), (400, "INVALID_X", False)])
def test_an_error_in_the_middle_is_a_failure(code: int, status: str, is_retryable: bool) -> None:
    with pytest.raises(ProviderError, match=f"reported an error {status}") as raised:
        read(answer(), json.dumps({"error": {"code": code, "message": "secret", "status": status}}))
    assert raised.value.retryable is is_retryable


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["candidates", "content", "parts", "functionCall", "args", "usageMetadata", "text", "promptFeedback"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_garbage_is_skipped_or_a_failure(events: list[Any]) -> None:
    found = answer()
    with suppress(ProviderError):
        for each in events:
            list(found.read(ServerEvent(json.dumps(each))))
        list(found.finish())
