"""A conversation by three providers: speech-to-text, a language model and text-to-speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from mediasrv.call.call import Call, CallParts
from mediasrv.call.conversation import Conversation, Spawn
from mediasrv.call.observer import Observer
from mediasrv.call.reply import Reply
from mediasrv.call.role import CascadeRole
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.base import Speech


class Cascade(Conversation):
    """The words of one provider are the input of the next."""

    def __init__(self, role: CascadeRole, call: Call, parts: CallParts, spawn: Spawn, observer: Observer) -> None:
        super().__init__(role, call, parts, spawn, observer, role.stt)
        self._llm, self._voice = role.llm.for_call(), role.voice

    def _speech(self, turn: int, trace: TurnTrace) -> AsyncGenerator[Speech]:
        reply = Reply(self._llm, self._parts.history, self._role.tools, self._call, trace)
        return self._voice.speak(reply.phrases(), self._parts.audio)
