"""OpenAI's ``/v1/chat/completions``, and the servers that are like it.

With ``quirks=1`` it is one of those: no key is asked for, and the answer comes with everything that any of them does
otherwise: comments, reasoning, no role, usage on every chunk, tool calls whole and without an index, no ``[DONE]`` and
no blank line at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from aiohttp import web

from native_bench.standins.base import Standin
from native_bench.standins.chat import ChatStandin, bearer, halves, sse, words

KEY = "oa-key"
_PARAMETERS = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class OpenAiStandin(ChatStandin):
    """Chat completions."""

    name: ClassVar[str] = "openai"
    path = "/v1/chat/completions"

    def __init__(self, *, quirks: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.quirks = bool(quirks)

    def admit(self, request: web.Request, body: Mapping[str, Any]) -> None:
        if not self.quirks:
            self.require(bearer(request) == KEY, 401, "wrong key")
            self.require_known(body, _PARAMETERS.split())
        self.require(request.content_type == "application/json", 400, "the body must be JSON")
        self.require(isinstance(body.get("model"), str) and body["model"] != "", 400, "a model is needed")
        self.require(body.get("reasoning_effort", "none") in _EFFORTS, 400, "unknown reasoning_effort")
        self.require("stream_options" not in body or body.get("stream") is True, 400, "stream_options need a stream")
        messages = body.get("messages")
        self.require(isinstance(messages, list) and len(messages) > 0, 400, "messages are needed")
        check_messages(self, body["messages"])
        for tool in body.get("tools", ()):
            function = tool.get("function", {})
            self.require(tool.get("type") == "function" and bool(function.get("name")), 400, "a tool needs a name")

    def events(self, body: Mapping[str, Any]) -> Iterable[bytes]:
        wants_usage = body.get("stream_options", {}).get("include_usage", False)
        asks_tools = bool(self.calls and body.get("tools") and body["messages"][-1]["role"] != "tool")
        reason = self.finish or ("tool_calls" if asks_tools else "stop")
        deltas = self._calls() if asks_tools else [{"content": word} for word in words(self.text)]
        usage = {"prompt_tokens": 40, "completion_tokens": len(deltas), "total_tokens": 40 + len(deltas)}
        if self.quirks:
            yield b": keep-alive\n\n"
            yield _chunk({"reasoning_content": "Hm."}, usage=usage)
            for delta in deltas:
                yield _chunk(delta, usage=usage).replace(b"\n", b"\r\n")
            yield _chunk({}, reason, usage=usage).rstrip()
            return
        yield _chunk({"role": "assistant", "content": "", "refusal": None})
        for delta in deltas:
            yield _chunk(delta)
        yield _chunk({}, reason)
        if wants_usage:
            yield sse({**_HEAD, "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    def error(self, status: int, kind: str) -> Mapping[str, Any]:
        return {"error": {"message": f"broken with {KEY}", "type": kind or "server_error", "param": None, "code": None}}

    def error_event(self, kind: str) -> bytes:
        return sse(self.error(200, kind))

    def _calls(self) -> list[dict[str, Any]]:
        """All calls begin before any of them has its arguments, so that only the index tells them apart."""
        heads: list[dict[str, Any]] = []
        pieces: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        for index, (name, arguments) in enumerate(self.calls):
            head = {"id": f"call_{index}", "type": "function"}
            if self.quirks:
                heads.append({**head, "function": {"name": name, "arguments": arguments}})
                continue
            heads.append({"index": index, **head, "function": {"name": name, "arguments": ""}})
            for place, half in zip(pieces, halves(arguments), strict=True):
                place.append({"index": index, "function": {"arguments": half}})
        return [{"tool_calls": heads}, *({"tool_calls": [piece]} for place in pieces for piece in place)]


def check_messages(standin: Standin, messages: Sequence[Mapping[str, Any]]) -> None:
    """Whether roles, contents and the results of tools fit."""
    open_calls: set[str] = set()
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role == "tool":
            standin.require(message.get("tool_call_id") in open_calls, 400, "a result answers no call")
            open_calls.discard(message["tool_call_id"])
            continue
        standin.require(not open_calls, 400, "a call has no result")
        standin.require(role in ("system", "developer", "user", "assistant"), 400, f"unknown role {role!r}")
        calls = message.get("tool_calls") or []
        standin.require(isinstance(content, str | list) or bool(calls), 400, "a message needs content")
        for call in calls:
            function = call.get("function", {})
            fits = (
                call.get("type") == "function" and function.get("name") and isinstance(function.get("arguments"), str)
            )
            standin.require(bool(fits), 400, "a call is broken")
            open_calls.add(call["id"])
    standin.require(not open_calls, 400, "a call has no result")


_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_000_000, "model": "stand-in"}


def _chunk(delta: Mapping[str, Any], reason: str | None = None, usage: Mapping[str, Any] | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return sse({**_HEAD, "choices": [choice], "usage": usage})
