"""What an operator may say about an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediasrv.errors import ConfigError
from mediasrv.providers.crew import Patience
from mediasrv.turn.options import TurnOptions

_LOCAL_VOICE: Mapping[str, Any] = {"provider": "piper"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackOptions:
    """Keys of ``[agents.NAME.fallback]``: slow and failing providers. Deadlines are learned, within these bounds."""

    stt: Mapping[str, Any] = field(default_factory=dict)
    """Second provider and its options; empty: the first is asked again."""
    llm: Mapping[str, Any] = field(default_factory=dict)
    """Likewise."""
    tts: Mapping[str, Any] = field(default_factory=dict)
    """Likewise."""
    first_token_min_ms: int = 400
    """Least wait for a reply's first token before it is asked for once more, here or of the second provider."""
    first_token_max_ms: int = 2000
    """Longest such wait; also the first, before anything is learned."""
    first_token_limit_ms: int = 8000
    """Longest wait for a first token, whoever was asked; then the apology."""
    first_audio_min_ms: int = 300
    """Least wait for a phrase's first audio, likewise."""
    first_audio_max_ms: int = 1200
    """Longest such wait."""
    first_audio_limit_ms: int = 5000
    """Longest wait for audio, whoever was asked; then the apology."""
    gap_ms: int = 2500
    """Longest silence of a provider in the middle of a reply; another voice goes on then, or the apology comes."""
    extra_percent: int = 12
    """Of all requests, how many may be made twice because the first was slow."""
    fillers: tuple[str, ...] = ("One moment, please.", "Let me see.", "Just a moment.")
    """Said in turn while a reply, or a tool, lets the caller wait; not in the transcript. One alone is said once."""
    most_fillers: int = 4
    """In one reply: enough for a tool that takes all the time it has, and a slow model then."""
    filler_after_ms: int = 2000
    """Silence after which a filler is said."""
    silence_ms: int = 2800
    """Longest silence of a reply when no filler is left; then it has failed, and the apology comes."""
    tool_limit_ms: int = 8000
    """Longest time that a tool may take; then the model is told so. Less than what the caller is kept waiting for."""
    breaker_failures: int = 3
    """Failures in a row after which a provider is left alone, where there is a second one."""
    breaker_rest_ms: int = 5000
    """For how long at first; each time twice the last."""
    breaker_longest_rest_ms: int = 60_000
    """And at most."""
    failed_replies: int = 2
    """Replies that may fail in a row; then an apology, the goodbye, and the end."""

    def __post_init__(self) -> None:
        for name in ("first_token", "first_audio"):
            least, most, limit = (getattr(self, f"{name}_{bound}_ms") for bound in ("min", "max", "limit"))
            if not 0 < least <= most <= limit:
                raise ConfigError(f"fallback.{name}_min_ms, _max_ms and _limit_ms must be above 0 and in this order")
        positive = (
            "gap_ms",
            "filler_after_ms",
            "tool_limit_ms",
            "breaker_failures",
            "breaker_rest_ms",
            "failed_replies",
        )
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(f"fallback.{name} must be more than 0")
        if self.silence_ms <= self.filler_after_ms:
            raise ConfigError("fallback.silence_ms must be more than filler_after_ms, or no filler is ever said")
        if self.breaker_longest_rest_ms < self.breaker_rest_ms:
            raise ConfigError("fallback.breaker_longest_rest_ms must not be less than breaker_rest_ms")
        for name in ("extra_percent", "most_fillers"):
            if getattr(self, name) < 0:
                raise ConfigError(f"fallback.{name} must not be less than 0")

    def patience(self, stage: str) -> Patience:
        """How long a stage is waited for."""
        first = "audio" if stage == "tts" else "token"
        return Patience(
            first_min_ms=getattr(self, f"first_{first}_min_ms"),
            first_max_ms=getattr(self, f"first_{first}_max_ms"),
            limit_ms=getattr(self, f"first_{first}_limit_ms"),
            gap_ms=self.gap_ms,
            extra_percent=self.extra_percent,
            failures=self.breaker_failures,
            rest_ms=self.breaker_rest_ms,
            longest_rest_ms=self.breaker_longest_rest_ms,
        )


HANG_UP, LEAVE_MESSAGE, GO_ON = "hang up", "leave message", "go on"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalleeOptions:
    """Keys of ``[agents.NAME.callee]``: who picks up when we call. A human is greeted without waiting for any of it."""

    detect: bool = True
    """Whether answering machines and call screening are listened for."""
    machine: str = HANG_UP
    """What is done with an answering machine: ``hang up``, ``leave message`` or ``go on``."""
    message: str = ""
    """Said to an answering machine after its beep, or when it has fallen silent; then we hang up."""
    screening_answer: str = ""
    """Said to a program that asks who calls and why; empty: the greeting."""
    heed_opt_out: bool = True
    """Whether a callee who asks not to be called again is heard: nobody calls him any more, and we say goodbye."""
    opt_out_digit: str = ""
    """Key with which a callee asks for that; empty: none."""
    opt_out_goodbye: str = "I am sorry to have disturbed you. You will not be called again. Goodbye."
    """Said to him then; empty: the goodbye."""

    def __post_init__(self) -> None:
        if self.machine not in (HANG_UP, LEAVE_MESSAGE, GO_ON):
            raise ConfigError(f'callee.machine must be "{HANG_UP}", "{LEAVE_MESSAGE}" or "{GO_ON}"')
        if self.machine == LEAVE_MESSAGE and not self.message:
            raise ConfigError("callee.message must say what is left on an answering machine")
        if self.opt_out_digit and (len(self.opt_out_digit) > 1 or self.opt_out_digit not in "0123456789*#"):
            raise ConfigError("callee.opt_out_digit must be one key of a telephone")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """Keys of ``[agents.NAME]``: who speaks, with what, and the set phrases."""

    instructions: str = "You are a helpful phone agent. Answer in one or two short sentences."
    """What the language model is told about its part."""
    greeting: str = "Hello, how can I help you?"
    """First words of the call; empty: wait for the caller."""
    greeting_after_hello_ms: int = 0
    """On calls that we make: the greeting waits for the callee's hello, this long at most; 0: it comes at once."""
    class_: str = ""
    """``module:Name`` of an ``Agent`` subclass, or of a coroutine function that takes the ``Call``."""
    idle_prompt: tuple[str, ...] = (
        "Are you still there?",
        "I cannot hear you. If you are still there, please say something.",
    )
    """Said in turn when neither side has spoken for a while, the last one again and again; one may stand alone."""
    goodbye: str = "Goodbye."
    """Said, and heard, before we hang up."""
    apology: str = "I am sorry, something went wrong on my side."
    """Said when a reply fails."""
    handover_failed: str = "I am sorry, I could not reach anybody there. How else can I help you?"
    """Said to a caller who was put through to somebody and comes back."""
    forward: str = ""
    """Number or SIP address that all calls are put through to, in place of all other keys: nothing of it is heard."""
    repeat_request: str = "Sorry, could you say that again?"
    """Said when the caller was not understood, or the language model has no answer."""
    max_duration_s: int = 3600
    """Longest call; then the goodbye."""
    history_chars: int = 100_000
    """Most of the conversation that the model is shown, and the agent; its oldest turns are forgotten. 0: all of it."""
    stt: Mapping[str, Any] = field(default_factory=lambda: {"provider": "moonshine"})
    """Provider and its options."""
    llm: Mapping[str, Any] = field(default_factory=lambda: {"provider": "smollm2"})
    """Provider and its options."""
    tts: Mapping[str, Any] = field(default_factory=lambda: _LOCAL_VOICE)
    """Provider and its options."""
    cuts_silence: bool = True
    """Whether the silence that a voice begins a reply with, up to 300 ms, is left out: the caller would wait for it."""
    realtime: Mapping[str, Any] = field(default_factory=dict)
    """Provider that hears and speaks by itself, in the place of those three; a `tts` beside it speaks when it fails."""
    detector: Mapping[str, Any] = field(default_factory=dict)
    """Trained turn detector that has a say in when the caller has finished; empty: none."""
    turn: TurnOptions = field(default_factory=TurnOptions)
    """Endpointing and barge-in."""
    fallback: FallbackOptions = field(default_factory=FallbackOptions)
    """What happens when a provider is slow or fails."""
    callee: CalleeOptions = field(default_factory=CalleeOptions)
    """What happens when no human picks up a call of ours."""
    record: bool = False
    """Whether calls are recorded from the greeting on, sealed with `recording.key`."""
    recording_notice: str = "This call is recorded."
    """Said ahead of the greeting of a call that is recorded; without a greeting, by itself."""
    keep_audio: bool = True
    """Whether the audio of set phrases is kept on disk, so that the next start need not make it again."""

    def __post_init__(self) -> None:
        if not self.idle_prompt or not all(self.idle_prompt):
            raise ConfigError("idle_prompt must not be empty; with turn.idle_prompts = 0 nothing is asked")
        if self.record and not self.recording_notice:
            raise ConfigError("recording_notice must say that the call is recorded")
        if self.history_chars < 0:
            raise ConfigError("history_chars must not be less than 0")
        if self.greeting_after_hello_ms < 0:
            raise ConfigError("greeting_after_hello_ms must not be less than 0")

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """The providers that calls of this agent need, by stage."""
        if self.forward:
            return {}
        detector = {"detector": self.detector} if self.detector else {}
        if not self.realtime:
            return {"stt": self.stt, "llm": self.llm, "tts": self.tts, **detector}
        # Nobody who asks for a model with a voice of its own asks for ours, unless he says so.
        voice = {} if self.tts is _LOCAL_VOICE else {"tts": self.tts}
        return {"realtime": self.realtime, **voice, **detector}

    def crew(self, stage: str) -> list[Mapping[str, Any]]:
        """The providers of a stage, by preference."""
        seconds = {"stt": self.fallback.stt, "llm": self.fallback.llm, "tts": self.fallback.tts}
        return [table for table in (self.stages[stage], seconds.get(stage)) if table]
