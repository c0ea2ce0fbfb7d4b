"""Google's Gemini, ``streamGenerateContent``.

Each event is a whole partial response; there is no end mark, the body ends. A model that thinks signs its first call of
a tool in each step, and refuses a history in which that signature is missing; where another model made the call, the
vendor's own word for that stands in. Source: Google's own Python client, and its guides to function calling and to
thought signatures.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from mediasrv.net.origin import Query
from mediasrv.net.sse import ServerEvent
from mediasrv.providers.alternation import Side, alternate, arguments_of
from mediasrv.providers.answer import Answer
from mediasrv.providers.base import Delta, Message, TextDelta, ToolCall, ToolSpec
from mediasrv.providers.httpllm import HttpLlm, LlmOptions
from mediasrv.providers.loosejson import count, table, tables, text, word

ORIGIN = "https://generativelanguage.googleapis.com/v1beta"
UNSIGNED = "skip_thought_signature_validator"
"""In the place of a signature that was never given."""

# Of the reasons to stop, those of the model's own clumsiness: another attempt may do better.
_CLUMSY = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"})
_FINAL = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MISSING_THOUGHT_SIGNATURE"})


class ContentAnswer(Answer):
    """Partial responses."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._usage: Mapping[str, Any] = {}
        self._is_complete = False

    def read(self, event: ServerEvent) -> Iterable[Delta]:
        found = self.parse(event)
        self._usage = table(found, "usageMetadata") or self._usage
        if reason := word(table(found, "promptFeedback").get("blockReason")):
            raise self.failure(f"blocked the request: {reason}", retryable=False)
        for candidate in tables(found, "candidates")[:1]:
            for part in tables(table(candidate, "content"), "parts"):
                yield from self._take(part)
            self._stop(text(candidate, "finishReason"))

    def finish(self) -> Iterable[Delta]:
        if not self._is_complete:
            raise self.cut_off()
        completion = count(self._usage, "candidatesTokenCount") + count(self._usage, "thoughtsTokenCount")
        yield from self.usage(count(self._usage, "promptTokenCount"), completion)

    def _take(self, part: Mapping[str, Any]) -> Iterable[Delta]:
        if part.get("thought") is True:
            return
        if text(part, "text"):
            yield TextDelta(text(part, "text"))
        if call := table(part, "functionCall"):
            id_ = text(call, "id") or f"call_{secrets.token_hex(12)}"
            arguments = orjson.dumps(table(call, "args")).decode()
            yield ToolCall(id_, text(call, "name"), arguments, text(part, "thoughtSignature"))

    def _stop(self, reason: str) -> None:
        self._is_complete = self._is_complete or bool(reason)
        if reason in _CLUMSY | _FINAL:
            raise self.failure(f"stopped: {reason}", retryable=reason in _CLUMSY)
        if reason == "MAX_TOKENS":
            self.note_length()


class GeminiLlm(HttpLlm):
    """Gemini."""

    name = "gemini"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(LlmOptions):
        """Keys of ``provider = "gemini"``."""

        model: str = "gemini-3.6-flash"
        thinking: str = "minimal"
        """``minimal`` to ``xhigh``, as the model knows it: a caller waits meanwhile. Empty: as the model is set up."""

    options: Options

    def target(self) -> tuple[str, Query]:
        model = quote(self.options.model.removeprefix("models/"), safe="")
        return f"/models/{model}:streamGenerateContent", {"alt": "sse"}

    def headers(self) -> Mapping[str, str]:
        return {"x-goog-api-key": self.options.api_key}

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        options, dialogue = self.options, alternate(messages)
        names = {call.id: call.name for message in messages for call in message.tool_calls}
        instructions = {"parts": [{"text": dialogue.instructions}]} if dialogue.instructions else None
        fields: dict[str, Any] = {
            "systemInstruction": instructions,
            "tools": [{"functionDeclarations": [_tool(each) for each in tools]}] if tools else None,
            "generationConfig": self._config(),
            "serviceTier": options.service_tier,
        }
        return {
            "contents": [self._content(side, names) for side in dialogue.sides],
            **{key: value for key, value in fields.items() if value},
            **options.extra,
        }

    def answer(self) -> Answer:
        return ContentAnswer(self.name)

    def _config(self) -> dict[str, Any]:
        options = self.options
        thinking: dict[str, Any] = {"thinkingLevel": options.thinking.upper()}
        if self._is_second:
            # These have no levels; only the least can be said in tokens without knowing the model.
            thinking = {"thinkingBudget": 0} if options.thinking == "minimal" else {}
        return {
            **({"temperature": options.temperature} if options.temperature >= 0 else {}),
            **({"maxOutputTokens": options.max_tokens} if options.max_tokens else {}),
            **({"thinkingConfig": thinking} if options.thinking and thinking else {}),
        }

    @property
    def _is_second(self) -> bool:
        """Whether it is of the generation that neither has levels of thinking nor signs."""
        return self.options.model.removeprefix("models/").startswith("gemini-2")

    def _content(self, side: Side, names: Mapping[str, str]) -> dict[str, Any]:
        parts = [part for message in side.messages for part in self._parts(message, names)]
        return {"role": "user" if side.is_caller else "model", "parts": parts}

    def _parts(self, message: Message, names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
        if message.role == "tool":
            id_ = message.tool_call_id
            response = {"id": id_, "name": names.get(id_, "unknown"), "response": {"output": message.text}}
            yield {"functionResponse": response}
            return
        if message.text.strip():
            yield {"text": message.text}
        for index, call in enumerate(message.tool_calls):
            signature = call.signature or (UNSIGNED if not index and not self._is_second else "")
            sign = {"thoughtSignature": signature} if signature else {}
            yield {"functionCall": {"id": call.id, "name": call.name, "args": arguments_of(call)}, **sign}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {"name": spec.name, "description": spec.description, "parametersJsonSchema": spec.parameters}
