"""The books of a long soak: what is lost, silent or broken is said, and nothing else."""

from __future__ import annotations

from math import inf
from pathlib import Path

from native_bench.endurance import complaints
from native_bench.load.kept import Kept, kept
from native_bench.load.measured import Heard
from native_bench.load.revolving import Tally
from tests.records import stage


def test_calls_with_all_their_turns_are_no_loss() -> None:
    assert Kept(calls=4, left_open=0, turns=9, is_whole=True).flaws(made=4, answered=8) == []


def test_every_loss_is_told() -> None:
    told = Kept(calls=3, left_open=2, turns=7, is_whole=False).flaws(made=4, answered=8)
    assert told == [
        "1 of 4 calls have no record",
        "2 calls have no end in their record",
        "1 of 8 answered turns are not in the records",
        "the records' file is damaged",
    ]


def test_a_call_with_an_unanswered_turn_is_silent_and_one_with_a_hole_is_not() -> None:
    tally = Tally()
    tally.add(Heard([600.0, inf], [0.0]))
    tally.add(Heard([601.0, 900.0], [0.0, 80.0]))
    assert (tally.silent, tally.unanswered, tally.turns, tally.holed, tally.hole_ms) == (1, 1, 4, 1, [80.0])


def test_shares_of_the_answers_come_within_their_times() -> None:
    tally = Tally()
    assert tally.answered_within_ms(0.5) is None
    tally.add(Heard([float(ms) for ms in range(1, 101)], []))
    assert (tally.answered_within_ms(0.5), tally.answered_within_ms(0.99)) == (50, 99)


def test_complaints_are_counted_by_what_they_say() -> None:
    log = (
        "2026-01-01 10:00:00,001 WARNING mediasrv.server: the loop stalled: here < there ms=120 where=a\n"
        "2026-01-01 10:00:01,001 WARNING mediasrv.server: the loop stalled ms=130 where='b c'\n"
        "Traceback\n"
        "2026-01-01 10:00:02,001 ERROR mediasrv.call: a turn broke\n"
        "2026-01-01 10:00:03,001 INFO mediasrv.call: all is well\n"
    )
    assert complaints(log) == {"mediasrv.server: the loop stalled": 2, "mediasrv.call: a turn broke": 1}


async def test_a_call_without_an_end_is_found_in_the_records(tmp_path: Path) -> None:
    async with stage.kept(tmp_path) as records:
        stage.converse(records, "one")
        stage.converse(records, "two", ends=False)
    assert kept(tmp_path) == Kept(calls=2, left_open=1, turns=2, is_whole=True)
