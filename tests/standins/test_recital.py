"""A stand-in that knows what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mediasrv.audio.g711 import encode_ulaw
from native_bench.standins.dictation import Word
from native_bench.standins.recital import LAG_MS, Recital, read_script, write_script

CUE = encode_ulaw(np.random.default_rng(1).normal(0, 20, 160).astype(np.int16))
NOISE = encode_ulaw(np.random.default_rng(2).normal(0, 20, 160).astype(np.int16))
WORDS = (Word("go", 40, 200), Word("forward", 200, 400))


def heard(*frames: bytes) -> Recital:
    recital = Recital({CUE: WORDS})
    for frame in frames:
        recital.hear(frame)
    return recital


def texts(recital: Recital, since_ms: int = 0) -> list[str]:
    return [word.text for word in recital.since(since_ms)]


def test_words_are_known_a_while_after_they_were_spoken() -> None:
    lag = -(-LAG_MS // 20)
    assert texts(heard(NOISE, CUE, *[NOISE] * (9 + lag))) == []
    assert texts(heard(NOISE, CUE, *[NOISE] * (10 + lag))) == ["go"]
    assert heard(NOISE, CUE, *[NOISE] * (20 + lag)).since(0) == [Word("go", 80, 240), Word("forward", 240, 440)]


def test_a_final_brings_out_what_was_heard_and_no_more() -> None:
    recital = heard(CUE, *[NOISE] * 10)
    assert texts(recital) == []
    recital.settle()
    assert texts(recital) == ["go"]


def test_a_word_that_a_final_cut_belongs_to_the_next_segment_once() -> None:
    recital = heard(CUE, *[NOISE] * 15)
    recital.settle()
    cut_ms = recital.heard_ms
    for _ in range(20):
        recital.hear(NOISE)
    assert recital.since(cut_ms) == [Word("forward", cut_ms, 420)]


def test_without_a_cue_nothing_is_said() -> None:
    recital = heard(*[NOISE] * 100)
    recital.settle()
    assert texts(recital) == []
    assert recital.quiet_ms == 2000


def test_silence_is_counted_from_the_last_word() -> None:
    assert heard(CUE, *[NOISE] * 15).quiet_ms == 0
    assert heard(CUE, *[NOISE] * 25).quiet_ms == 100


def test_a_script_comes_back_from_its_file(tmp_path: Path) -> None:
    write_script(tmp_path / "script.json", [(CUE, WORDS)])
    assert read_script(str(tmp_path / "script.json")) == {CUE: list(WORDS)}
