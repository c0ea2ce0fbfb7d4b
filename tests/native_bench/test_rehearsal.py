"""Calls of the turn-taking benchmark in virtual time, on made-up speech."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mediasrv.simulator.voice import Span
from mediasrv.turn.options import TurnOptions
from native_bench.turntaking.judgement import TurnVerdict
from native_bench.turntaking.line import LINES, Sound, sound
from native_bench.turntaking.material import RATE_HZ, Sentence, Signal, Word
from native_bench.turntaking.plan import Over, Planned, Trial
from native_bench.turntaking.rehearsal import FINAL_S, REPLY_S, Recogniser, Rehearsed, rehearse, told
from native_bench.turntaking.tally import Turned
from native_bench.turntaking.utterances import Kind

LINE = LINES[0]


def buzz(ms: int) -> Signal:
    """Something like a vowel: 120 Hz with overtones."""
    at = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    wave: Signal = np.sum([np.sin(2 * np.pi * 120 * k * at) / k for k in range(1, 20)], axis=0)
    return wave * 3000


def spoken(*parts: tuple[str, int], pause_ms: int = 0) -> Sound:
    """Words of so many milliseconds each, with a pause before the last."""
    pieces: list[Signal] = []
    words: list[Word] = []
    at = 0
    for number, (text, ms) in enumerate(parts):
        if pause_ms and number == len(parts) - 1:
            pieces.append(np.zeros(RATE_HZ * pause_ms // 1000))
            at += len(pieces[-1])
        pieces.append(buzz(ms))
        words.append(Word(text, at, at + len(pieces[-1])))
        at += len(pieces[-1])
    pcm = np.concatenate(pieces)
    return sound(LINE, pcm, 0, len(pcm), (1, at), Sentence("made up", pcm, tuple(words), Span(0, len(pcm))))


def call(*trials: Trial) -> Planned:
    return Planned(LINE, trials, seed=3)


def trial(made: Sound, kind: Kind | Over = Kind.FLOWING) -> Trial:
    return Trial(kind, LINE, "made up", made, after_ms=900)


def test_who_has_finished_is_answered_after_the_wait() -> None:
    made = spoken(("open", 300), ("the", 200), ("door", 400))
    found = rehearse([call(trial(made), trial(made, Over.BARGE_IN), trial(made, Over.COUGH))], TurnOptions())
    # A cough is nothing to answer.
    assert [turn.kind for turn in found.turns] == [Kind.FLOWING.value, Over.BARGE_IN.value]
    verdict = found.turns[0].verdict
    assert verdict.cut_in_ms is None
    assert verdict.latency_ms is not None
    assert 300 < verdict.latency_ms < 1000
    assert 0 <= found.wasted < 1


def test_who_pauses_for_longer_than_the_wait_is_cut_into() -> None:
    made = spoken(("open the door", 900), ("now", 400), pause_ms=2500)
    (turn,) = rehearse([call(trial(made, Kind.LONG))], TurnOptions()).turns
    assert turn.verdict.cut_in_ms is not None
    assert 900 < turn.verdict.cut_in_ms < 3400


def test_who_pauses_for_less_is_heard_out() -> None:
    made = spoken(("open the door", 900), ("now", 400), pause_ms=350)
    (turn,) = rehearse([call(trial(made, Kind.SHORT))], TurnOptions()).turns
    assert turn.verdict.cut_in_ms is None
    assert turn.verdict.latency_ms is not None


def test_without_speculation_the_reply_takes_as_long_as_its_providers() -> None:
    made = spoken(("open", 300), ("the", 200), ("door", 400))
    early = rehearse([call(trial(made))], TurnOptions()).turns[0].verdict.latency_ms
    late = rehearse([call(trial(made))], TurnOptions(speculation=False)).turns[0].verdict.latency_ms
    assert early is not None
    assert late is not None
    assert late > early + 100
    assert late >= 1000 * REPLY_S


def test_the_recogniser_knows_a_word_when_its_end_was_heard_and_tells_in_order() -> None:
    recogniser = Recogniser()
    recogniser.expect(spoken(("open", 300), ("doors", 300)), 1.0)
    recogniser.finalize(1, 1.4)
    recogniser.hear(1.45)
    recogniser.hear(1.7)
    assert list(recogniser.told(1.4)) == []
    heard = list(recogniser.told(1.4 + FINAL_S + 0.3))
    assert [(each.text, each.is_final) for _, each in heard] == [("open", True), ("open doors", False)]
    assert [at for at, _ in heard] == [1.4 + FINAL_S, 1.7]


def test_a_line_tells_of_each_kind_and_one_of_all() -> None:
    verdict = TurnVerdict(is_collision=False, cut_in_ms=None, latency_ms=430.0)
    cut = replace(verdict, cut_in_ms=900.0, latency_ms=None)
    missed = replace(verdict, latency_ms=None)
    turns = [Turned("no pause", "", "", verdict), Turned("long", "", "", cut), Turned("long", "", "", missed)]
    first, second, everything, wasted = told(Rehearsed(turns, 0.25))
    assert "p50 430" in first
    assert "no answer" in second
    assert "cut-ins 50.0 %" in second
    assert "missed 1" in everything
    assert wasted == "25 % of the tokens in vain"
