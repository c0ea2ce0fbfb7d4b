"""What a line makes of audio that lies there already; all else about lines is tested with the voices themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.diction import Message, SegmentDiction
from mediasrv.providers.voiceline import READ_LIMIT_S, VoiceLine
from tests.virtual import run_virtually


class Plain(SegmentDiction):
    """Audio is binary, and text is the end of a segment."""

    provider = "plain"

    def speak(self, phrase: str, now: float) -> None:
        self._segments.append(phrase)

    def cancel(self) -> None:
        self.forget()

    def read(self, message: Message, now: float) -> list[Speech]:
        return [*(self.done() if isinstance(message, str) else self.heard(message))]


class Socket:
    """Says what it is told to."""

    is_open = True

    def listen(self, on_message: Callable[[Message], None], on_closed: Callable[[int, str], None]) -> None:
        self.hear = on_message

    def send(self, message: Message) -> None:
        raise AssertionError("a plain diction says nothing")

    def abort(self) -> None: ...


@pytest.fixture
async def socket() -> Socket:
    return Socket()


async def test_what_came_faster_than_it_was_wanted_is_one_piece_for_each_of_its_words(socket: Socket) -> None:
    line = VoiceLine(socket, Plain(MULAW_8K))  # type: ignore[arg-type]  # as much of a socket as a line needs
    line.begin()
    for phrase in ("Hello.", "Good morning."):
        line.speak(phrase)
    line.finish()
    for message in (b"a", b"b", b"c", "done", b"d", b"e", "done"):
        socket.hear(message)
    assert [await line.hear() for _ in range(3)] == [Speech(b"abc", "Hello."), Speech(b"de", "Good morning."), None]


async def test_nobody_waits_for_the_rest_of_a_piece(socket: Socket) -> None:
    line = VoiceLine(socket, Plain(MULAW_8K))  # type: ignore[arg-type]  # as much of a socket as a line needs
    line.begin()
    line.speak("Hello.")
    socket.hear(b"a")
    assert await line.hear() == Speech(b"a", "Hello.")
    hearing = asyncio.create_task(line.hear())
    await asyncio.sleep(0)
    socket.hear(b"b")
    assert await hearing == Speech(b"b")
    line.release()


def test_who_says_something_is_waited_for_even_without_audio() -> None:
    async def wait() -> float:
        line = VoiceLine(socket := Socket(), Plain(MULAW_8K))  # type: ignore[arg-type]  # as much as a line needs
        line.begin()
        line.speak("Hello.")
        loop = asyncio.get_running_loop()
        for at_s in (10, 20, 30):
            loop.call_at(at_s, socket.hear, b"")
        with pytest.raises(ProviderError, match="stopped answering"):
            await line.hear()
        return loop.time()

    assert run_virtually(wait()) == pytest.approx(30 + READ_LIMIT_S)
