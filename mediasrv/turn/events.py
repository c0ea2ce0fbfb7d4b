"""What the turn machine is told (events) and what it orders (actions)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


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


class Opinion(Enum):
    """What somebody who follows turns may say of the caller's."""

    EAGER_END = auto()
    """Probably over."""
    RESUMED = auto()
    """Not over after all."""
    END = auto()
    """Over."""


@dataclass(frozen=True, slots=True)
class EndHinted:
    """The recogniser has an opinion of the caller's turn; the transcript that it rests on came before."""

    opinion: Opinion


@dataclass(frozen=True, slots=True)
class EndRated:
    """How finished the caller's turn is, as far as somebody can tell who was asked in this pause."""

    finality: float | None = None
    """What pitch and energy of his last words say, 0 to 1; None: nothing."""
    probability: float | None = None
    """What a trained turn detector says, 0 to 1; None: nothing."""
    request: int | None = None
    """The request for a final with which the pause began that it is about; None: the present pause."""


@dataclass(frozen=True, slots=True)
class ReplySpent:
    """The making of a reply is over: it was wanted, or prepared in vain."""

    tokens: int
    """What the language model wrote for it."""
    wasted: bool
    took_ms: float | None = None
    """From its beginning to its first audio; None when that did not come."""


Event = Transcribed | PlayoutStarted | PlayoutFinished | ReplyFailed | KeyPressed | EndHinted | EndRated | ReplySpent


@dataclass(frozen=True, slots=True)
class BeginUtterance:
    """Tell the recogniser that the caller has begun to speak."""


@dataclass(frozen=True, slots=True)
class RateEnd:
    """Tell by ``EndRated``, now, how finished the voice sounded that has just fallen silent."""


@dataclass(frozen=True, slots=True)
class RequestFinal:
    """Ask the recogniser for its final of the utterance so far."""

    request: int
    """Its number: the same as before when it is asked for again in one pause; each answer replaces the one before."""


@dataclass(frozen=True, slots=True)
class CommitUtterance:
    """Tell the recogniser that the utterance is over."""


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """Begin a reply that is not to be heard before ``StartReply``, and whose tools must not run before it."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class DropReply:
    """Throw a prepared reply away."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """Answer the caller, with the reply that is prepared if there is one.

    A turn that is started again replaces its earlier, unheard reply.
    """

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
class SuspendPlayout:
    """Fall silent at once, and keep what the caller has not heard."""


@dataclass(frozen=True, slots=True)
class ResumePlayout:
    """Go on, from the word that was last heard: it was a false alarm."""


@dataclass(frozen=True, slots=True)
class ClearPlayout:
    """Drop what the caller has not heard."""


@dataclass(frozen=True, slots=True)
class PromptCaller:
    """Ask whether the caller is still there."""

    step: int = 1
    """How often in a row he was asked, with this time."""


@dataclass(frozen=True, slots=True)
class Greet:
    """Greet the callee, who was to say hello first and does not."""


@dataclass(frozen=True, slots=True)
class AskToRepeat:
    """The caller spoke and the recogniser has not a word of it: ask him to say it again."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Say goodbye and hang up: nobody answers."""


Action = (
    BeginUtterance
    | RateEnd
    | RequestFinal
    | CommitUtterance
    | PrepareReply
    | DropReply
    | StartReply
    | CancelReply
    | HoldPlayout
    | SuspendPlayout
    | ResumePlayout
    | ClearPlayout
    | PromptCaller
    | Greet
    | AskToRepeat
    | GiveUp
)
