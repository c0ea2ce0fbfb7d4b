"""Gemini's ``streamGenerateContent``, of the generation whose models sign their calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Standin
from native_bench.standins.chat import ChatStandin, sse, words

KEY = "gm-key"
SIGNATURE = "c2lnbmVk"
UNSIGNED = "skip_thought_signature_validator"
_PARAMETERS = (
    "cachedContent contents generationConfig labels safetySettings serviceTier store systemInstruction toolConfig tools"
)
_CONFIGURATION = "temperature topP topK maxOutputTokens thinkingConfig stopSequences seed candidateCount"


class GeminiStandin(ChatStandin):
    """Content, streamed."""

    name: ClassVar[str] = "gemini"
    path = "/{version:v1|v1beta}/models/{model:[^/:]+}:streamGenerateContent"

    def admit(self, request: web.Request, body: Mapping[str, Any]) -> None:
        self.require(request.headers.get("x-goog-api-key") == KEY, 400, "wrong key")
        self.require(dict(request.query) == {"alt": "sse"}, 400, "events must be asked for")
        self.require(request.content_type == "application/json", 400, "the body must be JSON")
        config = body.get("generationConfig", {})
        self.require_known(body, _PARAMETERS.split())
        self.require_known(config, _CONFIGURATION.split())
        thinking = config.get("thinkingConfig", {})
        self.require(len({"thinkingLevel", "thinkingBudget"} & set(thinking)) < 2, 400, "level or budget")
        for tool in body.get("tools", ()):
            for function in tool["functionDeclarations"]:
                kinds = {"parameters", "parametersJsonSchema"} & set(function)
                self.require(bool(function.get("name")) and len(kinds) < 2, 400, "a function is broken")
                self.require(kinds != {"parameters"}, 400, "unknown name additionalProperties")
        contents = body.get("contents")
        self.require(isinstance(contents, list) and len(contents) > 0, 400, "contents are needed")
        check_contents(self, body["contents"], signs=not request.match_info["model"].startswith("gemini-2"))

    def events(self, body: Mapping[str, Any]) -> Iterable[bytes]:
        has_results = "functionResponse" in body["contents"][-1]["parts"][0]
        asks_tools = bool(self.calls and body.get("tools") and not has_results)
        parts: list[dict[str, Any]] = [{"text": word} for word in words(self.text)]
        if asks_tools:
            parts = [{"functionCall": {"name": name, "args": orjson.loads(args)}} for name, args in self.calls]
            parts[0]["thoughtSignature"] = SIGNATURE
        yield _part({"text": "The caller asks.", "thought": True}, 0)
        for index, part in enumerate(parts):
            yield _part(part, index + 1)
        yield _part({"text": ""}, len(parts), self.finish or "STOP")

    def error(self, status: int, kind: str) -> Mapping[str, Any]:
        return {"error": {"code": status, "message": f"broken with {KEY}", "status": kind or "UNAVAILABLE"}}

    def error_event(self, kind: str) -> bytes:
        return sse(self.error(503, kind))


def check_contents(standin: Standin, contents: Sequence[Mapping[str, Any]], signs: bool) -> None:
    """Whether roles, parts, signatures and the results of functions fit."""
    standin.require(contents[0].get("role", "user") == "user", 400, "the first turn must be the user's")
    standin.require(contents[-1].get("role", "user") == "user", 400, "the last turn must be the user's")
    open_calls: list[str] = []
    for content in contents:
        parts = content.get("parts") or []
        standin.require(content.get("role", "user") in ("user", "model") and bool(parts), 400, "a turn is broken")
        for part in parts:
            kinds = {"text", "functionCall", "functionResponse"} & set(part)
            standin.require(len(kinds) == 1, 400, "a part must be one thing")
            standin.require(isinstance(part.get("functionResponse", {}).get("response", {}), dict), 400, "no object")
        results = [part["functionResponse"]["name"] for part in parts if "functionResponse" in part]
        standin.require(sorted(results) == sorted(open_calls), 400, "as many results as calls are needed")
        calls = [part for part in parts if "functionCall" in part]
        signed = not calls or not signs or calls[0].get("thoughtSignature") in (SIGNATURE, UNSIGNED)
        standin.require(signed, 400, "a call is missing a thought_signature")
        open_calls = [part["functionCall"]["name"] for part in calls]


def _part(part: Mapping[str, Any], made: int, reason: str = "") -> bytes:
    end = {"finishReason": reason} if reason else {}
    usage = {
        "promptTokenCount": 40,
        "candidatesTokenCount": made,
        "thoughtsTokenCount": 2,
        "totalTokenCount": made + 42,
    }
    return sse(
        {
            "candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0, **end}],
            "usageMetadata": usage,
            "modelVersion": "stand-in",
            "responseId": "r",
        }
    )
