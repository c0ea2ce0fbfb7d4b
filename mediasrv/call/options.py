"""What an operator may say about an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediasrv.turn.options import TurnOptions

_LOCAL_VOICE: Mapping[str, Any] = {"provider": "piper"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """Keys of ``[agents.NAME]``."""

    instructions: str = "You are a helpful phone agent. Answer in one or two short sentences."
    """What the language model is told about its part."""
    greeting: str = "Hello, how can I help you?"
    """First words of the call; empty: wait for the caller."""
    class_: str = ""
    """``module:Name`` of an ``Agent`` subclass, or of a coroutine function that takes the ``Call``."""
    idle_prompt: str = "Are you still there?"
    """Said when neither side has spoken for a while."""
    goodbye: str = "Goodbye."
    """Said, and heard, before we hang up."""
    apology: str = "I am sorry, something went wrong on my side."
    """Said when a reply fails."""
    repeat_request: str = "Sorry, could you say that again?"
    """Said when the language model has no answer."""
    max_duration_s: int = 3600
    """Longest call; then the goodbye."""
    stt: Mapping[str, Any] = field(default_factory=lambda: {"provider": "moonshine"})
    """Provider and its options."""
    llm: Mapping[str, Any] = field(default_factory=lambda: {"provider": "smollm2"})
    """Provider and its options."""
    tts: Mapping[str, Any] = field(default_factory=lambda: _LOCAL_VOICE)
    """Provider and its options."""
    realtime: Mapping[str, Any] = field(default_factory=dict)
    """Provider that hears and speaks by itself, in the place of those three; a `tts` beside it speaks when it fails."""
    turn: TurnOptions = field(default_factory=TurnOptions)
    """Endpointing and barge-in."""

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """The providers that calls of this agent need, by stage."""
        if not self.realtime:
            return {"stt": self.stt, "llm": self.llm, "tts": self.tts}
        # Nobody who asks for a model with a voice of its own asks for ours, unless he says so.
        return {"realtime": self.realtime} | ({} if self.tts is _LOCAL_VOICE else {"tts": self.tts})
