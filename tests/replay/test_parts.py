"""What a call has in the place of what lies outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.call.agent import Agent
from mediasrv.call.tools import tools_of
from mediasrv.providers.backlog import unsent_s
from mediasrv.replay import parts
from mediasrv.replay.world import world_of
from tests.replay.agents import Desk
from tests.replay.test_capture import Notes, run


class Outside:
    """Whatever is really there: it keeps what it is asked, and looks where it is asked from."""

    name = "real"

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *what: self._take(name, *what)

    def _take(self, name: str, *what: Any) -> Any:
        assert world_of.get() is None
        self.told.append((name, *what))
        return None if name in TOLD else self._given(name)

    async def _given(self, name: str) -> AsyncGenerator[str]:
        yield f"{name} 1"
        yield f"{name} 2"


TOLD = frozenset(
    {"send", "begin", "finalize", "commit", "drop", "answer", "say", "answer_tool", "go_on", "cancel", "cut"}
)
RECOGNITION = [("send", b"ab"), ("begin",), ("finalize", 3), ("commit",)]
DIALOGUE = [
    ("send", b"ab"),
    ("drop",),
    ("answer", 1),
    ("say", 1, "Yes."),
    ("answer_tool", "id", "42"),
    ("go_on", 1),
    ("cancel", 1),
    ("cut", "item", 200),
]


@pytest.mark.parametrize(("part", "told"), [(parts.DistantRecognition, RECOGNITION), (parts.DistantDialogue, DIALOGUE)])
def test_who_is_outside_is_told_everything_and_nobody_where_nobody_is(part: Any, told: list[Any]) -> None:
    outside = Outside()

    async def act(notes: Notes) -> None:
        async def tell() -> None:
            for real in (outside, None):
                for name, *what in told:
                    getattr(part(notes.capture, real), name)(*what)

        await notes.within(tell())

    assert run(act).lines == []
    assert outside.told == told


def test_what_waits_for_a_recogniser_is_looked_up_outside() -> None:
    async def act(notes: Notes) -> None:
        real: Any = SimpleNamespace(unsent_s=1.5)
        assert unsent_s(parts.DistantRecognition(notes.capture, real)) == 1.5
        assert unsent_s(parts.DistantRecognition(notes.capture, None)) == 0.0

    assert run(act).lines == []


def _streams(world: Any, real: Any) -> dict[str, AsyncIterator[Any]]:
    """What is read as a stream, by the kind of its channel."""
    llm = SimpleNamespace(for_call=lambda: real)
    return {
        "heard": parts.DistantRecognition(world, real).transcripts(),
        "dialogue": parts.DistantDialogue(world, real).events(),
        "reply": parts.DistantLlm(world, cast(Any, llm)).reply([]),
    }


@pytest.mark.parametrize(("kind", "method"), [("heard", "transcripts"), ("dialogue", "events"), ("reply", "reply")])
def test_a_stream_brings_what_comes_from_outside(kind: str, method: str) -> None:
    async def act(notes: Notes) -> None:
        async def read() -> list[str]:
            return [item async for item in _streams(notes.capture, Outside())[kind]]

        assert await notes.within(read()) == [f"{method} 1", f"{method} 2"]

    assert [line[3] for line in run(act).lines] == [f"{kind} 1"] * 3


def test_a_voice_speaks_words_that_are_made_within() -> None:
    class Speaking(Outside):
        async def speak(self, phrases: AsyncIterator[str], wanted: Any) -> AsyncGenerator[Any]:
            assert wanted == L16_16K
            async for phrase in phrases:
                yield phrase.upper()

    async def act(notes: Notes) -> None:
        async def phrases() -> AsyncIterator[str]:
            assert world_of.get() is notes.capture
            yield "Yes."

        tts = parts.DistantTts(notes.capture, joins=True, format_for=lambda _: L16_16K, real=cast(Any, Speaking()))

        async def read() -> list[Any]:
            return [piece async for piece in tts.speak(phrases(), L16_16K)]

        assert await notes.within(read()) == ["YES."]
        assert (tts.joins, tts.format_for(MULAW_8K)) == (True, L16_16K)

    assert run(act).kinds == ["pull", "item", "pull", "end"]


class Answering:
    """Answers one thing."""

    name = "real"

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def judge(self, pause: Any) -> Any:
        return self._answer, pause

    async def hand_over(self, order: Any, words: Any) -> Any:
        return self._answer, order, words


def test_one_answer_comes_from_outside() -> None:
    real: Any = Answering("yes")

    async def act(notes: Notes) -> None:
        pause, order, words = cast(Any, "pause"), cast(Any, "order"), cast(Any, "words")
        judged: Any = await notes.within(parts.DistantDetector(notes.capture, real).judge(pause))
        assert judged == ("yes", "pause")
        handed: Any = await notes.within(parts.DistantControl(notes.capture, real).hand_over(order, words))
        assert handed == ("yes", "order", "words")

    assert [line[3] for line in run(act).lines if line[0] == "item"] == ["judged 1", "handover 1"]


def test_parts_have_the_names_and_formats_of_what_they_stand_for() -> None:
    real: Any = Answering("")

    async def act(notes: Notes) -> None:
        world, formats = notes.capture, (MULAW_8K, L16_16K)
        for made in (parts.DistantStt(world, formats, real), parts.DistantRealtime(world, formats, real)):
            assert (made.name, made.formats) == ("real", formats)
        for nobody in (parts.DistantStt(world, formats), parts.DistantRealtime(world, formats)):
            assert nobody.name == "captured"
        assert parts.DistantDetector(world).name == "captured"
        assert isinstance(parts.DistantStt(world, formats).listen(MULAW_8K), parts.DistantRecognition)
        assert isinstance(parts.DistantRealtime(world, formats).converse(MULAW_8K, ""), parts.DistantDialogue)

    run(act)


def test_only_what_an_agent_has_code_for_is_told_outside() -> None:
    assert parts.hooks_of(Desk()) == ["on_start", "on_dtmf", "on_end"]
    assert parts.hooks_of(Agent()) == []
    told: list[Any] = []

    class Listening(Agent):
        async def on_dtmf(self, call: Any, digit: str) -> None:
            told.append((digit, world_of.get()))

    async def act(notes: Notes) -> None:
        agent = parts.DistantAgent(notes.capture, ["on_dtmf"], Listening())
        assert set(parts.HOOKS) & set(vars(agent)) == {"on_dtmf"}
        await notes.within(agent.on_dtmf(cast(Any, None), "7"))

    assert [line[3] for line in run(act).lines if line[0] == "item"] == ["on_dtmf 1"]
    assert told == [("7", None)]


def test_a_tool_is_used_outside_and_is_offered_as_it_is() -> None:
    real = tools_of(Desk())["look"]

    async def act(notes: Notes) -> None:
        distant = parts.distant_tool(notes.capture, real, lambda: cast(Any, None))
        assert (distant.spec, distant.has_side_effects, distant.limit_s) == (
            real.spec,
            real.has_side_effects,
            real.limit_s,
        )

        async def use() -> str:
            return str(await distant.run("7", again=1))

        assert await notes.within(use()) == "order 7 is there"

    (line,) = (each for each in run(act).lines if each[0] == "item")
    assert (line[1], line[3:]) == (0.3, ["tool 1", "order 7 is there"])
