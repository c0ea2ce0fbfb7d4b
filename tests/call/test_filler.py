from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from mediasrv.call.filler import GRACE_S, MOST_A_REPLY, Fillers
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from tests.virtual import run_virtually

AFTER_S, LIMIT_S = 2.0, 2.8
PIECE_S = 0.5
ONE, TWO, THREE = ([Speech(name.encode(), name)] for name in ("one", "two", "three"))


class Listener:
    """Hears replies; each piece takes half a second."""

    def __init__(self, *phrases: Sequence[Speech]) -> None:
        self.now = asyncio.get_running_loop().time
        self.silent_since_s = self.now()
        self.begun: list[float] = []
        self.fillers = Fillers(lambda: phrases, AFTER_S, LIMIT_S)

    def silent_since(self) -> float:
        return self.silent_since_s

    async def hear(self, speech: AsyncGenerator[Speech]) -> list[tuple[float, bytes, str]]:
        heard: list[tuple[float, bytes, str]] = []
        answer = self.fillers.over(speech, self.silent_since, lambda: self.begun.append(self.now()))
        async for piece in answer.speech():
            assert answer.is_filling == (piece.text == "" and piece.audio != b"silent")
            heard.append((self.now(), piece.audio, piece.text))
            if piece.audio:
                self.silent_since_s = max(self.silent_since_s, self.now()) + PIECE_S
        assert not answer.is_filling
        assert answer.has_begun == bool(self.begun)
        return heard


async def reply(*pieces: tuple[float, str]) -> AsyncGenerator[Speech]:
    """Pieces of a reply, each with the wait for it; one without a name is a failure."""
    for delay_s, text in pieces:
        await asyncio.sleep(delay_s)
        if not text:
            raise ProviderError("no", stage="llm", provider="x", retryable=True)
        yield Speech(b"said", text)


def heard(
    *pieces: tuple[float, str], phrases: Sequence[Sequence[Speech]] = (ONE, TWO, THREE)
) -> list[tuple[float, str]]:
    async def listen() -> list[tuple[float, str]]:
        listener = Listener(*phrases)
        return [(at_s, text or audio.decode()) for at_s, audio, text in await listener.hear(reply(*pieces))]

    return run_virtually(listen())


def given_up(*phrases: Sequence[Speech] | None) -> tuple[list[tuple[float, str]], float]:
    """The fillers in a reply that does not come, and when it is given up."""

    async def listen() -> tuple[list[tuple[float, str]], float]:
        listener = Listener(*(each for each in phrases or (ONE, TWO, THREE) if each is not None))
        said: list[tuple[float, str]] = []

        async def listen_on() -> None:
            answer = listener.fillers.over(reply((99.0, "Hello.")), listener.silent_since, lambda: None)
            async for piece in answer.speech():
                said.append((listener.now(), piece.audio.decode()))
                listener.silent_since_s = listener.now() + PIECE_S

        with pytest.raises(TimeoutError, match="silence"):
            await listen_on()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return said, round(listener.now(), 6)

    return run_virtually(listen())


def test_a_reply_that_comes_soon_is_left_alone() -> None:
    assert heard((1.9, "Hello."), (0.1, "Bye.")) == [(1.9, "Hello."), (2.0, "Bye.")]


def test_a_filler_stands_in_for_a_slow_reply() -> None:
    assert heard((4.0, "Hello.")) == [(2.0, "one"), (4.0, "Hello.")]


def test_there_are_no_more_than_a_few_in_a_reply() -> None:
    fillers = [(2.0 + 2.5 * index, ["one", "two", "three"][index % 3]) for index in range(MOST_A_REPLY)]
    assert given_up() == (fillers, 2.0 + 2.5 * (MOST_A_REPLY - 1) + PIECE_S + LIMIT_S)


def test_the_only_filler_is_not_said_twice_in_a_reply() -> None:
    assert given_up(ONE) == ([(2.0, "one")], 2.0 + PIECE_S + LIMIT_S)
    assert heard((5.2, "Hello."), phrases=[ONE]) == [(2.0, "one"), (5.2, "Hello.")]


def test_without_fillers_the_caller_is_not_left_in_silence_either() -> None:
    assert heard((2.7, "Hello."), phrases=[]) == [(2.7, "Hello.")]
    assert given_up(None) == ([], LIMIT_S)


def test_a_silence_within_a_reply_is_filled_too() -> None:
    # The first word is heard until 1.5.
    assert heard((1.0, "Well,"), (5.0, "yes.")) == [(1.0, "Well,"), (3.5, "one"), (6.0, "yes.")]


def test_a_reply_that_fails_fails_behind_its_filler() -> None:
    async def listen() -> None:
        listener = Listener(ONE)
        with pytest.raises(ProviderError):
            await listener.hear(reply((4.0, "")))
        assert listener.begun == []

    run_virtually(listen())


def test_the_next_reply_begins_with_the_next_filler() -> None:
    async def listen() -> list[str]:
        listener = Listener(ONE, TWO)
        said: list[str] = []
        for _ in range(3):
            listener.silent_since_s = listener.now()
            said += [audio.decode() for _, audio, text in await listener.hear(reply((3.0, "Hello."))) if not text]
        return said

    assert run_virtually(listen()) == ["one", "two", "one"]


def test_only_the_replys_own_audio_begins_it() -> None:
    async def silent() -> AsyncGenerator[Speech]:
        await asyncio.sleep(3)
        yield Speech(b"", "nothing")
        yield Speech(b"said", "Hello.")
        yield Speech(b"said", "Bye.")

    async def listen() -> list[float]:
        listener = Listener(ONE)
        await listener.hear(silent())
        return listener.begun

    assert run_virtually(listen()) == [3.0]


def test_a_reply_that_is_asked_for_late_is_given_a_moment() -> None:
    async def listen() -> float:
        listener = Listener(ONE)
        await asyncio.sleep(10)
        return (await listener.hear(reply((3.0, "Hello."))))[0][0]

    assert run_virtually(listen()) == 10.0 + GRACE_S


def test_whoever_else_speaks_puts_the_filler_off() -> None:
    async def listen() -> float:
        listener = Listener(ONE)
        asyncio.get_running_loop().call_later(1.0, setattr, listener, "silent_since_s", 3.0)
        return (await listener.hear(reply((8.0, "Hello."))))[0][0]

    assert run_virtually(listen()) == 5.0


@pytest.mark.parametrize("closed_at_s", [1.0, 2.0, 3.0])
def test_closing_it_closes_the_reply(closed_at_s: float) -> None:
    closed: list[float] = []

    async def endless() -> AsyncGenerator[Speech]:
        try:
            await asyncio.sleep(1000)
            yield Speech(b"")
        finally:
            closed.append(asyncio.get_running_loop().time())

    async def listen() -> None:
        task = asyncio.create_task(Listener(ONE, TWO).hear(endless()))
        await asyncio.sleep(closed_at_s)
        task.cancel()
        await asyncio.wait([task])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(listen())
    assert closed == [closed_at_s]


def test_a_failure_that_nobody_waits_for_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    async def listen() -> None:
        listener = Listener(ONE)
        speech = listener.fillers.over(reply((2.0, "")), listener.silent_since, lambda: None).speech()
        # The filler is being said when the reply fails, and the caller breaks in.
        await anext(speech)
        await asyncio.sleep(1)
        await speech.aclose()

    run_virtually(listen())
    assert caplog.records == []


def test_who_is_cancelled_twice_leaves_no_reply_that_is_being_read() -> None:
    closed: list[bool] = []

    async def slow_to_end() -> AsyncGenerator[Speech]:
        try:
            await asyncio.sleep(60)
            yield Speech(b"said", "unheard")
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            closed.append(True)

    async def listen() -> None:
        hearing = asyncio.create_task(Listener(ONE).hear(slow_to_end()))
        await asyncio.sleep(0.5)
        for _ in range(2):
            hearing.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([hearing])
        assert hearing.cancelled()

    run_virtually(listen())
    assert closed == [True]


def test_a_reply_may_have_fewer_fillers_or_none() -> None:
    phrases = [[Speech(b"1")], [Speech(b"2")]]
    assert Fillers(lambda: phrases, 1.0, 2.0, most=1).most == 1
    assert Fillers(lambda: phrases[:1], 1.0, 2.0, most=0).most == 0
