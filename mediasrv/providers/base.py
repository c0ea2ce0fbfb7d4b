"""The contracts of speech-to-text, language models, text-to-speech and turn detectors.

A provider is a class behind an entry point (``mediasrv.stt``, ``.llm``, ``.tts``, ``.turn``). One instance is built per
agent from its ``Options``, started before the port opens and shared by all calls of that agent. Its streams are async
generators: a consumer stops one by cancelling the task that reads it (or by ``aclose``), never by a flag; that frees
what it held. They raise nothing but ``ProviderError``. None may block the event loop: inference is another thread's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import AudioFormat


class Provider(ABC):
    """What all stages share."""

    name: ClassVar[str]
    """The name in configuration."""
    is_elastic: ClassVar[bool] = True
    """Whether a second request may overtake a slow one: not where all share the one engine of this machine."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys this provider takes in the configuration; a subclass replaces this class with a frozen dataclass."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be used on this machine, in one line with the command that mends it; empty when it can."""
        return ""

    async def start(self) -> None:
        """Load models, open connections, warm up. Raise ``ConfigError`` for what the operator must mend."""

    async def prepare(self) -> None:
        """A call is about to come: open what it will need. What fails here fails again, and is told, in the call."""

    async def aclose(self) -> None:
        """Free everything; safe to call twice and after a failed ``start``."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the caller has said in the present utterance, as far as it is known."""

    text: str
    """The whole utterance so far, not a delta."""
    is_final: bool = False
    """Whether the recogniser will not change this text any more, short of more speech."""
    request: int | None = None
    """The ``finalize`` this answers, if it answers one."""


class HintKind(Enum):
    """What a recogniser that follows turns may say of the caller's."""

    EAGER_END = auto()
    """Probably over: a good moment to begin a reply that is not to be heard yet."""
    RESUMED = auto()
    """Not over after all: the caller speaks on."""
    END = auto()
    """Over, without our having asked."""


@dataclass(frozen=True, slots=True)
class TurnHint:
    """A recogniser's own opinion of the caller's turn; the ``Transcript`` it rests on was yielded before it."""

    kind: HintKind


class Recognition(ABC):
    """One call's speech-to-text stream. All methods but ``transcripts`` are plain calls that return at once.

    ``send`` takes every frame of the call, speech and silence. Utterances are delimited by the call: ``begin`` when
    the caller starts to speak, ``finalize`` when a final is wanted (there may be several in one utterance, each
    covering all that was said since ``begin``), ``commit`` when the utterance is over and the next starts empty.
    """

    @abstractmethod
    def send(self, payload: bytes) -> None:
        """Hand over audio in the format this recognition was opened with."""

    def begin(self) -> None:
        """The caller started to speak a moment (up to 300 ms) before the last ``send``."""

    @abstractmethod
    def finalize(self, request: int) -> None:
        """Ask for a final of the utterance so far; answered by a ``Transcript`` with this ``request``."""

    @abstractmethod
    def commit(self) -> None:
        """End the utterance; answers to requests made before this are dropped."""

    @abstractmethod
    def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        """Yield transcripts, and hints where the recogniser has any, until cancelled; cancelling closes the stream.

        A recogniser on the network is connected by the first step of this generator; what is sent before is kept.
        """


class Stt(Provider):
    """Speech-to-text."""

    formats: ClassVar[Sequence[AudioFormat]]
    """What it takes, best first; the call sends the carrier's own format untouched where it is among them."""
    renews_finals: ClassVar[bool] = False
    """Whether ``finalize`` may be said again in a pause, at no cost; it is answered again with other words only."""

    @abstractmethod
    def listen(self, audio: AudioFormat) -> Recognition:
        """Open a recognition for one call, which will send this format."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A language model's wish to call a tool."""

    id: str
    """The model's name for this call, returned with the result."""
    name: str
    arguments: str
    """JSON text as the model wrote it; may be invalid."""
    signature: str = ""
    """What some models want to have back with the call, unread; nothing to anybody else."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the conversation as a language model is shown it."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``."""
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant called, for its own messages."""
    tool_call_id: str = ""
    """The call a ``tool`` message answers."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a language model is shown it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More words of the reply, and in how many pieces the model wrote them."""

    text: str
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply cost."""

    prompt_tokens: int
    completion_tokens: int


Delta = TextDelta | ToolCall | Usage


class Llm(Provider):
    """A language model."""

    runs_ahead: bool = False
    """Whether it writes on while nobody reads, so that whoever is in no hurry may read much at a time."""

    async def warm(self, messages: Sequence[Message]) -> None:
        """Have the beginning of conversations ready, where the provider can keep it; called once before any call."""

    def for_call(self) -> Llm:
        """What one call asks: this, or what has a memory of that call."""
        return self

    @abstractmethod
    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        """Stream the answer to a conversation; cancelling stops the generation at the provider."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of synthesised audio."""

    audio: bytes
    """Whole samples in the format of ``Tts.format_for``; may be empty when ``text`` ends without more audio."""
    text: str = ""
    """The words that begin to be spoken with this piece; empty while earlier ones go on."""


class Tts(Provider):
    """Text-to-speech."""

    @property
    def joins(self) -> bool:
        """Whether a phrase goes on with the melody of the one before, so that a sentence may come in pieces."""
        return False

    @abstractmethod
    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        """The format it gives for a stream of this format: the same where it can, its own otherwise."""

    @abstractmethod
    def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak phrases in the order they come; audio of a phrase may be given before the next phrase is there.

        A phrase's first ``Speech`` carries it (or its first words, with more to come) in ``text``.
        """


PAUSE_MS = 8000
"""Longest audio that a turn detector is given: what those that are trained so far look at."""
PAUSE_RATE_HZ = 16000
"""Its rate."""
JUDGE_LIMIT_S = 0.15
"""Longest wait for its answer: a moment into the pause it must be known, before a reply is prepared in vain."""


@dataclass(frozen=True, slots=True, eq=False)
class Pause:
    """A pause of the caller's, as a turn detector is shown it: has he finished?"""

    text: str
    """What he has said, as far as it is written down: interim or final, the last words may be missing, or all."""
    samples: NDArray[np.int16]
    """The same as audio, from up to 300 ms before his first word to the present moment, at most the last ``PAUSE_MS``
    of it: int16 mono of shape (n,) at ``PAUSE_RATE_HZ``, for the detector to keep."""
    history: Sequence[Message] = ()
    """The last messages of the conversation as it stands, oldest first."""


class TurnDetector(Provider):
    """A trained opinion of whether the caller has finished."""

    @abstractmethod
    async def judge(self, pause: Pause) -> float:
        """Return the probability, 0 to 1, that the caller's turn is over; raise ``ProviderError``.

        Asked early in every pause, and once more when the recogniser's final differs; of many calls at a time, and of
        one twice. No answer is waited for longer than ``JUDGE_LIMIT_S``: cancelling the question must take no time.
        """
