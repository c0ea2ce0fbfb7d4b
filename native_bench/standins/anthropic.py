"""Anthropic's ``/v1/messages``, in the version of 2023 and in that of 2026, which takes no sampling parameters.

The key may come as ``x-api-key``, which the documentation shows, or as a bearer token, which the newest client sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Standin
from native_bench.standins.chat import ChatStandin, bearer, halves, sse, words

KEY = "an-key"
VERSIONS = ("2023-06-01", "2026-10-21")
_PARAMETERS = (
    "cache_control container diagnostics inference_geo max_tokens mcp_servers messages metadata model output_config "
    "service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p"
)
_SAMPLING = ("temperature", "top_p", "top_k")
_MOST_MARKS = 4


class AnthropicStandin(ChatStandin):
    """Messages."""

    name: ClassVar[str] = "anthropic"
    path = "/v1/messages"

    def admit(self, request: web.Request, body: Mapping[str, Any]) -> None:
        headers = request.headers
        self.require(KEY in (headers.get("x-api-key"), bearer(request)), 401, "wrong key")
        version = headers.get("anthropic-version")
        self.require(version in VERSIONS, 400, "a version is needed")
        samples = version == VERSIONS[0] or not any(key in body for key in _SAMPLING)
        self.require(samples, 400, "sampling parameters are removed")
        self.require(request.content_type == "application/json", 400, "the body must be JSON")
        self.require_known(body, _PARAMETERS.split())
        self.require(isinstance(body.get("model"), str) and body["model"] != "", 400, "a model is needed")
        most = body.get("max_tokens")
        self.require(type(most) is int and most >= 0, 400, "max_tokens is needed")
        self.require(body.get("service_tier", "auto") in ("auto", "standard_only"), 400, "unknown service_tier")
        marks = orjson.dumps(body).count(b'"cache_control"')
        self.require(marks <= _MOST_MARKS, 400, f"{marks} cache_control marks")
        for block in body["system"] if isinstance(body.get("system"), list) else ():
            self.require(bool(block.get("text", "").strip()), 400, "blank system text")
        for tool in body.get("tools", ()):
            fits = bool(tool.get("name")) and tool.get("input_schema", {}).get("type") == "object"
            self.require(fits, 400, "a tool is broken")
        messages = body.get("messages")
        self.require(isinstance(messages, list) and len(messages) > 0, 400, "messages are needed")
        check_messages(self, body["messages"])

    async def whole(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if body.get("stream"):
            return None
        content = [{"type": "text", "text": self.text}] if body["max_tokens"] else []
        stop = {"stop_reason": "end_turn" if content else "max_tokens", "stop_sequence": None}
        return {**_HEAD, "content": content, **stop, "usage": {"input_tokens": 40, "output_tokens": len(content)}}

    def events(self, body: Mapping[str, Any]) -> Iterable[bytes]:
        last = body["messages"][-1]["content"]
        has_results = isinstance(last, list) and last[0]["type"] == "tool_result"
        asks_tools = bool(self.calls and body.get("tools") and not has_results)
        kept = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 30}
        start = {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1, **kept}}
        yield _event("message_start", message={**_HEAD, "content": [], **start})
        if asks_tools:
            for index, call in enumerate(self.calls):
                yield from _tool_use(index, *call)
        else:
            yield from self._said()
        yield _event(
            "message_delta",
            delta={"stop_reason": self.finish or ("tool_use" if asks_tools else "end_turn"), "stop_sequence": None},
            usage={"output_tokens": len(words(self.text))},
        )
        yield _event("message_stop")

    def error(self, status: int, kind: str) -> Mapping[str, Any]:
        return {"type": "error", "error": {"type": kind or "api_error", "message": f"broken with {KEY}"}}

    def error_event(self, kind: str) -> bytes:
        return sse(self.error(200, kind), "error")

    def _said(self) -> Iterable[bytes]:
        yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield _event("ping")
        for word in words(self.text):
            yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
        yield _event("content_block_stop", index=0)


def check_messages(standin: Standin, messages: Sequence[Mapping[str, Any]]) -> None:
    """Whether roles, blocks and the results of tools fit."""
    standin.require(messages[0].get("role") == "user", 400, "the first message must be the user's")
    standin.require(messages[-1].get("role") == "user", 400, "this model does not support prefill")
    open_calls: list[str] = []
    for message in messages:
        standin.require(message.get("role") in ("user", "assistant"), 400, f"unknown role {message.get('role')!r}")
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        standin.require(bool(blocks), 400, "a message needs content")
        for block in blocks:
            standin.require(block["type"] != "text" or block["text"].strip() != "", 400, "blank text")
            known = block["type"] in ("text", "tool_use", "tool_result")
            standin.require(known, 400, f"unknown block {block['type']!r}")
        results = [block["tool_use_id"] for block in blocks[: len(open_calls)] if block["type"] == "tool_result"]
        standin.require(sorted(results) == sorted(open_calls), 400, "calls without results right behind them")
        calls = [block for block in blocks if block["type"] == "tool_use"]
        standin.require(all(isinstance(call["input"], dict) for call in calls), 400, "input must be an object")
        open_calls = [call["id"] for call in calls]
        names = all(id_.replace("-", "_").isidentifier() or id_.replace("-", "_").isalnum() for id_ in open_calls)
        standin.require(names, 400, "an id is broken")


_HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "stand-in"}


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


def _tool_use(index: int, name: str, arguments: str) -> Iterable[bytes]:
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    yield _event("content_block_start", index=index, content_block=block)
    for part in ("", *halves(arguments)):
        yield _event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": part})
    yield _event("content_block_stop", index=index)
