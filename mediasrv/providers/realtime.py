"""The contract of speech to speech: a model that hears the caller and speaks by itself.

Who has the floor is decided on our side, as in any call: a ``Dialogue`` is given what the caller says, utterance by
utterance, is told when to answer, and is told how much of an answer was heard. Its answers are numbered by whoever asks
for them, so that what still comes of one that is no longer wanted is known for what it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Message, Provider, ToolCall, ToolSpec, Usage


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """A piece of a reply's audio."""

    reply: int
    item: str
    """What this audio belongs to; named again when it is cut. A reply may consist of several."""
    audio: bytes
    """Whole samples in the dialogue's format; may be empty when ``text`` ends without more audio."""
    text: str = ""
    """The words that begin to be spoken with this piece; empty while earlier ones go on."""


@dataclass(frozen=True, slots=True)
class ToolWanted:
    """The model wants to call a tool; it goes on after ``answer_tool`` and ``go_on``."""

    reply: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """All of a reply has come. A cancelled one may end without this, or with it when its cost is known."""

    reply: int
    failure: ProviderError | None = None
    """Why it is not whole, if it is not; the dialogue can be gone on with."""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """What the caller said before a reply was asked for, written down; it comes late, or never."""

    reply: int
    text: str
    """Empty when there were no words in it."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """The vendor ends a session of this age: open another dialogue when nobody speaks."""


DialogueEvent = SpeechPiece | ToolWanted | ReplyDone | CallerSaid | Expiring


class Dialogue(ABC):
    """One call's session. All methods but ``events`` are plain calls that return at once; what is told before the
    session is connected is kept. One reply is made at a time: asking for another first ends the one before."""

    @abstractmethod
    def send(self, payload: bytes) -> None:
        """Hand over more of what the caller is saying."""

    @abstractmethod
    def drop(self) -> None:
        """What was sent since the last answer is not to be answered."""

    @abstractmethod
    def answer(self, reply: int) -> None:
        """The caller has finished: answer what was sent since the last answer."""

    @abstractmethod
    def say(self, reply: int, text: str) -> None:
        """Say these words and no others."""

    @abstractmethod
    def answer_tool(self, call_id: str, result: str) -> None:
        """Tell the model what a tool gave."""

    @abstractmethod
    def go_on(self, reply: int) -> None:
        """Reply to the conversation as it stands: after tools were answered, or when a reply has failed."""

    @abstractmethod
    def cancel(self, reply: int) -> None:
        """Stop making a reply; nothing more of it is yielded."""

    @abstractmethod
    def cut(self, item: str, heard_ms: int) -> None:
        """The caller broke in when so much of an item had been heard: the model is to remember no more than that."""

    @abstractmethod
    def events(self) -> AsyncGenerator[DialogueEvent]:
        """Yield what happens until cancelled; cancelling closes the session. The first step connects it.

        Raise ``ProviderError`` when the session is lost: another one is opened by ``converse``, with the history.
        """


class Realtime(Provider):
    """Speech to speech."""

    formats: ClassVar[Sequence[AudioFormat]]
    """What it hears and speaks, best first."""

    @abstractmethod
    def converse(
        self, audio: AudioFormat, instructions: str, tools: Sequence[ToolSpec] = (), history: Sequence[Message] = ()
    ) -> Dialogue:
        """Open a dialogue in one of the formats, both ways; ``history`` is what was said in one that was lost."""
