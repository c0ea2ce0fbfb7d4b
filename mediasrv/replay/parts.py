"""What a call is given in the place of what lies outside: the same to look at, and reached through its world.

In a replay there is nobody behind them; then ``real`` is ``None``.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, cast

from mediasrv.audio.format import AudioFormat
from mediasrv.call.agent import Agent
from mediasrv.call.call import Call
from mediasrv.call.control import CallControl, HandoverOrder, HandoverOutcome, Words
from mediasrv.call.tools import Tool
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import (
    Delta,
    Llm,
    Message,
    Pause,
    Provider,
    Recognition,
    Speech,
    Stt,
    ToolSpec,
    Transcript,
    Tts,
    TurnDetector,
    TurnHint,
)
from mediasrv.providers.realtime import Dialogue, DialogueEvent, Realtime
from mediasrv.replay.distantcall import DistantCall
from mediasrv.replay.world import Channel, World, answer, stream

HOOKS = ("on_start", "on_callee", "on_dtmf", "on_end")
"""What an agent may be told."""


async def asked(world: World, kind: str, work: Callable[[Any], Coroutine[Any, Any, Any]], call: Call | None) -> Any:
    """Have somebody outside do something with a call, and return what he makes of it."""

    async def one(channel: Channel) -> AsyncGenerator[Any]:
        yield await work(DistantCall(call, channel) if call else None)

    return await answer(world.open(kind, one, call=call))


class DistantRecognition(Recognition):
    """A recognition, outside."""

    def __init__(self, world: World, real: Recognition | None) -> None:
        self._world = world
        self._real = real

    def send(self, payload: bytes) -> None:
        if self._real is not None:
            self._world.tell(self._real.send, payload)

    def begin(self) -> None:
        if self._real is not None:
            self._world.tell(self._real.begin)

    def finalize(self, request: int) -> None:
        if self._real is not None:
            self._world.tell(self._real.finalize, request)

    def commit(self) -> None:
        if self._real is not None:
            self._world.tell(self._real.commit)

    # Whoever asks only looks.
    unsent_s = property(lambda self: unsent_s(self._real))

    def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        return stream(self._world.open("heard", lambda channel: cast(Recognition, self._real).transcripts()))


class DistantStt(Stt):
    """A recogniser, outside."""

    def __init__(
        self, world: World, formats: Sequence[AudioFormat], real: Stt | None = None, *, renews_finals: bool = False
    ) -> None:
        super().__init__(None)
        self._world = world
        self._real = real
        self.name = _name_of(real)  # type: ignore[misc]
        self.formats = formats  # type: ignore[misc]
        self.renews_finals = renews_finals  # type: ignore[misc]

    def listen(self, audio: AudioFormat) -> Recognition:
        return DistantRecognition(self._world, self._real.listen(audio) if self._real else None)


class DistantLlm(Llm):
    """A language model, outside."""

    def __init__(self, world: World, real: Llm | None = None) -> None:
        super().__init__(None)
        self._world = world
        self._real = real.for_call() if real else None

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        shown = tuple(messages)
        return stream(self._world.open("reply", lambda channel: cast(Llm, self._real).reply(shown, tools)))


class DistantTts(Tts):
    """A voice, outside; the words that it speaks are made within."""

    def __init__(
        self, world: World, *, joins: bool, format_for: Callable[[AudioFormat], AudioFormat], real: Tts | None = None
    ) -> None:
        super().__init__(None)
        self._world = world
        self._joins = joins
        self._format_for = format_for
        self._real = real

    @property
    def joins(self) -> bool:
        return self._joins

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return self._format_for(wanted)

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        def begin(channel: Any) -> AsyncGenerator[Speech]:
            return cast(Tts, self._real).speak(channel.words(), wanted)

        async with aclosing(stream(self._world.open("speech", begin, aiter(phrases)))) as speech:
            async for piece in speech:
                yield piece


class DistantDetector(TurnDetector):
    """A turn detector, outside."""

    def __init__(self, world: World, real: TurnDetector | None = None) -> None:
        super().__init__(None)
        self._world = world
        self._real = real
        self.name = _name_of(real)  # type: ignore[misc]

    async def judge(self, pause: Pause) -> float:
        async def one(channel: Channel) -> AsyncGenerator[float]:
            yield await cast(TurnDetector, self._real).judge(pause)

        return cast(float, await answer(self._world.open("judged", one)))


class DistantDialogue(Dialogue):
    """A session with a model that speaks, outside."""

    def __init__(self, world: World, real: Dialogue | None) -> None:
        self._world = world
        self._real = real

    def _tell(self, method: str, *arguments: Any) -> None:
        if self._real is not None:
            self._world.tell(getattr(self._real, method), *arguments)

    def send(self, payload: bytes) -> None:
        self._tell("send", payload)

    def drop(self) -> None:
        self._tell("drop")

    def answer(self, reply: int) -> None:
        self._tell("answer", reply)

    def say(self, reply: int, text: str) -> None:
        self._tell("say", reply, text)

    def answer_tool(self, call_id: str, result: str) -> None:
        self._tell("answer_tool", call_id, result)

    def go_on(self, reply: int) -> None:
        self._tell("go_on", reply)

    def cancel(self, reply: int) -> None:
        self._tell("cancel", reply)

    def cut(self, item: str, heard_ms: int) -> None:
        self._tell("cut", item, heard_ms)

    def events(self) -> AsyncGenerator[DialogueEvent]:
        return stream(self._world.open("dialogue", lambda channel: cast(Dialogue, self._real).events()))


class DistantRealtime(Realtime):
    """A model that hears and speaks, outside."""

    def __init__(self, world: World, formats: Sequence[AudioFormat], real: Realtime | None = None) -> None:
        super().__init__(None)
        self._world = world
        self._real = real
        self.name = _name_of(real)  # type: ignore[misc]
        self.formats = formats  # type: ignore[misc]

    def converse(
        self, audio: AudioFormat, instructions: str, tools: Sequence[ToolSpec] = (), history: Sequence[Message] = ()
    ) -> Dialogue:
        dialogue = self._real.converse(audio, instructions, tools, history) if self._real else None
        return DistantDialogue(self._world, dialogue)


class DistantControl:
    """A carrier's switchboard, outside."""

    def __init__(self, world: World, real: CallControl | None = None) -> None:
        self._world = world
        self._real = real

    async def hand_over(self, order: HandoverOrder, words: Words) -> HandoverOutcome:
        async def one(channel: Channel) -> AsyncGenerator[HandoverOutcome]:
            yield await cast(CallControl, self._real).hand_over(order, words)

        return cast(HandoverOutcome, await answer(self._world.open("handover", one)))


class DistantAgent(Agent):
    """An agent's code, outside."""

    def __init__(self, world: World, hooks: Sequence[str], real: Agent | None = None) -> None:
        """``hooks`` are those that it has."""
        for name in HOOKS:
            if name in hooks:
                setattr(self, name, functools.partial(self._told, world, name, real))

    async def _told(self, world: World, name: str, real: Agent | None, call: Call, *what: Any) -> None:
        await asked(world, name, lambda distant: getattr(real, name)(distant, *what), call)


def _name_of(real: Provider | None) -> str:
    """What stands in messages."""
    return real.name if real is not None else "captured"


def hooks_of(agent: Agent) -> list[str]:
    """What an agent has code for."""
    return [name for name in HOOKS if getattr(type(agent), name) is not getattr(Agent, name)]


def distant_tool(world: World, tool: Tool, call: Callable[[], Call]) -> Tool:
    """A tool, outside; ``call`` is the one that it is used in."""

    @functools.wraps(tool.run)
    async def run(*arguments: Any, **keywords: Any) -> Any:
        def work(distant: Call) -> Coroutine[Any, Any, Any]:
            given = [distant if isinstance(each, Call) else each for each in arguments]
            named = {name: distant if isinstance(each, Call) else each for name, each in keywords.items()}
            return cast(Coroutine[Any, Any, Any], tool.run(*given, **named))

        return await asked(world, "tool", work, call())

    return Tool(tool.spec, run, tool.has_side_effects, tool.limit_s)
