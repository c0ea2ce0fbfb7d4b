import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.server.batch import Batch

FRAME, OTHER = "f" * 9, "something else"


class Taker:
    """Takes messages on a clock of its own, with the patience that it is given."""

    def __init__(self, patience: int = 1) -> None:
        self.now = 0.0
        self.patience = patience
        self.taken: list[tuple[str | bytes, float]] = []
        self.batch = Batch(self.take, lambda: self.now)

    def take(self, message: str | bytes, came_s: float) -> int:
        self.taken.append((message, came_s))
        return self.patience if len(message) == len(FRAME) else 1

    def hear(self, *messages: str) -> list[tuple[str | bytes, float]]:
        """One a second; returns what was taken."""
        before = len(self.taken)
        for message in messages:
            self.now += 1
            self.batch.hear(message)
        return self.taken[before:]


def test_without_patience_every_message_is_taken_as_it_comes() -> None:
    taker = Taker(patience=1)
    for at in range(1, 5):
        assert taker.hear(FRAME) == [(FRAME, at)]


def test_with_patience_frames_are_taken_together_and_when_each_came_is_told() -> None:
    taker = Taker(patience=3)
    assert taker.hear(FRAME) == [(FRAME, 1)]
    assert taker.hear(FRAME, FRAME) == []
    assert taker.hear(FRAME) == [(FRAME, 2), (FRAME, 3), (FRAME, 4)]
    taker.patience = 1
    assert len(taker.hear(FRAME, FRAME, FRAME)) == 3
    assert taker.hear(FRAME) == [(FRAME, 8)], "patience is over"


def test_what_is_no_frame_is_taken_at_once_behind_those_that_wait_and_so_is_the_next_frame() -> None:
    taker = Taker(patience=3)
    taker.hear(FRAME, FRAME)
    assert taker.hear(OTHER) == [(FRAME, 2), (OTHER, 3)]
    assert taker.hear(OTHER) == [(OTHER, 4)]
    assert taker.hear(FRAME) == [(FRAME, 5)]
    assert taker.hear(FRAME) == []


def test_at_the_end_what_waits_is_taken_and_nothing_after_it() -> None:
    taker = Taker(patience=3)
    taker.hear(FRAME, FRAME, FRAME)
    taker.batch.end()
    assert len(taker.taken) == 3
    taker.hear(FRAME)
    assert len(taker.taken) == 3


def test_who_took_the_messages_goes_without_the_collector() -> None:
    taker = Taker()
    batch, gone = Batch(taker.take, float), weakref.ref(taker)
    batch.end()
    gc.disable()
    try:
        del taker.batch, taker
        assert gone() is None
    finally:
        gc.enable()


@given(st.lists(st.sampled_from([FRAME, FRAME, FRAME, OTHER, "x"]), max_size=40), st.integers(1, 5))
def test_nothing_is_lost_overtaken_or_told_of_another_time(messages: list[str], patience: int) -> None:
    taker = Taker(patience)
    taker.hear(*messages)
    taker.batch.end()
    assert taker.taken == [(message, at) for at, message in enumerate(messages, 1)]
