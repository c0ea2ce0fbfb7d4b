"""Anthropic's Messages.

Two marks say what the vendor is to keep for later requests: one behind tools and instructions, which all calls of an
agent share, and one behind the conversation so far. A request for no tokens fills the first without an answer; it is
made at start, and again when a call rings after what is kept has gone stale. Source: Anthropic's own Python client, and
its guide to streaming.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import orjson

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.net.origin import Query
from mediasrv.net.sse import ServerEvent
from mediasrv.providers.alternation import Side, alternate, arguments_of
from mediasrv.providers.answer import Answer
from mediasrv.providers.base import Delta, Message, TextDelta, ToolCall, ToolSpec
from mediasrv.providers.httpllm import WARM_LIMIT_S, HttpLlm, LlmOptions, read_some
from mediasrv.providers.loosejson import count, table, text
from mediasrv.providers.vigil import Vigil

ORIGIN = "https://api.anthropic.com/v1"
FAST_MODE = "fast-mode-2026-02-01"

_TTL_S = {"5m": 300.0, "1h": 3600.0}
# Of its time, before what is kept is read anew when a call rings: the conversation needs it for a while yet.
_STALE = 0.8


class MessageAnswer(Answer):
    """Events of a message."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._calls: dict[int, _Call] = {}
        self._usage: dict[str, Any] = {}
        self._is_complete = False

    def read(self, event: ServerEvent) -> Iterable[Delta]:
        found = self.parse(event)
        index = count(found, "index")
        match found.get("type"):
            case "message_start":
                self._note(table(table(found, "message"), "usage"))
            case "content_block_start":
                yield from self._begin(index, table(found, "content_block"))
            case "content_block_delta":
                yield from self._take(index, table(found, "delta"))
            case "content_block_stop" if index in self._calls:
                yield self._calls.pop(index).made()
            case "message_delta":
                self._note(table(found, "usage"))
                self._stop(text(table(found, "delta"), "stop_reason"))
            case "message_stop":
                self.is_over = self._is_complete = True

    def finish(self) -> Iterable[Delta]:
        if not self._is_complete:
            raise self.cut_off()
        yield from (self._calls[index].made() for index in sorted(self._calls))
        prompt = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        yield from self.usage(sum(count(self._usage, key) for key in prompt), count(self._usage, "output_tokens"))

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterable[Delta]:
        if block.get("type") == "tool_use":
            self._calls[index] = _Call(text(block, "id"), text(block, "name"), table(block, "input"))
        elif block.get("type") == "text" and text(block, "text"):
            yield TextDelta(text(block, "text"))

    def _take(self, index: int, delta: Mapping[str, Any]) -> Iterable[Delta]:
        if delta.get("type") == "text_delta" and text(delta, "text"):
            yield TextDelta(text(delta, "text"))
        elif delta.get("type") == "input_json_delta" and index in self._calls:
            self._calls[index].written += text(delta, "partial_json")

    def _note(self, usage: Mapping[str, Any]) -> None:
        """Each count is a total; those that are not repeated stand."""
        self._usage |= {key: value for key, value in usage.items() if value is not None}

    def _stop(self, reason: str) -> None:
        self._is_complete = self._is_complete or bool(reason)
        if reason == "refusal":
            raise self.failure("refused to answer", retryable=False)
        if reason in ("max_tokens", "model_context_window_exceeded"):
            self.note_length()


@dataclass(slots=True)
class _Call:
    """A tool call in the making."""

    id: str
    name: str
    given: Mapping[str, Any]
    """Arguments that came with its beginning."""
    written: str = ""

    def made(self) -> ToolCall:
        return ToolCall(self.id, self.name, self.written or orjson.dumps(self.given).decode())


class AnthropicLlm(HttpLlm):
    """Claude."""

    name = "anthropic"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(LlmOptions):
        """Keys of ``provider = "anthropic"``."""

        model: str = "claude-haiku-4-5"
        max_tokens: int = 1024
        """Longest reply; a word is about 1.3 tokens."""
        thinking: str = "disabled"
        """A caller waits while it thinks. Empty: not sent, for models that cannot be kept from it."""
        warm_prompt: bool = True
        """Have instructions and tools read when the server starts, and when a call rings after they were forgotten."""
        cache: bool = True
        """Have the vendor keep instructions, tools and the conversation from turn to turn."""
        cache_ttl: str = "5m"
        """How long it keeps them: ``5m`` or, dearer, ``1h``."""
        version: str = "2023-06-01"
        """Of the interface; from ``2026-10-21`` on, it takes no temperature."""
        speed: str = ""
        """``fast`` for more words a second, where the model can."""

        def __post_init__(self) -> None:
            if self.max_tokens < 1:
                raise ConfigError("max_tokens must be at least 1")
            if self.cache_ttl not in _TTL_S:
                raise ConfigError(f"cache_ttl: expected {' or '.join(_TTL_S)}, got {self.cache_ttl!r}")

    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._beginning: tuple[Sequence[Message], Sequence[ToolSpec]] | None = None
        self._used_s = 0.0

    def target(self) -> tuple[str, Query]:
        return "/messages", {}

    def headers(self) -> Mapping[str, str]:
        options = self.options
        beta = {"anthropic-beta": FAST_MODE} if options.speed else {}
        return {"x-api-key": options.api_key, "anthropic-version": options.version, **beta}

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        options, dialogue = self.options, alternate(messages)
        mark = {"cache_control": {"type": "ephemeral", "ttl": options.cache_ttl}} if options.cache else {}
        specs = [_tool(each) for each in tools]
        if specs and not dialogue.instructions:
            specs[-1] |= mark
        fields: dict[str, Any] = {
            "system": [{"type": "text", "text": dialogue.instructions, **mark}] if dialogue.instructions else None,
            "tools": specs,
            "thinking": {"type": options.thinking} if options.thinking else None,
            "service_tier": options.service_tier,
            "speed": options.speed,
        }
        return {
            "model": options.model,
            "max_tokens": options.max_tokens,
            "messages": [_message(side) for side in dialogue.sides],
            "stream": True,
            **mark,
            **({"temperature": options.temperature} if options.temperature >= 0 else {}),
            **{key: value for key, value in fields.items() if value},
            **options.extra,
        }

    def answer(self) -> Answer:
        return MessageAnswer(self.name)

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        self._remember(messages, tools)
        return super().reply(messages, tools)

    async def prepare(self) -> None:
        """Have a connection open and, when it has gone stale, the last agent's beginning read anew."""
        is_stale = asyncio.get_running_loop().time() > self._used_s + _STALE * _TTL_S[self.options.cache_ttl]
        if self._beginning is None or not is_stale or not self._warms:
            await super().prepare()
            return
        with suppress(ProviderError, TimeoutError):
            async with asyncio.timeout(WARM_LIMIT_S):
                await self._fill(*self._beginning)

    async def warm_prompt(self, messages: Sequence[Message]) -> None:
        if self._warms:
            await self._fill(messages, ())

    @property
    def _warms(self) -> bool:
        return self.options.warm_prompt and self.options.cache

    async def _fill(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> None:
        """Have what a conversation begins with kept; nothing is generated."""
        body = self.body(messages, tools) | {"max_tokens": 0}
        # No stream of nothing, and no mark behind a conversation that will go another way.
        del body["stream"], body["cache_control"]
        self._remember(messages, tools)
        await read_some(await self.post(body, Vigil(WARM_LIMIT_S)))

    def _remember(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> None:
        self._beginning = list(takewhile(lambda each: each.role == "system", messages)), tools
        self._used_s = asyncio.get_running_loop().time()


def _message(side: Side) -> dict[str, Any]:
    blocks = [block for message in side.messages for block in _blocks(message)]
    return {"role": "user" if side.is_caller else "assistant", "content": blocks}


def _blocks(message: Message) -> Iterable[dict[str, Any]]:
    if message.role == "tool":
        yield {"type": "tool_result", "tool_use_id": _id(message.tool_call_id), "content": message.text}
        return
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    for call in message.tool_calls:
        yield {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments_of(call)}


def _id(foreign: str) -> str:
    """A call's name as this vendor takes it: another one may have made the call."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", foreign) or "_"


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}
