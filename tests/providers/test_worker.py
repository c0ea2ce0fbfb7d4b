"""The worker's own loop, on real pipes within this process."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mediasrv.providers.pipe import Decoder, Frame, Kind, encode
from mediasrv.providers.worker import Emit, Worker
from tests.patience import WAIT_S


@dataclass
class Letters:
    """Speaks two bytes for each letter; "fail" fails, and at "wait" it waits to be let go."""

    rate_hz: int = 8000
    spoken: list[str] = field(default_factory=list)
    is_waiting: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def speak(self, text: str, emit: Emit) -> None:
        self.spoken.append(text)
        if text == "fail":
            raise ValueError("what the caller said")
        if text == "wait":
            self.is_waiting.set()
            assert self.may_go_on.wait(WAIT_S)
        if text == "silence":
            emit(b"")
        for letter in text:
            if not emit(letter.encode() * 2):
                return


class Desk:
    """The server's end of the pipes."""

    def __init__(self) -> None:
        inbox, self.to_worker = os.pipe()
        self.from_worker, outbox = os.pipe()
        self.engine = Letters()
        self.worker = Worker(self.engine, inbox, outbox)
        self.thread = threading.Thread(target=self.worker.run)
        self.thread.start()
        self._fds = [inbox, outbox, self.from_worker, self.to_worker]
        self._decoder = Decoder()
        self._frames: list[Frame] = []

    def say(self, *frames: Frame) -> None:
        os.write(self.to_worker, b"".join(encode(frame) for frame in frames))

    def hear(self) -> Frame:
        while not self._frames:
            self._frames += self._decoder.push(os.read(self.from_worker, 4096))
        return self._frames.pop(0)

    def close(self, fd: int) -> None:
        self._fds.remove(fd)
        os.close(fd)

    def end(self) -> None:
        self.engine.may_go_on.set()
        if self.to_worker in self._fds:
            self.close(self.to_worker)
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()
        for thread in threading.enumerate():
            if thread.name == "speaker":
                thread.join(WAIT_S)
                assert not thread.is_alive()
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    assert desk.hear() == Frame(Kind.READY, 0, b"8000")
    yield desk
    desk.end()


def speak(request: int, text: str) -> Frame:
    return Frame(Kind.SPEAK, request, text.encode())


def test_a_phrase_is_spoken_piece_by_piece_and_then_done(desk: Desk) -> None:
    desk.say(speak(1, "ab"))
    assert [desk.hear() for _ in range(3)] == [
        Frame(Kind.AUDIO, 1, b"aa"),
        Frame(Kind.AUDIO, 1, b"bb"),
        Frame(Kind.DONE, 1),
    ]


def test_phrases_are_spoken_in_order(desk: Desk) -> None:
    desk.say(speak(1, "a"), speak(2, "b"))
    assert [desk.hear().request for _ in range(4)] == [1, 1, 2, 2]


def test_a_phrase_without_a_sound_is_only_done(desk: Desk) -> None:
    desk.say(speak(1, ""), speak(2, "silence"))
    assert desk.hear() == Frame(Kind.DONE, 1)
    assert desk.hear() == Frame(Kind.AUDIO, 2, b"ss")


def test_an_engines_failure_is_told_by_its_kind_alone(desk: Desk) -> None:
    desk.say(speak(1, "fail"), speak(2, "a"))
    assert desk.hear() == Frame(Kind.FAILED, 1, b"ValueError")
    assert desk.hear() == Frame(Kind.AUDIO, 2, b"aa")


def test_what_is_taken_back_while_it_is_spoken_stops_without_a_word(desk: Desk) -> None:
    desk.say(speak(1, "wait"))
    assert desk.engine.is_waiting.wait(WAIT_S)
    # The order of the inbox: when the second phrase is known to be queued, the first is known to be taken back.
    desk.say(Frame(Kind.CANCEL, 1), speak(2, "b"))
    while 2 not in desk.worker._wanted:
        pass
    desk.engine.may_go_on.set()
    assert desk.hear() == Frame(Kind.DONE, 1)
    assert desk.hear() == Frame(Kind.AUDIO, 2, b"bb")


def test_what_is_taken_back_before_its_turn_is_not_spoken(desk: Desk) -> None:
    desk.say(speak(1, "wait"), speak(2, "b"), Frame(Kind.CANCEL, 2), speak(3, "c"))
    assert desk.engine.is_waiting.wait(WAIT_S)
    while 3 not in desk.worker._wanted:
        pass
    desk.engine.may_go_on.set()
    heard = [desk.hear().request for _ in range(7)]
    assert heard == [1, 1, 1, 1, 1, 3, 3]
    assert desk.engine.spoken == ["wait", "c"]


def test_taking_back_what_is_done_does_nothing(desk: Desk) -> None:
    desk.say(speak(1, ""))
    assert desk.hear() == Frame(Kind.DONE, 1)
    desk.say(Frame(Kind.CANCEL, 1), speak(2, ""))
    assert desk.hear() == Frame(Kind.DONE, 2)


def test_the_end_of_the_inbox_is_the_end_of_a_phrase_too(desk: Desk) -> None:
    desk.say(speak(1, "wait"), speak(2, "b"))
    assert desk.engine.is_waiting.wait(WAIT_S)
    desk.close(desk.to_worker)
    desk.thread.join(WAIT_S)
    assert not desk.thread.is_alive()
    assert desk.engine.spoken == ["wait"]


def test_a_server_that_does_not_read_any_more_ends_the_speaking(desk: Desk) -> None:
    desk.say(speak(1, "wait"))
    assert desk.engine.is_waiting.wait(WAIT_S)
    desk.close(desk.from_worker)
    desk.engine.may_go_on.set()
    speaker = next(thread for thread in threading.enumerate() if thread.name == "speaker")
    speaker.join(WAIT_S)
    assert not speaker.is_alive()
