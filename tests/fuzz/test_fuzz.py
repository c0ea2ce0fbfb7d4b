"""Every target holds for all that is in the corpus, for what is near it, and for anything."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.wire import exotel, plivo
from tests.fuzz.__main__ import CORPUS, LONGEST_BYTES
from tests.fuzz.connections import door
from tests.fuzz.targets import TARGETS, carrier

MOST_BYTES = 300_000


def inputs(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


@pytest.fixture(autouse=True)
def no_logs() -> None:
    logging.getLogger("mediasrv").setLevel(logging.CRITICAL)


@st.composite
def near(draw: st.DrawFn, name: str) -> bytes:
    """An input of the corpus, cut and changed in a few places."""
    data = bytearray(draw(st.sampled_from(inputs(name))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at : at + draw(st.integers(1, 40))]
            case 2:
                data[at:at] = data[: draw(st.integers(0, len(data)))]
            case _:
                data[at:at] = draw(
                    st.sampled_from([b"\n", b"\r\n", b"\0", b'"', b"{}", b"null", b"-1", b"1e999", b"\xff"])
                )
    return bytes(data[:LONGEST_BYTES])


def test_the_corpus_is_small_and_each_target_has_one() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == set(TARGETS)
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_holds(name: str) -> None:
    for data in inputs(name):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_holds(name: str, data: st.DataObject) -> None:
    TARGETS[name](data.draw(near(name) | st.binary(max_size=300)))


def test_a_target_that_is_broken_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(plivo.PlivoProtocol, "receive", fail)
    with pytest.raises(ZeroDivisionError):
        carrier(plivo.PlivoProtocol)(b"{}")
    with pytest.raises(ZeroDivisionError):
        door((CORPUS / "door" / "stream").read_bytes())
    carrier(exotel.ExotelProtocol)(b"{}")


def test_the_corpus_reaches_an_open_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str | bytes] = []
    receive = plivo.PlivoProtocol.receive

    def hear(side: plivo.PlivoProtocol, message: str | bytes) -> object:
        heard.append(message)
        return receive(side, message)

    monkeypatch.setattr(plivo.PlivoProtocol, "receive", hear)
    for data in inputs("door"):
        door(data)
    assert any("media" in str(message) for message in heard)
