"""OpenAI's Realtime protocol (GA names), sans-IO: what is written to it, and what is understood of its messages.

The server makes one response at a time, and one that was cancelled is over only when it says so. So a reply is *wanted*
until its ``response.create`` may be sent, *current* until its ``response.done`` has come, and what still comes of a
response that was cancelled, or that nobody asked for, is passed over::

    answer, say, go_on ─► wanted ─► response.create ─► current ─► response.done
                            └──────── cancel ◄───────────┘

Turns are ours: the session is set up without turn detection, so it hears what is committed and speaks when it is asked
to. Source: OpenAI's SDK and its reference of Realtime events.
"""

from __future__ import annotations

import binascii
import logging
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from mediasrv.audio.format import AudioFormat
from mediasrv.providers.base import Message, ToolCall, Usage
from mediasrv.providers.loosejson import count, parse_object, table, tables, text, word
from mediasrv.providers.openai_faults import BUSY, EXPIRED, HOPELESS, ended, reported
from mediasrv.providers.openai_items import SpokenItem, items_of
from mediasrv.providers.realtime import CallerSaid, DialogueEvent, ReplyDone, SpeechPiece, ToolWanted

log = logging.getLogger(__name__)

CHUNK_MS = 60
"""Audio in one message, which costs what it costs, however short it is."""

_SESSION = "session"
_SERIAL = "mediasrv_reply"

_VERBATIM = "Now say the following text to the caller, word for word and in your usual voice, and add nothing: "


@dataclass(slots=True)
class _Response:
    """A reply on its way."""

    reply: int
    wish: Mapping[str, Any]
    """The ``response`` of its ``response.create``."""
    serial: str = ""
    """Our name for it, given back with ``response.created``."""
    id: str = ""
    """The server's name for it, once there is one."""
    is_cancelled: bool = False
    items: dict[str, SpokenItem] = field(default_factory=dict)


class Exchange:
    """One session. What is to be sent lies in ``outbox``."""

    def __init__(self, audio: AudioFormat, session: Mapping[str, Any], history: Sequence[Message] = ()) -> None:
        """``session`` is what ``session.update`` asks for."""
        self.outbox: list[str] = []
        self._audio = audio
        self._unsent = bytearray()
        self._chunk_bytes = audio.bytes_in(CHUNK_MS)
        self._instructions = text(session, "instructions")
        self._wanted: _Response | None = None
        self._current: _Response | None = None
        self._committed: deque[int] = deque()  # replies whose audio the server has not named yet
        self._said: dict[str, int] = {}  # the caller's items, and the replies to them
        self._generated_ms: dict[str, float] = {}
        self._created = 0
        self._put("session.update", event_id=_SESSION, session=session)
        for message in history:
            for item in items_of(message):
                self._put("conversation.item.create", item=item)

    # -- what the call says --------------------------------------------------------------------------------------

    def append(self, payload: bytes) -> None:
        """More of what the caller says."""
        self._unsent += payload
        if len(self._unsent) >= self._chunk_bytes:
            self._append_all()

    def _append_all(self) -> None:
        if self._unsent:
            # By hand: it is by far the most frequent message, and base64 needs no escapes.
            audio = b64encode(self._unsent).decode()
            self.outbox.append(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')
            self._unsent.clear()

    def clear(self) -> None:
        """What the caller said is of no interest."""
        self._unsent.clear()
        self._put("input_audio_buffer.clear")

    def answer(self, reply: int) -> None:
        """Answer what the caller said."""
        self._append_all()
        self._put("input_audio_buffer.commit", event_id=f"commit-{reply}")
        self._committed.append(reply)
        self._want(_Response(reply, {}))

    def say(self, reply: int, words: str) -> None:
        """Say these words."""
        told = f"{self._instructions}\n\n{_VERBATIM}{orjson.dumps(words).decode()}".lstrip()
        self._want(_Response(reply, {"instructions": told, "tool_choice": "none"}))

    def answer_tool(self, call_id: str, result: str) -> None:
        """What a tool gave."""
        item = {"type": "function_call_output", "call_id": call_id, "output": result}
        self._put("conversation.item.create", item=item)

    def go_on(self, reply: int) -> None:
        """Reply to the conversation as it stands."""
        self._want(_Response(reply, {}))

    def cancel(self, reply: int) -> None:
        """A reply is not wanted any more."""
        if self._wanted is not None and self._wanted.reply == reply:
            self._wanted = None
        if self._current is not None and self._current.reply == reply:
            self._cancel(self._current)

    def cut(self, item: str, heard_ms: int) -> None:
        """So much of an item was heard; more than there is would be an error."""
        if item in self._generated_ms:
            end_ms = min(heard_ms, int(self._generated_ms[item]))
            self._put("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=end_ms)

    @property
    def is_stuck(self) -> bool:
        """Whether a reply waits for the end of one that was cancelled."""
        return self._wanted is not None

    def unstick(self) -> None:
        """That end does not come: ask all the same."""
        if self._wanted is not None:
            self._current = None
            self._advance()

    def _want(self, response: _Response) -> None:
        if self._current is not None:
            self._cancel(self._current)
        self._wanted = response
        self._advance()

    def _cancel(self, response: _Response) -> None:
        if response.id and not response.is_cancelled:
            self._put("response.cancel", response_id=response.id)
        response.is_cancelled = True

    def _advance(self) -> None:
        if self._wanted is not None and self._current is None:
            current, self._current, self._wanted = self._wanted, self._wanted, None
            self._created += 1
            current.serial = f"reply-{self._created}"
            wish = {**current.wish, "metadata": {_SERIAL: current.serial}}
            self._put("response.create", event_id=current.serial, response=wish)

    def _put(self, kind: str, **fields: Any) -> None:
        self.outbox.append(orjson.dumps({"type": kind, **fields}).decode())

    # -- what the server says ------------------------------------------------------------------------------------

    def read(self, message: str | bytes) -> list[DialogueEvent]:
        """Understand a message; raise ``ProviderError`` when it ends the session. What is broken is skipped."""
        event = parse_object(message) or {}
        kind = text(event, "type")
        match kind:
            case "input_audio_buffer.committed":
                if self._committed:
                    self._said[text(event, "item_id")] = self._committed.popleft()
            case "conversation.item.input_audio_transcription.completed":
                reply = self._said.pop(text(event, "item_id"), None)
                return [] if reply is None else [CallerSaid(reply, text(event, "transcript").strip())]
            case "response.created":
                self._begin(table(event, "response"))
            case "response.done":
                return self._finish(table(event, "response"))
            case "error":
                return self._fail(table(event, "error"))
            case _ if kind.startswith("response.output_audio"):
                return self._hear(kind, event)
        return []

    def _begin(self, response: Mapping[str, Any]) -> None:
        current = self._current
        # A server that does not give it back keeps the order all the same.
        if current is not None and not current.id and response.get("metadata") in (None, {}, {_SERIAL: current.serial}):
            current.id = text(response, "id")
            if current.is_cancelled:
                current.is_cancelled = False
                self._cancel(current)

    def _hear(self, kind: str, event: Mapping[str, Any]) -> list[DialogueEvent]:
        current, name = self._current, text(event, "item_id")
        if current is None or current.is_cancelled or not current.id or text(event, "response_id") != current.id:
            return []
        item = current.items.setdefault(name, SpokenItem(self._audio))
        speech = []
        match kind:
            case "response.output_audio.delta":
                try:
                    payload = b64decode(text(event, "delta"), validate=True)
                except binascii.Error:
                    return []
                speech = item.push(payload)
                self._generated_ms[name] = item.received_ms
            case "response.output_audio_transcript.delta":
                item.write(text(event, "delta"))
        return [SpeechPiece(current.reply, name, piece.audio, piece.text) for piece in speech]

    def _finish(self, response: Mapping[str, Any]) -> list[DialogueEvent]:
        current = self._current
        if current is None or not current.id or text(response, "id") != current.id:
            # One that we did not ask for, or had given up: if it was in the way, it is not any more.
            self._advance()
            return []
        self._current = None
        events = [] if current.is_cancelled else self._results(current, response)
        self._advance()
        return events

    def _results(self, current: _Response, response: Mapping[str, Any]) -> list[DialogueEvent]:
        reply = current.reply
        events: list[DialogueEvent] = []
        for name, item in current.items.items():
            events += [SpeechPiece(reply, name, piece.audio, piece.text) for piece in item.finish()]
            self._generated_ms[name] = item.received_ms
        status, usage = text(response, "status"), table(response, "usage")
        cost = Usage(count(usage, "input_tokens"), count(usage, "output_tokens")) if usage else None
        failure = None
        if status == "completed":
            # Arguments of a response that is not whole may be cut short.
            for call in tables(response, "output"):
                if call.get("type") == "function_call":
                    wanted = ToolCall(text(call, "call_id"), text(call, "name"), text(call, "arguments"))
                    events.append(ToolWanted(reply, wanted))
        elif status != "incomplete" or not current.items:
            details = table(response, "status_details")
            error = table(details, "error")
            failure = reported(error, f"{word(status)} response {word(details.get('reason'))}".strip())
        return [*events, ReplyDone(reply, failure, cost)]

    def _fail(self, error: Mapping[str, Any]) -> list[DialogueEvent]:
        code, cause = text(error, "code"), text(error, "event_id")
        failure = reported(error, "reported")
        if cause == _SESSION:
            raise ended(f"did not take our settings: {word(error.get('param')) or word(code)}", retryable=False)
        if code in HOPELESS or code == EXPIRED:
            raise failure
        current = self._current
        if current is not None and not current.id and cause == current.serial:
            self._current = None
            if code == BUSY and not current.is_cancelled and self._wanted is None:
                self._wanted = current
                return []
            self._advance()
            return [] if current.is_cancelled else [ReplyDone(current.reply, failure)]
        if cause.startswith("commit-") and self._committed:
            self._committed.popleft()
        # Such as a cancel that came too late: the session goes on.
        log.info("realtime error passed over", extra={"code": word(code), "kind": word(error.get("type"))})
        return []
