"""What one caller heard within a span, judged on his timetable; and a timer that does not hide its own delays."""

from __future__ import annotations

import time
from math import inf

import pytest

from native_bench.load.caller import LoadCaller
from native_bench.load.measured import ANSWER_LIMIT_MS, Heard, Watched, judge
from native_bench.load.metronome import SLOTS, Metronome
from native_bench.load.proc import Usage
from native_bench.load.tape import RATE_HZ, Tape
from tests.patience import until

TAPE = Tape()
CYCLES = 3


def caller(*answers_ms: float | None, holes_ms: float = 0.0) -> LoadCaller:
    """Somebody who was answered so long after each of his sentences, or not."""
    made = LoadCaller(0, "/", "host", Metronome(), TAPE)
    for cycle, answer_ms in enumerate(answers_ms):
        if answer_ms is not None:
            begin = cycle * TAPE.cycle + TAPE.end + round(answer_ms * RATE_HZ / 1000)
            made.ear.lay(800, begin)
            made.ear.lay(800, begin + 800 + round(holes_ms * RATE_HZ / 1000))
    return made


def heard(made: LoadCaller, begun_s: float = 0.0, until_s: float = CYCLES * TAPE.cycle / RATE_HZ) -> Heard:
    return judge(made, TAPE, begun_s, until_s)


async def test_answers_are_measured_from_the_last_voiced_sample() -> None:
    found = heard(caller(400.0, 450.0, 500.0))
    assert found.answers_ms == [400.0, 450.0, 500.0]
    assert (found.silences_ms, found.cut_ins) == ([0.0] * 3, 0)


async def test_holes_are_found_in_each_utterance() -> None:
    assert heard(caller(400.0, 400.0, 400.0, holes_ms=60.0)).silences_ms == [60.0] * 3


@pytest.mark.parametrize("answer_ms", [None, ANSWER_LIMIT_MS + 1.0])
async def test_what_was_not_answered_in_time_is_infinitely_late(answer_ms: float | None) -> None:
    assert heard(caller(400.0, answer_ms, 400.0)).answers_ms == [400.0, inf, 400.0]


async def test_an_answer_into_the_sentence_is_a_cut_in_and_has_no_latency() -> None:
    found = heard(caller(400.0, -100.0, 400.0))
    assert (found.answers_ms, found.cut_ins) == ([400.0, 400.0], 1)


async def test_what_reaches_over_the_edge_of_the_span_is_left_out() -> None:
    second_s = TAPE.cycle / RATE_HZ
    late_s = (2 * TAPE.cycle + TAPE.end) / RATE_HZ + ANSWER_LIMIT_MS / 1000 - 0.1
    made = caller(400.0, 450.0, None)
    assert heard(made, begun_s=(TAPE.begin + 1) / RATE_HZ).answers_ms == [450.0, inf]
    assert heard(made, until_s=late_s).answers_ms == [400.0, 450.0]
    assert heard(made, begun_s=second_s, until_s=2 * second_s).answers_ms == [450.0]


class Speaker:
    def __init__(self) -> None:
        self.intended_s: list[float] = []
        self.looked_s: list[float] = []

    def speak(self, intended_s: float) -> None:
        self.intended_s.append(intended_s)

    def look(self, now: float) -> None:
        self.looked_s.append(now)


async def test_after_a_stall_frames_are_made_up_for_at_their_old_times() -> None:
    metronome, speaker = Metronome(), Speaker()
    metronome.join(speaker, 0)
    metronome.start()
    await until(lambda: speaker.intended_s)
    # What a busy machine does to us, done on purpose.
    time.sleep(0.1)  # noqa: ASYNC251
    await until(lambda: len(speaker.intended_s) > 6)
    metronome.stop()
    steps = [after - before for before, after in zip(speaker.intended_s, speaker.intended_s[1:], strict=False)]
    assert steps == pytest.approx([0.02] * len(steps))
    assert len(steps) >= 6
    assert max(metronome.lateness_s) > 0.05


async def test_callers_speak_at_different_instants_until_they_leave() -> None:
    metronome = Metronome()
    speakers = [Speaker() for _ in range(SLOTS)]
    for number, speaker in enumerate(speakers):
        metronome.join(speaker, number)
    metronome.leave(speakers[0])
    metronome.start()
    await until(lambda: all(speaker.intended_s for speaker in speakers[1:]))
    metronome.stop()
    assert speakers[0].intended_s == []
    firsts = {round(speaker.intended_s[0] * 1000) for speaker in speakers[1:]}
    assert len(firsts) == SLOTS - 1


async def test_who_asks_to_look_looks_and_not_before() -> None:
    metronome, speaker = Metronome(), Speaker()
    when_s = time.monotonic() + 0.02
    metronome.look_at(when_s, speaker)
    metronome.start()
    await until(lambda: speaker.looked_s)
    metronome.stop()
    (looked_s,) = speaker.looked_s
    assert looked_s >= when_s


def grown(calls: int, kb_a_second: int, seconds: int = 60) -> float:
    """The growth (KB a minute and call) of a server that takes so much more every second."""
    usages = [Usage(0.0, 0.0, 0.0, 100_000_000 + second * kb_a_second * 1000, 20, 5) for second in range(seconds)]
    return Watched([float(second) for second in range(seconds)], usages).growth(calls).rise


def test_growth_is_told_for_each_call() -> None:
    assert grown(20, 10) == pytest.approx(30.0)


def test_the_first_minutes_of_the_process_are_not_put_down_to_a_few_calls() -> None:
    assert grown(1, 10) == 0.0


def test_nothing_is_said_of_a_moment() -> None:
    assert grown(20, 10, seconds=15) == 0.0
