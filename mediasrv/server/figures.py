"""The figures of many processes as those of one: texts in the Prometheus format, summed line by line.

Counters and histograms add. Gauges add too, for they count what is there, but for those that are a worst case or a
date. Of a process that is gone the counters stay, so that no sum goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Fold = Callable[[float, float], float]

_FOLDS: dict[str, Fold] = {
    "mediasrv_load_level": max,
    "process_max_fds": max,
    "process_start_time_seconds": min,
}


def _add(one: float, other: float) -> float:
    return one + other


class _Family:
    """All samples under one name, with what is said of it."""

    def __init__(self, kind: str) -> None:
        self.about: list[str] = []
        self.kind = kind
        self.samples: dict[str, float] = {}


def summed(texts: Sequence[str], gone: Sequence[str] = ()) -> str:
    """Sum the figures of processes, and the counters of those that are ``gone``."""
    families: dict[str, _Family] = {}
    for text in texts:
        _fold(families, text, is_gone=False)
    for text in gone:
        _fold(families, text, is_gone=True)
    lines = (line for family in families.values() for line in _lines(family))
    return "\n".join(lines) + "\n"


def _fold(families: dict[str, _Family], text: str, *, is_gone: bool) -> None:
    family = _Family("")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            about, name = line, line.split(" ", 3)[2]
            family = families.setdefault(name, _Family(""))
            family.about = [about]
        elif line.startswith("# TYPE "):
            _, _, name, family.kind = line.split(" ", 3)
            family.about = [*family.about[:1], line]
        elif line and not (is_gone and family.kind == "gauge"):
            key, _, value = line.rpartition(" ")
            fold = _fold_of(key.partition("{")[0])
            family.samples[key] = fold(family.samples[key], float(value)) if key in family.samples else float(value)


def _fold_of(name: str) -> Fold:
    return min if name.endswith("_created") else _FOLDS.get(name, _add)


def _lines(family: _Family) -> Iterable[str]:
    yield from family.about
    yield from (f"{key} {value!r}" for key, value in family.samples.items())
