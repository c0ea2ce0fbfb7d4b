"""Language models that do not conform, each in a way of its own, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

import pytest

from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolCall, ToolSpec, Usage
from tests.providers.conformance.trying import failed, tried


class Model(Llm):
    """Does as its answer says."""

    name = "model"

    def __init__(self, answer: Callable[[str, bool], AsyncGenerator[Delta]]) -> None:
        """``answer`` is given the caller's last words, and whether tools are offered."""
        super().__init__(answer)
        self.answer = answer

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        return self.answer(messages[-1].text, bool(tools))


async def _silent(words: str, offered: bool) -> AsyncGenerator[Delta]:
    yield TextDelta("  ")
    yield Usage(1, 1)


async def _hanging(words: str, offered: bool) -> AsyncGenerator[Delta]:
    yield TextDelta("Well,")
    await asyncio.Event().wait()


async def _broken(words: str, offered: bool) -> AsyncGenerator[Delta]:
    yield TextDelta("Well,")
    raise KeyError("secret")


async def _refused(words: str, offered: bool) -> AsyncGenerator[Delta]:
    raise ProviderError("HTTP 401", stage="llm", provider="model", retryable=False)
    yield TextDelta("")


async def _suicidal(words: str, offered: bool) -> AsyncGenerator[Delta]:
    yield TextDelta("Well,")
    raise asyncio.CancelledError


async def _uninvited(words: str, offered: bool) -> AsyncGenerator[Delta]:
    yield ToolCall("1", "weather", "{}")


def _calling(*calls: ToolCall) -> Callable[[str, bool], AsyncGenerator[Delta]]:
    async def reply(words: str, offered: bool) -> AsyncGenerator[Delta]:
        yield TextDelta("Well.")
        if offered:
            for call in calls:
                yield call

    return reply


async def _slow_to_stop(words: str, offered: bool) -> AsyncGenerator[Delta]:
    try:
        for word in ("Good", " morning."):
            yield TextDelta(word)
    except GeneratorExit:
        await asyncio.sleep(0.3)
        raise


async def _deaf_to_cancel(words: str, offered: bool) -> AsyncGenerator[Delta]:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)
    yield TextDelta("Good morning.")


def _mixing() -> Callable[[str, bool], AsyncGenerator[Delta]]:
    rest: list[str] = []

    async def reply(words: str, offered: bool) -> AsyncGenerator[Delta]:
        if words.startswith("Count"):
            rest[:] = [f"{number}, " for number in range(60)]
        else:
            rest.append("Good morning.")
        while rest:
            await asyncio.sleep(0.001)
            yield TextDelta(rest.pop(0))

    return reply


@pytest.mark.parametrize(
    ("answer", "amiss"),
    [
        (_silent, {"streams": "answers nothing"}),
        (_hanging, {"streams": "not done within 20 s"}),
        (_broken, {"streams": "raised KeyError, not ProviderError"}),
        (_refused, {"streams": "HTTP 401"}),
        (_suicidal, {"streams": "cancelled the task that reads it"}),
        (_uninvited, {"streams": "calls a tool when none was offered"}),
        (_calling(ToolCall("1", "shell", "{}")), {"uses tools": "calls 'shell', which was not offered"}),
        (
            _calling(ToolCall("1", "weather", "Pune")),
            {"uses tools": "calls a tool with arguments that are no JSON object"},
        ),
        (
            _calling(ToolCall("1", "weather", "[]")),
            {"uses tools": "calls a tool with arguments that are no JSON object"},
        ),
        (_calling(*2 * [ToolCall("1", "weather", "{}")]), {"uses tools": "gives two calls the same id"}),
        (_slow_to_stop, {"stops": "takes 300 ms to stop, 250 at most"}),
        (_deaf_to_cancel, {"stops": "goes on when it is cancelled"}),
        (_mixing(), {"stops": "goes on with a reply that was stopped"}),
    ],
)
def test_a_language_model_that_does_not_conform_is_found(
    answer: Callable[[str, bool], AsyncGenerator[Delta]], amiss: dict[str, str]
) -> None:
    assert failed(Model(answer)) == amiss


def test_a_result_of_a_tool_is_taken() -> None:
    (verdict,) = (each for each in tried(Model(_calling(ToolCall("1", "weather", "{}")))) if each.name == "uses tools")
    assert (verdict.ok, verdict.detail) == (True, "1 called")
