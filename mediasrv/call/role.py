"""A role: everything that the calls of one configured agent share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.call.agent import Agent
from mediasrv.call.call import Call
from mediasrv.call.options import AgentOptions
from mediasrv.call.tools import Tool
from mediasrv.call.voice import Voice
from mediasrv.providers.base import Llm, Message, Speech, Stt, TurnDetector
from mediasrv.providers.realtime import Realtime
from mediasrv.turn.language import NO_LANGUAGE, Language

Conduct = Callable[[Call], Coroutine[Any, Any, None]]
"""A coroutine that conducts a whole call by itself; the call ends when it returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Shared by the calls of one agent, and changed by none of them."""

    name: str
    options: AgentOptions
    agent: Agent
    tools: dict[str, Tool]
    voice: Voice
    """Says the set phrases; for a model with a voice of its own, those that it cannot."""
    language: Language = NO_LANGUAGE
    """What the rules of turn-taking know of the caller's language."""
    detector: TurnDetector | None = None
    """Who is asked whether the caller has finished, where somebody is."""
    conduct: Conduct | None = None
    """In the place of a conversation, where the operator wrote a coroutine on the raw call."""

    @property
    def instructions(self) -> str:
        """The agent's own, or the configuration's."""
        return self.options.instructions if self.agent.instructions is None else self.agent.instructions

    @property
    def greeting(self) -> str:
        """The agent's own, or the configuration's, behind the notice that the call is recorded."""
        greeting = self.options.greeting if self.agent.greeting is None else self.agent.greeting
        notice = self.options.recording_notice if self.options.record else ""
        return f"{notice} {greeting}".strip()

    @property
    def screening_answer(self) -> str:
        """What a program is told that asks who calls."""
        return self.options.callee.screening_answer or self.greeting

    def fillers_in(self, audio: AudioFormat) -> list[Sequence[Speech]]:
        """The audio of the fillers, of those that there is any of."""
        rendered = (self.voice.rendered(text, audio) for text in self.options.fallback.fillers)
        return [pieces for pieces in rendered if pieces]

    @property
    def set_phrases(self) -> list[str]:
        """What is said in the same words on every call."""
        options = self.options
        said = [self.greeting, *options.idle_prompt, options.goodbye, options.apology, options.repeat_request]
        if options.callee.detect:
            said += filter(None, (options.callee.message, options.callee.screening_answer))
        if options.callee.heed_opt_out:
            said += filter(None, (options.callee.opt_out_goodbye,))
        return [*said, *options.fallback.fillers]


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeRole(Role):
    """Of an agent that hears, thinks and speaks by three providers."""

    stt: Stt
    llm: Llm


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeRole(Role):
    """Of an agent whose model hears and speaks by itself."""

    realtime: Realtime

    @property
    def is_alone(self) -> bool:
        """Whether ``voice`` is the model's own, recorded, and not another one beside it."""
        return "tts" not in self.options.stages

    def opening(self, audio: AudioFormat) -> list[Message]:
        """What the caller is going to hear before the model says anything: the greeting, where it was recorded."""
        is_recorded = self.is_alone and self.voice.rendered(self.greeting, audio)
        return [Message("assistant", self.greeting)] if is_recorded else []
