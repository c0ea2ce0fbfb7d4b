"""OpenAI's Realtime protocol (GA names), sans-IO: what is written to it, and what is understood of its messages.

What still comes of a response that was cancelled, or that nobody asked for, is passed over.
Turns are ours: the session is set up without turn detection, so it hears what is committed and speaks when it is asked
to. Source: OpenAI's SDK and its reference of Realtime events.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mediasrv.audio.format import AudioFormat
from mediasrv.providers.base import Message, ToolCall, Usage
from mediasrv.providers.loosejson import count, decoded, parse, table, tables, text, word
from mediasrv.providers.openai_faults import BUSY, EXPIRED, HOPELESS, ended, reported
from mediasrv.providers.openai_items import SpokenItem, items_of
from mediasrv.providers.openai_replies import Replies, Response
from mediasrv.providers.realtime import CallerSaid, DialogueEvent, ReplyDone, SpeechPiece, ToolWanted

log = logging.getLogger(__name__)

CHUNK_MS = 60
"""Audio in one message, which costs what it costs, however short it is."""

_SESSION = "session"
_VERBATIM = "Now say the following text to the caller, word for word and in your usual voice, and add nothing: "


class Exchange:
    """One session. What is to be sent lies in ``outbox``."""

    def __init__(self, audio: AudioFormat, session: Mapping[str, Any], history: Sequence[Message] = ()) -> None:
        """``session`` is what ``session.update`` asks for."""
        self.outbox: list[str] = []
        self._audio = audio
        self._unsent = bytearray()
        self._chunk_bytes = audio.bytes_in(CHUNK_MS)
        self._instructions = text(session, "instructions")
        self._replies = Replies(self._put)
        self._committed: deque[int] = deque()  # replies whose audio the server has not named yet
        self._said: dict[str, int] = {}  # the caller's items, and the replies to them
        self._generated_ms: dict[str, float] = {}
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
        self._replies.want(Response(reply))

    def say(self, reply: int, words: str) -> None:
        """Say these words."""
        told = f"{self._instructions}\n\n{_VERBATIM}{orjson.dumps(words).decode()}".lstrip()
        self._replies.want(Response(reply, {"instructions": told, "tool_choice": "none"}))

    def answer_tool(self, call_id: str, result: str) -> None:
        """What a tool gave."""
        item = {"type": "function_call_output", "call_id": call_id, "output": result}
        self._put("conversation.item.create", item=item)

    def go_on(self, reply: int) -> None:
        """Reply to the conversation as it stands."""
        self._replies.want(Response(reply))

    def cancel(self, reply: int) -> None:
        """A reply is not wanted any more."""
        self._replies.cancel(reply)

    def cut(self, item: str, heard_ms: int) -> None:
        """So much of an item was heard; more than there is would be an error."""
        if item in self._generated_ms:
            end_ms = min(heard_ms, int(self._generated_ms[item]))
            self._put("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=end_ms)

    @property
    def is_stuck(self) -> bool:
        """Whether a reply waits for the end of one that was cancelled."""
        return self._replies.is_stuck

    def unstick(self) -> None:
        """That end does not come: ask all the same."""
        self._replies.unstick()

    def _put(self, kind: str, **fields: Any) -> None:
        self.outbox.append(orjson.dumps({"type": kind, **fields}).decode())

    # -- what the server says ------------------------------------------------------------------------------------

    def read(self, message: str | bytes) -> list[DialogueEvent]:
        """Understand a message; raise ``ProviderError`` when it ends the session. What is broken is skipped."""
        event = parse(message)
        kind = text(event, "type")
        match kind:
            case "input_audio_buffer.committed":
                if self._committed:
                    self._said[text(event, "item_id")] = self._committed.popleft()
            case "conversation.item.input_audio_transcription.completed":
                reply = self._said.pop(text(event, "item_id"), None)
                return [] if reply is None else [CallerSaid(reply, text(event, "transcript").strip())]
            case "response.created":
                self._replies.begun(table(event, "response"))
            case "response.done":
                return self._finish(table(event, "response"))
            case "error":
                return self._fail(table(event, "error"))
            case _ if kind.startswith("response.output_audio"):
                return self._hear(kind, event)
        return []

    def _hear(self, kind: str, event: Mapping[str, Any]) -> list[DialogueEvent]:
        current, name = self._replies.audible(text(event, "response_id")), text(event, "item_id")
        if current is None:
            return []
        item = current.items.setdefault(name, SpokenItem(self._audio))
        speech = []
        match kind:
            case "response.output_audio.delta":
                speech = item.push(decoded(event, "delta"))
                self._generated_ms[name] = item.received_ms
            case "response.output_audio_transcript.delta":
                item.write(text(event, "delta"))
        return [SpeechPiece(current.reply, name, piece.audio, piece.text) for piece in speech]

    def _finish(self, response: Mapping[str, Any]) -> list[DialogueEvent]:
        # If it was one that we did not ask for, or had given up, and in the way, it is not any more.
        ended = self._replies.ended(text(response, "id"))
        events = self._results(ended, response) if ended else []
        self._replies.go_on()
        return events

    def _results(self, current: Response, response: Mapping[str, Any]) -> list[DialogueEvent]:
        reply, usage = current.reply, table(response, "usage")
        cost = Usage(count(usage, "input_tokens"), count(usage, "output_tokens")) if usage else None
        if current.is_cancelled:
            # Nobody wants to hear it any more, but it is paid for.
            return [ReplyDone(reply, None, cost)] if cost else []
        events: list[DialogueEvent] = []
        for name, item in current.items.items():
            events += [SpeechPiece(reply, name, piece.audio, piece.text) for piece in item.finish()]
            self._generated_ms[name] = item.received_ms
        status, failure = text(response, "status"), None
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
        refused = self._replies.refused(cause)
        if refused is not None:
            if code == BUSY and self._replies.wait(refused):
                return []
            self._replies.go_on()
            return [] if refused.is_cancelled else [ReplyDone(refused.reply, failure)]
        if cause.startswith("commit-") and self._committed:
            self._committed.popleft()
        # Such as a cancel that came too late: the session goes on.
        log.info("realtime error passed over", extra={"code": word(code), "kind": word(error.get("type"))})
        return []
