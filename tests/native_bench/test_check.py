"""What is worse by more than a tenth fails, and the figures that are judged are the same each time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from native_bench import check
from native_bench.check import BUDGETS, Verdict, judged, read_budgets, write_budgets
from native_bench.frugality import instructions, memory, ratio
from native_bench.load.tape import Tape
from native_bench.ways import Clock, WayIn, WayOut


@pytest.mark.parametrize(
    ("figure", "budget", "is_worse", "is_better"),
    [
        (1100.0, 1000.0, False, False),
        (1101.0, 1000.0, True, False),
        (899.0, 1000.0, False, True),
        (900.0, 1000.0, False, False),
        (0.6, 0.2, False, False),
        (0.8, 0.2, True, False),
        (0.0, 0.0, False, False),
        (5.0, None, False, False),
    ],
)
def test_a_tenth_is_tolerated(figure: float, budget: float | None, is_worse: bool, is_better: bool) -> None:
    verdict = Verdict("outbound_messages", figure, budget)
    assert (verdict.is_worse, verdict.is_better) == (is_worse, is_better)
    assert ("WORSE" in str(verdict)) == is_worse


def test_what_wavers_is_tolerated_a_little_more() -> None:
    assert [Verdict("inbound_to_prototype", figure, 10.0).is_worse for figure in (11.9, 12.1)] == [False, True]


def test_a_budget_for_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing is known of wings"):
        judged({"legs": 2.0}, {"wings": 2.0})


def test_budgets_are_kept_by_version(tmp_path: Path) -> None:
    path = tmp_path / "budgets.toml"
    write_budgets(path, "3.11", {"a": 1.5, "b": 2.0})
    write_budgets(path, "3.13", {"a": 1.0})
    write_budgets(path, "3.11", {"a": 1.25})
    assert [read_budgets(path, version) for version in ("3.11", "3.12", "3.13")] == [{"a": 1.25}, {}, {"a": 1.0}]


@pytest.mark.parametrize("text", [None, "a = "])
def test_a_file_of_budgets_that_cannot_be_read_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "budgets.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"budgets\.toml"):
        read_budgets(path, "3.11")


def test_the_budgets_of_the_repository_are_of_things_that_are_known() -> None:
    assert set(read_budgets(BUDGETS, "3.11")) == set(check._MEANINGS)


def test_instructions_are_counted_alike_each_time_and_more_for_more() -> None:
    once, again = WayOut(), WayOut()
    # What is imported, or filled, with the first of all is nobody's price.
    instructions(lambda: WayOut().speak(1))
    assert instructions(lambda: once.speak(1)) == instructions(lambda: again.speak(1))
    assert instructions(lambda: once.speak(2)) > 1.5 * instructions(lambda: again.speak(1))
    assert once.messages > 0


def test_the_way_in_is_the_servers_own_and_takes_the_same_each_time() -> None:
    tape = Tape()

    async def counted() -> int:
        way_in = WayIn()
        await way_in.start()
        try:
            return instructions(lambda: [way_in.take(tape.message(number)) for number in range(50)])  # type: ignore[func-returns-value]
        finally:
            await way_in.aclose()

    with asyncio.Runner(loop_factory=Clock) as runner:
        _, once, again = (runner.run(counted()) for _ in range(3))
    assert once == pytest.approx(again, rel=0.001)
    # More than any part of the way takes by itself.
    assert once > 50 * 500


def test_memory_that_is_needed_and_that_is_left_are_told_apart() -> None:
    kept: list[object] = []
    passing, _ = memory(lambda frame: bytearray(100_000), [b""] * 20)
    _, left = memory(lambda frame: kept.append([object()]), [b""] * 200)
    assert passing >= 100_000
    assert left >= 2


def test_the_ratio_of_a_thing_to_half_of_it_is_about_two() -> None:
    assert 1.5 < ratio(lambda frame: sum(range(4000)), lambda frame: sum(range(2000)), [b""] * 5) < 2.7
