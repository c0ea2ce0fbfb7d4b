"""What the turn machine is told (events) and what it orders (actions)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The recogniser wrote down the utterance so far."""

    text: str
    is_final: bool = False
    request: int | None = None
    """The request it answers, if it answers one."""


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first audio of an utterance of ours is on its way to the caller."""

    interruptible: bool = True
    """Whether the caller may break in."""


@dataclass(frozen=True, slots=True)
class PlayoutFinished:
    """The caller has heard all that we had to say, and no reply is in the making."""


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """A reply ended without a sound."""

    turn: int


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The caller pressed a key: he is there, though he does not speak."""


Event = Transcribed | PlayoutStarted | PlayoutFinished | ReplyFailed | KeyPressed


@dataclass(frozen=True, slots=True)
class BeginUtterance:
    """Tell the recogniser that the caller has begun to speak."""


@dataclass(frozen=True, slots=True)
class RequestFinal:
    """Ask the recogniser for its final of the utterance so far."""

    request: int


@dataclass(frozen=True, slots=True)
class CommitUtterance:
    """Tell the recogniser that the utterance is over."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """Answer the caller. A turn that is started again replaces its earlier, unheard reply."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop making the reply."""

    turn: int


@dataclass(frozen=True, slots=True)
class HoldPlayout:
    """Stop feeding the pacer; the caller may be breaking in."""


@dataclass(frozen=True, slots=True)
class ResumePlayout:
    """Go on: it was a false alarm."""


@dataclass(frozen=True, slots=True)
class ClearPlayout:
    """Drop what the caller has not heard."""


@dataclass(frozen=True, slots=True)
class PromptCaller:
    """Ask whether the caller is still there."""


@dataclass(frozen=True, slots=True)
class AskToRepeat:
    """The caller spoke and the recogniser has not a word of it: ask him to say it again."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Say goodbye and hang up: nobody answers."""


Action = (
    BeginUtterance
    | RequestFinal
    | CommitUtterance
    | StartReply
    | CancelReply
    | HoldPlayout
    | ResumePlayout
    | ClearPlayout
    | PromptCaller
    | AskToRepeat
    | GiveUp
)
