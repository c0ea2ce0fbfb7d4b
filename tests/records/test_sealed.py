from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError
from mediasrv.records.sealed import MAGIC, MAX_PIECE_BYTES, Sealer, SealError, Unsealer, read_key

KEY = bytes(range(32))


def sealed(*pieces: bytes, header: bytes = b"what it is") -> bytes:
    sealer = Sealer(KEY, header)
    last = len(pieces) - 1
    body = (sealer.seal(piece, is_last=number == last) for number, piece in enumerate(pieces))
    return sealer.beginning + b"".join(body)


def opened(data: bytes, key: bytes = KEY) -> list[bytes]:
    return list(Unsealer(BytesIO(data), key).pieces())


@given(st.binary(max_size=300), st.lists(st.binary(max_size=2000), min_size=1, max_size=5))
def test_what_was_sealed_comes_out_whole(header: bytes, pieces: list[bytes]) -> None:
    file = Unsealer(BytesIO(sealed(*pieces, header=header)), KEY)
    assert file.header == header
    assert list(file.pieces()) == pieces


def test_nothing_of_it_can_be_read_and_no_two_files_are_alike() -> None:
    first, second = sealed(b"a secret that is long"), sealed(b"a secret that is long")
    assert b"secret" not in first
    assert first != second


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealError, match="another key"):
        opened(sealed(b"piece"), bytes(32))


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    file = bytearray(sealed(b"first", b"second"))
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealError):
        opened(bytes(file))


def test_a_piece_left_out_or_moved_is_noticed() -> None:
    whole = sealed(b"one..", b"two..", b"three")
    begins = len(whole) - 3 * (4 + 5 + 16)
    one, two, three = (whole[begins + 25 * number : begins + 25 * (number + 1)] for number in range(3))
    for body in (two + one + three, one + three, two + three):
        with pytest.raises(SealError, match="changed"):
            opened(whole[:begins] + body)


@given(st.integers(0, 200))
def test_of_a_file_that_breaks_off_all_that_was_written_is_read(size: int) -> None:
    whole = sealed(b"one..", b"two..", b"three")
    got: list[bytes] = []

    def read() -> None:
        for piece in Unsealer(BytesIO(whole[: min(size, len(whole) - 1)]), KEY).pieces():
            got.append(piece)

    with pytest.raises(SealError, match="breaks off"):
        read()
    assert got == [b"one..", b"two.."][: len(got)]


def test_another_file_is_not_ours() -> None:
    with pytest.raises(SealError, match="no sealed file"):
        opened(b"RIFF")


def test_a_length_beyond_reason_is_not_read() -> None:
    file = sealed(b"x")
    begins = len(file) - (4 + 1 + 16)
    with pytest.raises(SealError, match="changed"):
        opened(file[:begins] + (MAX_PIECE_BYTES * 2).to_bytes(4, "little") + file[begins + 4 :])
    assert file.startswith(MAGIC)


def test_a_key_is_32_bytes_in_base64() -> None:
    assert read_key(b64encode(KEY).decode() + "\n") == KEY
    for wrong in ("", "no base64!", b64encode(KEY[:16]).decode()):
        with pytest.raises(ConfigError, match="32 bytes"):
            read_key(wrong)
