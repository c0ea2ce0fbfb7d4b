"""Items of a conversation with OpenAI's Realtime: messages as they are written to it, and as they are heard from it."""

from __future__ import annotations

from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.providers.base import Message, Speech
from mediasrv.providers.captions import Captions

# A transcript may end after its audio, and words without audio are never heard: so much audio waits for them.
_HELD_MS = 5


class SpokenItem:
    """One message of a reply: its audio, and its transcript, which runs beside it without times."""

    def __init__(self, audio: AudioFormat) -> None:
        self._captions = Captions(audio)
        self._held = b""
        self._held_bytes = audio.bytes_in(_HELD_MS)
        self._rest = ""

    @property
    def received_ms(self) -> float:
        """Audio so far, but for what is held back."""
        return self._captions.received_ms

    def write(self, delta: str) -> None:
        """Take more of the transcript, which may end within a word."""
        self._rest += delta
        whole = len(self._rest.rstrip()) if self._rest[-1:].isspace() else self._rest.rfind(" ") + 1
        self._captions.add(self._rest[:whole])
        self._rest = self._rest[whole:]

    def push(self, payload: bytes) -> list[Speech]:
        """Take more audio, and return what may be played."""
        data = self._held + payload
        end = max(0, len(data) - self._held_bytes)
        self._held = data[end:]
        return self._captions.push(data[:end])

    def finish(self) -> list[Speech]:
        """All of it has come: return the rest."""
        self._captions.add(self._rest)
        return [*self._captions.push(self._held), *self._captions.finish()]


def items_of(message: Message) -> list[dict[str, Any]]:
    """A message of the conversation as items of the session's; what the system says is the session's instructions."""
    if message.role == "system":
        return []
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": message.text}]
    items: list[dict[str, Any]] = []
    if message.text:
        kind = "output_text" if message.role == "assistant" else "input_text"
        content = [{"type": kind, "text": message.text}]
        items.append({"type": "message", "role": message.role, "content": content})
    for call in message.tool_calls:
        items.append({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments})
    return items
