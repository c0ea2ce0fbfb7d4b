"""Has anything become dearer? Figures that do not depend on the machine's mood, against ``budgets.toml``.

A figure that is worse than its budget by more than the tolerance fails. One that has become better asks for a new
budget: ``--write`` takes the figures of this run. Instructions differ from one Python to the next, so each version has
budgets of its own; a version without any is measured and not judged.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediasrv.errors import ConfigError
from native_bench.frugality import measure
from native_bench.keeping import append
from native_bench.machine import described, facts
from native_bench.ways import Clock

BUDGETS = Path(__file__).with_name("budgets.toml")
TOLERANCE = 0.10
# The one figure with a clock in it: from one process to the next, where things lie in memory makes it waver by a tenth.
_WAVERING = {"inbound_to_prototype": 0.20}
# What is next to nothing may become as much as this.
_LEAST = 0.5
_MEANINGS = {
    "inbound_instructions": "instructions of the interpreter, for a frame of the caller",
    "inbound_peak_bytes": "bytes that a frame of the caller needs at a time",
    "inbound_blocks_left": "blocks of memory that a frame leaves behind",
    "inbound_to_prototype": "cost of a frame against that of a bare prototype",
    "outbound_instructions": "instructions for a second of the bot's speech",
    "outbound_messages": "messages for a second of the bot's speech",
}
_HEAD = """\
# What a frame may cost, by the version of Python; `make bench-check` fails where it is more by over a tenth.
# Written by `python -m native_bench check --write`.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure against its budget."""

    name: str
    figure: float
    budget: float | None
    """``None`` where there is none."""

    @property
    def tolerance(self) -> float:
        """By what part it may be worse."""
        return _WAVERING.get(self.name, TOLERANCE)

    @property
    def is_worse(self) -> bool:
        """By more than the tolerance."""
        return self.budget is not None and self.figure > max(self.budget * (1 + self.tolerance), self.budget + _LEAST)

    @property
    def is_better(self) -> bool:
        """By more than the tolerance."""
        return self.budget is not None and self.figure < min(self.budget * (1 - self.tolerance), self.budget - _LEAST)

    def __str__(self) -> str:
        if self.budget is None:
            judged = "no budget"
        else:
            change = f"{100 * (self.figure / self.budget - 1):+.1f} %" if self.budget else ""
            word = "WORSE" if self.is_worse else "better: lower the budget" if self.is_better else "ok"
            judged = f"{self.budget:>10.2f}  {change:>8}  {word}"
        return f"{self.figure:>10.2f}  {judged}  {_MEANINGS.get(self.name, self.name)}"


def judged(figures: Mapping[str, float], budgets: Mapping[str, float]) -> list[Verdict]:
    """Each figure with its budget; raise ``ConfigError`` for a budget of something that is not measured."""
    if unknown := sorted(set(budgets) - set(figures)):
        raise ConfigError(f"{BUDGETS.name}: nothing is known of {', '.join(unknown)}")
    return [Verdict(name, figure, budgets.get(name)) for name, figure in figures.items()]


def read_budgets(path: Path, version: str) -> Mapping[str, float]:
    """The budgets for a version of Python; none when it has none. Raise ``ConfigError`` for a broken file."""
    return _tables(path).get(version, {})


def write_budgets(path: Path, version: str, figures: Mapping[str, float]) -> None:
    """Keep figures as the budgets for a version, beside those for the others."""
    tables = {**_tables(path), version: figures} if path.exists() else {version: figures}
    text = "\n".join(
        "\n".join([f'["{name}"]', *(f"{key} = {value}" for key, value in tables[name].items()), ""])
        for name in sorted(tables)
    )
    path.write_text(f"{_HEAD}\n{text}", encoding="utf-8")


def _tables(path: Path) -> dict[str, Mapping[str, float]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def main() -> int:
    """Measure and judge; 0 when nothing is worse."""
    parser = argparse.ArgumentParser(prog="python -m native_bench check", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true", help="take the figures of this run for budgets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, as one line")
    flags = parser.parse_args()
    # A recogniser that is not listened to is no news here.
    logging.getLogger("mediasrv").setLevel(logging.ERROR)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    try:
        append(flags.json, [])
        budgets = {} if flags.write else read_budgets(BUDGETS, version)
        with asyncio.Runner(loop_factory=Clock) as runner:
            figures = runner.run(measure())
        verdicts = judged(figures, budgets)
        if flags.write:
            write_budgets(BUDGETS, version, figures)
        append(flags.json, [{"case": "check", **facts(), "figures": figures, "budgets": dict(budgets)}])
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78
    print(described())
    if not budgets and not flags.write:
        print(f"note: {BUDGETS.name} has no budgets for Python {version}; nothing is judged")
    print("\n".join(map(str, verdicts)))
    return 1 if any(each.is_worse for each in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
