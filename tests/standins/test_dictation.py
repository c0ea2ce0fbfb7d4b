"""What a stand-in understands of audio."""

from __future__ import annotations

from random import Random

import pytest

from native_bench.standins.dictation import WORD_MS, Dictation, Word, encode, quiet


def heard(audio: bytes, bytes_per_ms: int = 8, cut: int = 160) -> Dictation:
    dictation = Dictation(bytes_per_ms)
    for at in range(0, len(audio), cut):
        dictation.hear(audio[at : at + cut])
    return dictation


@pytest.mark.parametrize("cut", [1, 33, 160, 700, 100_000])
def test_made_up_words_are_read_back_however_the_audio_is_cut(cut: int) -> None:
    dictation = heard(quiet(40) + encode("w65 w66 . w66") + quiet(60), cut=cut)
    assert dictation.words == [Word("w65", 40, 240), Word("w66", 240, 440), Word("w66", 460, 660)]
    assert (dictation.heard_ms, dictation.quiet_ms) == (720, 60)


@pytest.mark.parametrize("bytes_per_ms", [16, 32])
def test_made_up_words_of_linear_samples(bytes_per_ms: int) -> None:
    assert [word.text for word in heard(encode("w65 w66", bytes_per_ms), bytes_per_ms).words] == ["w65", "w66"]


def test_other_loud_audio_is_plausible_words() -> None:
    random = Random(1)
    speech = bytes(random.choice((0x10, 0x90)) for _ in range(8 * 3 * WORD_MS))
    assert [word.text for word in heard(speech).words] == ["I", "would", "like"]


def test_other_loud_linear_audio_is_plausible_words() -> None:
    random = Random(1)
    speech = bytes(random.choice((0x20, 0xD0)) for _ in range(16 * 2 * WORD_MS))
    assert [word.text for word in heard(speech, 16).words] == ["I", "would"]


def test_soft_audio_is_silence() -> None:
    random = Random(1)
    assert heard(bytes(random.choice((0xFE, 0x7D, 0xFF)) for _ in range(1600))).words == []


def test_only_later_words_are_wanted_after_a_final() -> None:
    dictation = heard(encode("w65 w66"))
    assert dictation.since(200) == [Word("w66", 200, 400)]
