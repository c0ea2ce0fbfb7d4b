"""OpenAI's Chat Completions, and every server that speaks like it: vLLM, llama.cpp, Ollama, Groq, gateways.

They differ from OpenAI in what they take and in how they cut their answers. So only what all of them know is sent to
others, unless it is asked for, and the answer may come with usage on every chunk or none, tool calls whole or in
pieces, with an index or without, and end with ``[DONE]`` or just end. Source: OpenAI's own Python client, vLLM's,
llama.cpp's and Ollama's documentation.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from mediasrv.errors import ConfigError
from mediasrv.net.origin import Query
from mediasrv.net.sse import ServerEvent
from mediasrv.providers.alternation import arguments_of
from mediasrv.providers.answer import Answer
from mediasrv.providers.base import Delta, Message, TextDelta, ToolCall, ToolSpec
from mediasrv.providers.httpllm import HttpLlm, LlmOptions
from mediasrv.providers.loosejson import count, first, table, tables, text

ORIGIN = "https://api.openai.com/v1"
# They refuse to be told how much to think.
_THOUGHTLESS = ("gpt-3", "gpt-4")


class ChatAnswer(Answer):
    """Chunks of a chat completion."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._calls: dict[int, list[_Call]] = {}
        self._usage: Mapping[str, Any] = {}
        self._is_complete = False

    def read(self, event: ServerEvent) -> Iterable[Delta]:
        if event.data.startswith("[DONE]"):
            self.is_over = self._is_complete = True
            return
        chunk = self.parse(event)
        self._usage = table(chunk, "usage") or self._usage
        choice = first(chunk, "choices")
        delta = table(choice, "delta")
        for key in ("content", "refusal"):
            if said := text(delta, key):
                yield TextDelta(said)
        for piece in tables(delta, "tool_calls"):
            self._take(piece)
        if reason := text(choice, "finish_reason"):
            self._stop(reason)

    def finish(self) -> Iterable[Delta]:
        if not self._is_complete:
            raise self.cut_off()
        for call in (each for index in sorted(self._calls) for each in self._calls[index]):
            if not call.name:
                raise self.failure("called a tool without a name", retryable=True)
            yield ToolCall(call.id or f"call_{secrets.token_hex(12)}", call.name, call.arguments)
        yield from self.usage(count(self._usage, "prompt_tokens"), count(self._usage, "completion_tokens"))

    def _take(self, piece: Mapping[str, Any]) -> None:
        """Take a piece of a tool call. Servers that send calls whole give all of them the same index, or none."""
        function = table(piece, "function")
        id_, name = text(piece, "id"), text(function, "name")
        calls = self._calls.setdefault(count(piece, "index"), [])
        if not calls or calls[-1].is_before(id_, name):
            calls.append(_Call())
        call = calls[-1]
        call.id, call.name = call.id or id_, call.name or name
        call.arguments += text(function, "arguments")

    def _stop(self, reason: str) -> None:
        self._is_complete = True
        if reason == "content_filter":
            raise self.failure("filtered its answer", retryable=False)
        if reason == "length":
            self.note_length()


@dataclass(slots=True)
class _Call:
    """A tool call in the making."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def is_before(self, id_: str, name: str) -> bool:
        """Whether a piece with these is of another call."""
        return bool(self.id and id_ != self.id) if id_ else bool(name and self.name)


class OpenAiLlm(HttpLlm):
    """Any server of chat completions."""

    name = "openai"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(LlmOptions):
        """Keys of ``provider = "openai"``."""

        model: str = "gpt-6-luna"
        server: str = ""
        """``openai`` for OpenAI itself and what is exactly like it, ``other``; empty: as the ``url`` tells."""
        reasoning_effort: str = ""
        """``none`` to ``max``, as the model knows it; empty: ``none`` at OpenAI, not sent to others."""
        verbosity: str = ""
        """``low``, ``medium`` or ``high``."""
        prompt_cache_key: str = ""
        """Calls with the same key are sent where their common beginning is known; one for each agent."""
        prompt_cache_ttl: str = ""
        """How long a beginning is kept at least, such as ``30m``; from gpt-5.6 on."""

        def __post_init__(self) -> None:
            if self.server not in ("", "openai", "other"):
                raise ConfigError(f"server: expected openai or other, got {self.server!r}")

    options: Options

    def check(self) -> None:
        # Servers of one's own often have no key.
        if self.is_openai:
            super().check()

    @cached_property
    def is_openai(self) -> bool:
        """Whether it takes all that OpenAI itself takes."""
        own_host = urlsplit(self.options.url or ORIGIN).hostname == urlsplit(ORIGIN).hostname
        return self.options.server == "openai" or (not self.options.server and own_host)

    def target(self) -> tuple[str, Query]:
        return "/chat/completions", {}

    def headers(self) -> Mapping[str, str]:
        key = self.options.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        options = self.options
        fields: dict[str, Any] = {
            "max_completion_tokens" if self.is_openai else "max_tokens": options.max_tokens,
            "reasoning_effort": options.reasoning_effort or self._least_effort(),
            "verbosity": options.verbosity,
            "service_tier": options.service_tier,
            "prompt_cache_key": options.prompt_cache_key,
            "prompt_cache_options": {"ttl": options.prompt_cache_ttl} if options.prompt_cache_ttl else None,
            "tools": [_tool(each) for each in tools],
        }
        return {
            "model": options.model,
            "messages": [_message(each) for each in messages],
            "stream": True,
            # OpenAI pads each chunk to hide its length, others do not know the word.
            "stream_options": {"include_usage": True} | ({"include_obfuscation": False} if self.is_openai else {}),
            **({"temperature": options.temperature} if options.temperature >= 0 else {}),
            **{key: value for key, value in fields.items() if value},
            **options.extra,
        }

    def answer(self) -> Answer:
        return ChatAnswer(self.name)

    def _least_effort(self) -> str:
        return "none" if self.is_openai and not self.options.model.startswith(_THOUGHTLESS) else ""


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
    if not message.tool_calls:
        return {"role": message.role, "content": message.text}
    calls = [_called(each) for each in message.tool_calls]
    return {"role": message.role, "content": message.text or None, "tool_calls": calls}


def _called(call: ToolCall) -> dict[str, Any]:
    # Servers that read the arguments of past calls fail on those that are no object.
    arguments = call.arguments if arguments_of(call) else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}
