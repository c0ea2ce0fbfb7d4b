from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.wire.gatherer import Gatherer


@pytest.fixture
def gatherer() -> Gatherer:
    return Gatherer(least_bytes=8, unit_bytes=4, most_bytes=16, silence=b"--")


def test_audio_waits_until_it_makes_a_piece(gatherer: Gatherer) -> None:
    assert gatherer.add(b"aaaaaa") == []
    assert gatherer.add(b"bbbb") == [b"aaaaaabb"]
    assert gatherer.add(b"cccccc") == [b"bbcccccc"]


def test_what_makes_a_piece_as_it_is_goes_at_once(gatherer: Gatherer) -> None:
    assert gatherer.add(b"abcdefgh") == [b"abcdefgh"]
    assert gatherer.add(b"abcdefghijkl") == [b"abcdefghijkl"]


def test_a_piece_is_never_longer_than_it_may_be(gatherer: Gatherer) -> None:
    assert gatherer.add(b"a" * 42) == [b"a" * 16, b"a" * 16, b"a" * 8]
    assert gatherer.add(b"a" * 6) == [b"a" * 8]


def test_a_mark_comes_behind_all_of_its_audio(gatherer: Gatherer) -> None:
    assert gatherer.mark("at once", ends=False) == ["at once"]
    assert gatherer.add(b"aaaa") == []
    assert gatherer.mark("later", ends=False) == []
    assert gatherer.add(b"bbbbbb") == [b"aaaabbbb", "later"]
    assert gatherer.mark("much later", ends=False) == []
    assert gatherer.add(b"c" * 20) == [b"bb" + b"c" * 14, "much later"]


def test_the_end_of_an_utterance_is_filled_up_with_silence(gatherer: Gatherer) -> None:
    gatherer.add(b"aa")
    assert gatherer.mark("end", ends=True) == [b"aa------", "end"]
    assert gatherer.add(b"a" * 26) == [b"a" * 16, b"a" * 8]
    assert gatherer.mark("end", ends=True) == [b"aa------", "end"]
    assert gatherer.mark("end", ends=True) == ["end"]


def test_what_is_cleared_is_forgotten(gatherer: Gatherer) -> None:
    gatherer.add(b"aa")
    gatherer.mark("m", ends=False)
    gatherer.clear()
    assert gatherer.mark("next", ends=True) == ["next"]


@given(st.lists(st.binary(min_size=1, max_size=40) | st.booleans(), max_size=20))
def test_nothing_is_lost_and_every_piece_fits(steps: list[bytes | bool]) -> None:
    gatherer, given_audio, taken = Gatherer(8, 4, 16, b"-"), b"", b""
    for step in [*steps, True]:
        pieces = gatherer.mark("m", ends=step) if isinstance(step, bool) else gatherer.add(step)
        given_audio += step if isinstance(step, bytes) else b""
        for piece in pieces:
            if isinstance(piece, bytes):
                assert 8 <= len(piece) <= 16
                assert len(piece) % 4 == 0
                taken += piece
    assert taken.replace(b"-", b"") == given_audio.replace(b"-", b"")
