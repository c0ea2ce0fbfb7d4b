from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.turn.soundtrack import REACH_MS, Soundtrack

REACH = REACH_MS * 8


@given(
    pieces=st.lists(st.binary(max_size=9000), max_size=6),
    ears=st.lists(st.integers(0, 40_000), max_size=6),
    span=st.tuples(st.integers(0, 40_000), st.integers(0, 40_000)),
)
def test_what_is_in_reach_of_the_ear_is_there(pieces: list[bytes], ears: list[int], span: tuple[int, int]) -> None:
    track, said = Soundtrack(MULAW_8K), b"".join(pieces)
    for piece in pieces:
        track.add(piece)
    for ear in sorted(min(ear, len(said)) for ear in ears):
        track.forget(ear)
        assert track.start == max(0, ear - REACH)
    start, end = max(span[0], track.start), span[1]
    assert track.end == len(said)
    assert track.read(start, end) == said[start : max(start, end)]


def test_positions_are_those_of_whole_samples() -> None:
    track = Soundtrack(L16_8K)
    track.add(bytes(range(7)))
    assert track.end == 3
    assert track.read(1, 9) == bytes([2, 3, 4, 5])


def test_what_is_cut_begins_anew() -> None:
    track = Soundtrack(MULAW_8K)
    track.add(bytes(1000))
    track.cut(400)
    track.add(b"new")
    assert (track.start, track.end) == (400, 403)
    assert track.read(300, 500) == b"new"
