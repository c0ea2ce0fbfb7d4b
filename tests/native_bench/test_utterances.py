"""Pauses that are put into sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediasrv.errors import ConfigError
from mediasrv.simulator.voice import levels_db
from native_bench.turntaking.material import LEVEL_DBFS, PARTS, active_dbfs, load, part_of
from native_bench.turntaking.utterances import LENGTHS_MS, Kind, as_recorded, with_pause

NOWHERE = Path("/nonexistent")
PAUSED = (Kind.SHORT, Kind.LONG)


@pytest.mark.parametrize("part", PARTS)
def test_there_is_speech_without_a_package_and_it_is_said_what_is_missing(part: str) -> None:
    material = load(part, NOWHERE)
    assert material.sentences
    assert not material.backchannels
    assert any("asterisk-core-sounds-en-wav" in note for note in material.notes)


def test_no_sentence_is_in_both_parts() -> None:
    report, tune = ({sentence.name for sentence in load(part, NOWHERE).sentences} for part in PARTS)
    assert not report & tune


def test_names_fall_into_both_parts() -> None:
    assert {part_of(f"recording {number}") for number in range(20)} == set(PARTS)


def test_other_recordings_under_known_names_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "agent-pass.wav").write_bytes(b"something else")
    material = load(part_of("agent-pass"), tmp_path)
    assert any("agent-pass.wav is missing or another recording" in note for note in material.notes)
    assert not any("agent-pass" in sentence.name for sentence in material.sentences)


def test_an_unknown_part_holds_nothing() -> None:
    with pytest.raises(ConfigError, match="no recorded speech"):
        load("none", NOWHERE)


def test_sentences_are_at_their_level_and_their_words_lie_within_the_voice() -> None:
    for sentence in load("report", NOWHERE).sentences:
        assert abs(active_dbfs(sentence.pcm.astype(np.int16)) - LEVEL_DBFS) < 1.5
        edges = [edge for word in sentence.words for edge in (word.begin, word.end)]
        assert edges == sorted(edges)
        assert sentence.voiced.begin <= edges[0] < edges[-1] <= sentence.voiced.end


@pytest.mark.parametrize("kind", PAUSED)
@pytest.mark.parametrize("seed", range(8))
def test_a_pause_is_silent_of_its_length_and_between_two_words(kind: Kind, seed: int) -> None:
    for sentence in load("report", NOWHERE).sentences:
        said = with_pause(sentence, kind, np.random.default_rng(seed))
        (pause,) = said.pauses
        low_ms, high_ms = LENGTHS_MS[kind]
        assert low_ms - 1 <= (pause.end - pause.begin) / 8 <= high_ms + 1
        silence = said.sentence.pcm[pause.begin : pause.end].astype(np.int16)
        assert levels_db(silence, 40).max() < LEVEL_DBFS - 20
        middle = (pause.begin + pause.end) // 2
        assert not any(word.begin < middle < word.end for word in said.sentence.words)
        assert said.sentence.words[0].end <= middle <= said.sentence.words[-1].begin


@pytest.mark.parametrize("seed", range(4))
def test_a_pause_moves_what_follows_and_loses_nothing(seed: int) -> None:
    for sentence in load("report", NOWHERE).sentences:
        said = with_pause(sentence, Kind.LONG, np.random.default_rng(seed))
        added = len(said.sentence.pcm) - len(sentence.pcm)
        assert added > 0
        assert said.sentence.voiced.end == sentence.voiced.end + added
        assert [word.text for word in said.sentence.words] == [word.text for word in sentence.words]
        assert said.sentence.words[-1].end == sentence.words[-1].end + added


def test_what_pauses_by_itself_is_known() -> None:
    kinds = {as_recorded(sentence).kind for part in PARTS for sentence in load(part, NOWHERE).sentences}
    assert kinds <= {Kind.FLOWING, Kind.NATURAL}
    assert Kind.FLOWING in kinds
