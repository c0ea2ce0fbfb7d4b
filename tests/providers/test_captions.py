"""Words and the audio that they begin with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat
from mediasrv.providers.base import Speech
from mediasrv.providers.captions import Captions, letters_in


def audio(ms: int, of: AudioFormat = MULAW_8K) -> bytes:
    return bytes(range(250)) * (of.bytes_in(ms) // 250) + bytes(of.bytes_in(ms) % 250)


def text_of(pieces: list[Speech]) -> str:
    return " ".join(piece.text for piece in pieces if piece.text)


def test_audio_is_cut_where_a_word_begins() -> None:
    captions = Captions(MULAW_8K)
    captions.add("Good morning, sir.")
    for word, at_ms in (("Good", 40), ("morning", 300), ("sir", 750)):
        captions.time(word, at_ms)
    pieces = captions.push(audio(1000)) + captions.finish()
    assert [piece.text for piece in pieces] == ["Good", "morning,", "sir."]
    assert [len(piece.audio) // 8 for piece in pieces] == [300, 450, 250]


def test_short_words_go_with_their_neighbours() -> None:
    captions = Captions(MULAW_8K)
    captions.add("It is a boat")
    for word, at_ms in (("It", 0), ("is", 100), ("a", 190), ("boat", 260)):
        captions.time(word, at_ms)
    pieces = captions.push(audio(500))
    assert [(piece.text, len(piece.audio) // 8) for piece in pieces] == [("It is a", 260), ("boat", 240)]


def test_marks_without_letters_go_with_the_word_behind_them() -> None:
    captions = Captions(MULAW_8K)
    captions.add("now - at six -")
    for word, at_ms in (("now", 0), ("-", 150), ("at", 300), ("six", 600)):
        captions.time(word, at_ms)
    pieces = captions.push(audio(1000)) + captions.finish()
    assert [piece.text for piece in pieces] == ["now", "- at", "six", "-"]


def test_times_that_come_late_are_made_up_for() -> None:
    captions = Captions(MULAW_8K)
    captions.add("one two three")
    first = captions.push(audio(100))
    assert text_of(first) == "one"
    captions.time("one", 0)
    captions.time("two", 50)
    captions.time("three", 300)
    later = captions.push(audio(400))
    assert [piece.text for piece in later] == ["two", "three"]


def test_the_rest_of_the_words_goes_with_the_last_audio() -> None:
    captions = Captions(MULAW_8K)
    captions.add("one " + "wonderful" * 9)
    assert text_of(captions.push(audio(100))) == "one"
    assert captions.has_untold
    (last,) = captions.finish()
    assert last.audio
    assert last.text == "wonderful" * 9
    assert not captions.has_untold
    assert captions.finish() == []


def test_words_that_have_no_audio_are_told_without() -> None:
    captions = Captions(MULAW_8K)
    captions.add("one two")
    assert captions.push(b"") == []
    assert captions.finish() == [Speech(b"", "one two")]


def test_a_second_beginning_counts_anew() -> None:
    captions = Captions(MULAW_8K)
    captions.add("twenty two")
    captions.time("22", 0)
    pieces = captions.push(audio(400)) + captions.finish()
    captions.restart()
    captions.add("boats sail")
    zero_ms = captions.received_ms
    assert zero_ms == 400
    captions.time("boats", zero_ms)
    captions.time("sail", zero_ms + 300)
    more = captions.push(audio(600)) + captions.finish()
    assert text_of(pieces) == "twenty two"
    assert [(piece.text, len(piece.audio) // 8) for piece in more] == [("boats", 300), ("sail", 300)]


def test_letters_are_counted_in_any_script() -> None:
    assert letters_in("नमस्ते, 24!") == letters_in("नमस्ते 24") == 6


@given(
    words=st.lists(st.text(alphabet="ab1-.", min_size=1, max_size=6), max_size=12),
    times=st.lists(st.tuples(st.text(alphabet="ab1- ", max_size=4), st.floats(-100, 3000)), max_size=12),
    chunks=st.lists(st.integers(0, 700), max_size=12),
    audio_format=st.sampled_from([MULAW_8K, L16_8K]),
)
def test_no_word_and_no_sample_is_lost_or_doubled(
    words: list[str], times: list[tuple[str, float]], chunks: list[int], audio_format: AudioFormat
) -> None:
    captions = Captions(audio_format)
    pieces: list[Speech] = []
    whole = b""
    for index in range(12):
        if index < len(words):
            captions.add(words[index])
        if index < len(times):
            captions.time(*times[index])
        if index < len(chunks):
            whole += (chunk := bytes([index + 1]) * chunks[index])
            pieces += captions.push(chunk)
    pieces += captions.finish()
    assert text_of(pieces) == " ".join(words)
    assert b"".join(piece.audio for piece in pieces) == whole[: len(whole) - len(whole) % audio_format.bytes_per_sample]
    assert all(len(piece.audio) % audio_format.bytes_per_sample == 0 for piece in pieces)
