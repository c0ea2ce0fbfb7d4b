"""What an operator may say about an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediasrv.turn.options import TurnOptions


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
    tts: Mapping[str, Any] = field(default_factory=lambda: {"provider": "piper"})
    """Provider and its options."""
    turn: TurnOptions = field(default_factory=TurnOptions)
    """Endpointing and barge-in."""
