"""A session of OpenAI's Realtime, with turns of the client's: it hears nothing, and speaks a script when asked to.

Faults strike in the reply behind ``after`` good ones: see ``openai_realtime``.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from native_bench.standins.base import Peer, Standin, tear

_SESSION = frozenset(
    re.findall(
        r"\w+",
        "type audio include instructions max_output_tokens model output_modalities parallel_tool_calls prompt "
        "reasoning tool_choice tools tracing truncation",
    )
)
_RESPONSE = frozenset(
    re.findall(
        r"\w+",
        "audio conversation input instructions max_output_tokens metadata output_modalities parallel_tool_calls "
        "prompt reasoning tool_choice tools",
    )
)
_LEAST_MS, _CHUNK_MS = 100, 200
_BYTES_PER_MS = {"audio/pcmu": 8, "audio/pcma": 8, "audio/pcm": 48}
# What a client may come upon without a fault of its own.
_MISSED = ("conversation_already_has_active_response", "response_cancel_not_active")


@dataclass
class Script:
    """What the model says and how fast, and what became of it."""

    replies: Iterator[str]
    texts: Iterator[str]
    first_audio_s: float
    transcript_s: float
    ms_per_char: int
    speed: float
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """What clients sent, but for audio."""
    heard_ms: list[int] = field(default_factory=list)
    """Audio in each commit."""
    sessions: list[Mapping[str, Any]] = field(default_factory=list)
    """What clients asked their sessions to be."""

    def sent(self, kind: str) -> list[Mapping[str, Any]]:
        """The clients' events of a type."""
        return [event for event in self.events if event["type"] == kind]


class Rejected(Exception):
    """An error event; ``code`` is the vendor's word."""


class RealtimeSession:
    """One client's."""

    def __init__(self, standin: Standin, script: Script, peer: Peer, tasks: asyncio.TaskGroup) -> None:
        self.standin, self.script, self.peer, self.tasks = standin, script, peer, tasks
        self.buffer = bytearray()
        self.bytes_per_ms = _BYTES_PER_MS["audio/pcm"]
        self.items: dict[str, int] = {}
        """Audio of the assistant's items, in ms."""
        self.calls: set[str] = set()
        self.numbers = iter(range(1, 1_000_000))
        self.replies = 0
        self.active: asyncio.Task[None] | None = None
        self.response: dict[str, Any] = {}
        self.writing: set[asyncio.Task[None]] = set()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.peer.say({"type": kind, "event_id": f"event_{next(self.numbers)}", **fields})

    def stop(self) -> None:
        for task in (self.active, *self.writing):
            if task is not None:
                task.cancel()

    async def receive(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind != "input_audio_buffer.append":
            self.script.events.append(event)
        acts = {
            "session.update": self.update,
            "input_audio_buffer.append": self.append,
            "input_audio_buffer.commit": self.commit,
            "input_audio_buffer.clear": self.clear,
            "conversation.item.create": self.create_item,
            "conversation.item.truncate": self.truncate,
            "response.create": self.create,
            "response.cancel": self.cancel,
        }
        try:
            if kind not in acts:
                raise Rejected("invalid_value")
            await acts[kind](event)
        except Rejected as rejected:
            code = str(rejected)
            if code not in _MISSED:
                self.standin.complain(f"{kind}: {code}")
            await self.error(code, "invalid_request_error", event.get("event_id"))

    async def error(self, code: str, kind: str, cause: object = None) -> None:
        error = {"type": kind, "code": code, "message": "no", "param": None, "event_id": cause}
        await self.say("error", error=error)

    # -- what the client says ------------------------------------------------------------------------------------

    async def update(self, event: Mapping[str, Any]) -> None:
        session = event.get("session", {})
        if session.get("type") != "realtime" or set(session) - _SESSION:
            raise Rejected("unknown_parameter")
        audio = session.get("audio", {})
        heard, spoken = audio.get("input", {}), audio.get("output", {})
        if heard.get("turn_detection", 0) is not None:
            raise Rejected("only turns of the client's are played here")
        if heard.get("format") != spoken.get("format") or heard["format"].get("type") not in _BYTES_PER_MS:
            raise Rejected("invalid_value")
        for tool in session.get("tools", ()):
            if set(tool) != {"type", "name", "description", "parameters"} or tool["type"] != "function":
                raise Rejected("invalid_tools")
        self.bytes_per_ms = _BYTES_PER_MS[heard["format"]["type"]]
        self.script.sessions.append(session)
        await self.say("session.updated", session=session)

    async def append(self, event: Mapping[str, Any]) -> None:
        self.buffer += b64decode(event["audio"], validate=True)

    async def clear(self, event: Mapping[str, Any]) -> None:
        self.buffer.clear()
        await self.say("input_audio_buffer.cleared")

    async def commit(self, event: Mapping[str, Any]) -> None:
        heard_ms = len(self.buffer) // self.bytes_per_ms
        if heard_ms < _LEAST_MS:
            raise Rejected("input_audio_buffer_commit_empty")
        self.script.heard_ms.append(heard_ms)
        self.buffer.clear()
        name = f"item_{next(self.numbers)}"
        await self.say("input_audio_buffer.committed", item_id=name, previous_item_id=None)
        item = {"id": name, "type": "message", "role": "user", "content": [{"type": "input_audio"}]}
        await self.say("conversation.item.added", item=item)
        task = self.tasks.create_task(self.write_down(name))
        self.writing.add(task)
        task.add_done_callback(self.writing.discard)

    async def write_down(self, name: str) -> None:
        await asyncio.sleep(self.script.transcript_s)
        heard = {"item_id": name, "content_index": 0}
        text = next(self.script.texts)
        prefix = "conversation.item.input_audio_transcription"
        await self.say(f"{prefix}.delta", delta=text, **heard)
        await self.say(f"{prefix}.completed", transcript=text, usage={"type": "duration", "seconds": 1}, **heard)

    async def create_item(self, event: Mapping[str, Any]) -> None:
        item = event["item"]
        match item.get("type"):
            case "message":
                kinds = {"user": "input_text", "system": "input_text", "assistant": "output_text"}
                if [part["type"] for part in item["content"]] != [kinds[item["role"]]]:
                    raise Rejected("invalid_value")
            case "function_call":
                self.calls.add(item["call_id"])
            case "function_call_output":
                if item["call_id"] not in self.calls or not isinstance(item["output"], str):
                    raise Rejected("invalid_tool_call_id")
            case _:
                raise Rejected("invalid_value")
        await self.say("conversation.item.added", item=item)

    async def truncate(self, event: Mapping[str, Any]) -> None:
        end_ms = event["audio_end_ms"]
        if event["item_id"] not in self.items or event["content_index"] != 0:
            raise Rejected("item_truncate_invalid_item_id")
        if not isinstance(end_ms, int) or not 0 <= end_ms <= self.items[event["item_id"]]:
            raise Rejected("invalid_audio_end_ms")
        await self.say(
            "conversation.item.truncated", **{key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
        )

    async def create(self, event: Mapping[str, Any]) -> None:
        wish = event.get("response", {})
        if set(wish) - _RESPONSE:
            raise Rejected("unknown_parameter")
        if self.active is not None and not self.active.done():
            raise Rejected("conversation_already_has_active_response")
        verbatim = re.search(r'add nothing: (".*")$', wish.get("instructions", ""))
        text = orjson.loads(verbatim[1]) if verbatim else next(self.script.replies)
        self.response = {"id": f"resp_{next(self.numbers)}", "object": "realtime.response", "output": []}
        self.response |= {"status": "in_progress", "metadata": wish.get("metadata")}
        await self.say("response.created", response=self.response)
        self.active = self.tasks.create_task(self.reply(self.response, text))

    async def cancel(self, event: Mapping[str, Any]) -> None:
        if self.active is None or self.active.done() or event.get("response_id") not in (None, self.response["id"]):
            raise Rejected("response_cancel_not_active")
        self.active.cancel()
        if self.peer.fault.kind == "tail":
            await self.sound(self.response, "item_tail", 400)
        details = {"type": "cancelled", "reason": "client_cancelled"}
        await self.say("response.done", response=self.response | {"status": "cancelled", "status_details": details})

    # -- what the model says -------------------------------------------------------------------------------------

    async def reply(self, response: dict[str, Any], text: str) -> None:
        fault, self.replies = self.peer.fault, self.replies + 1
        kind = fault.kind if self.replies > fault.after else ""
        if kind == "mute":
            await self.standin.until_over()
        await asyncio.sleep(self.script.first_audio_s + (fault.delay_s if kind == "late" else 0))
        if kind == "error":
            await self.error(fault.reason or "server_error", "server_error")
            error = {"type": "server_error", "code": fault.reason or "server_error"}
            done = {"status": "failed", "status_details": {"type": "failed", "error": error}}
            await self.say("response.done", response=response | done)
            return
        item: dict[str, Any] = {"id": f"item_{next(self.numbers)}"}
        if text.startswith("tool:"):
            item |= await self.call(response, item["id"], text.removeprefix("tool:"))
        else:
            item |= {"type": "message", "role": "assistant", "content": []}
            await self.say("response.output_item.added", response_id=response["id"], output_index=0, item=item)
            await self.speak(response, item["id"], text, kind)
        await self.say("response.output_item.done", response_id=response["id"], output_index=0, item=item)
        usage = {"total_tokens": 70, "input_tokens": 50, "output_tokens": 20}
        await self.say("response.done", response=response | {"status": "completed", "output": [item], "usage": usage})

    async def call(self, response: Mapping[str, Any], name: str, text: str) -> dict[str, Any]:
        function, _, arguments = text.partition(" ")
        call_id = f"call_{next(self.numbers)}"
        self.calls.add(call_id)
        where = {"response_id": response["id"], "item_id": name, "output_index": 0, "call_id": call_id}
        for part in (arguments[:5], arguments[5:]):
            await self.say("response.function_call_arguments.delta", delta=part, **where)
        await self.say("response.function_call_arguments.done", name=function, arguments=arguments, **where)
        return {"type": "function_call", "call_id": call_id, "name": function, "arguments": arguments}

    async def speak(self, response: Mapping[str, Any], name: str, text: str, kind: str) -> None:
        where = {"response_id": response["id"], "item_id": name, "output_index": 0, "content_index": 0}
        self.items[name] = 0
        left_ms = len(text) * self.script.ms_per_char
        halves = [text[: len(text) // 2], text[len(text) // 2 :]]
        while left_ms > 0:
            if halves:
                await self.say("response.output_audio_transcript.delta", delta=halves.pop(0), **where)
            await self.sound(response, name, min(_CHUNK_MS, left_ms))
            left_ms -= _CHUNK_MS
            await self.strike(kind)
            if self.script.speed:
                await asyncio.sleep(_CHUNK_MS / 1000 / self.script.speed)
        await self.say("response.output_audio_transcript.delta", delta="".join(halves), **where)
        await self.say("response.output_audio.done", **where)
        await self.say("response.output_audio_transcript.done", transcript=text, **where)

    async def sound(self, response: Mapping[str, Any], name: str, duration_ms: int) -> None:
        self.items[name] = self.items.get(name, 0) + duration_ms
        where = {"response_id": response["id"], "item_id": name, "output_index": 0, "content_index": 0}
        delta = b64encode(b"\x80" * (duration_ms * self.bytes_per_ms)).decode()
        await self.say("response.output_audio.delta", delta=delta, **where)

    async def strike(self, kind: str) -> None:
        match kind:
            case "break":
                tear(self.peer.request)
            case "end":
                await self.peer.close(self.peer.fault.code, self.peer.fault.reason)
            case "expired":
                await self.error("session_expired", "invalid_request_error")
                await self.peer.close(1001, "")
