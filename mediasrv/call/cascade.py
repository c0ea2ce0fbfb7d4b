"""A conversation by three providers: speech-to-text, a language model and text-to-speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from mediasrv.call.call import Call, CallParts
from mediasrv.call.conversation import Conversation
from mediasrv.call.draft import Gate
from mediasrv.call.observer import Observer
from mediasrv.call.reply import Reply
from mediasrv.call.role import CascadeRole
from mediasrv.call.spawn import Spawn
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.base import Speech
from mediasrv.turn.options import TurnOptions


class Cascade(Conversation):
    """The words of one provider are the input of the next."""

    def __init__(self, role: CascadeRole, call: Call, parts: CallParts, spawn: Spawn, observer: Observer) -> None:
        super().__init__(role, call, parts, spawn, observer, role.stt)
        self._llm, self._voice = role.llm.for_call(), role.voice

    def _turn_options(self, options: TurnOptions) -> TurnOptions:
        if any(tool.has_side_effects for tool in self._role.tools.values()):
            return replace(options, speculation=False)
        return options

    def _speech(self, trace: TurnTrace, gate: Gate, said: str) -> AsyncGenerator[Speech]:
        history, joins = self._parts.history, self._voice.joins
        reply = Reply(self._llm, history, self._role.tools, self._call, trace, gate, said, joins=joins)
        return self._voice.speak(reply.phrases(), self._parts.audio)
