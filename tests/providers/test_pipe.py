from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.providers.pipe import MAX_PAYLOAD_BYTES, Decoder, Frame, Kind, encode

FRAMES = st.lists(
    st.builds(Frame, st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=300)), max_size=8
)


def test_a_frame_is_a_header_in_little_endian_and_its_payload() -> None:
    assert encode(Frame(Kind.AUDIO, 0x01020304, b"pcm")) == b"\x04\x04\x03\x02\x01\x03\x00\x00\x00pcm"


@given(frames=FRAMES, data=st.data())
def test_frames_come_back_however_the_bytes_are_cut(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder = Decoder()
    found = [frame for begin, end in pairwise([0, *cuts, len(stream)]) for frame in decoder.push(stream[begin:end])]
    assert found == frames


def test_a_frame_is_held_until_it_is_whole() -> None:
    decoder = Decoder()
    stream = encode(Frame(Kind.SPEAK, 1, b"hello"))
    assert all(decoder.push(stream[at : at + 1]) == [] for at in range(len(stream) - 1))
    assert decoder.push(stream[-1:]) == [Frame(Kind.SPEAK, 1, b"hello")]


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 9, b"\x09" + b"\x00" * 8, b"Segmentation fault", b"\x04\x01\x00\x00\x00\xff\xff\xff\xff"]
)
def test_what_is_no_frame_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"none of ours|is not a valid Kind"):
        Decoder().push(garbage)


def test_the_largest_payload_passes_and_a_larger_one_does_not() -> None:
    frame = Frame(Kind.AUDIO, 1, bytes(MAX_PAYLOAD_BYTES))
    assert Decoder().push(encode(frame)) == [frame]
    with pytest.raises(ValueError, match="too large for a frame"):
        encode(Frame(Kind.AUDIO, 1, bytes(MAX_PAYLOAD_BYTES + 1)))


def test_text_that_is_not_utf8_is_still_text() -> None:
    assert Frame(Kind.FAILED, 0, b"caf\xe9").text == "caf�"
