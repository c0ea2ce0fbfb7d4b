"""How each case is shown in a report: tables and pictures, every word of them escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

import orjson

from native_bench import plots
from native_bench.peers.ratios import Compared, compared, paired

Row = Mapping[str, Any]
_CPU_BUDGET_MS = 2.0
_COMPARED = {
    "answer_p50": "last sample to answer, median",
    "clear_p50": "onset to clear, median",
    "silence_p99": "silence within an utterance, p99",
    "cpu": "processor time of a call-second",
}
_STEP_HEAD = (
    "calls", "CPU ms a call-second", "core taken by others %", "memory MB", "KB a call", "answer p50 ms", "p90", "p99",
    "most", "silence in utterances p99 ms", "most", "stall p99 ms", "most", "callers' slip p99 ms", "what broke",
)  # fmt: skip


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of text."""
    top = "".join(f"<th>{escape(str(each))}</th>" for each in head)
    lines = ["".join(f"<td>{escape(str(each))}</td>" for each in row) for row in rows]
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def details(rows: Sequence[Row]) -> str:
    """What has no pictures of its own."""
    text = "\n".join(orjson.dumps(row, option=orjson.OPT_INDENT_2).decode() for row in rows)
    return f"<details><summary>{len(rows)} lines</summary><pre>{escape(text)}</pre></details>"


def capacity(rows: Sequence[Row]) -> str:
    """Gap, latency, CPU and memory against calls, and what a call-second costs."""
    steps = [row for row in rows if "step" in row]
    parts = [_sentence(row) for row in rows if "capacity" in row]
    if steps:
        parts += [table(_STEP_HEAD, [_step(row) for row in steps]), _plots(_of_steps([row["step"] for row in steps]))]
    for profile in (row["profile"] for row in rows if "profile" in row):
        costs = {name: ms for name, ms in profile["parts_ms"].items() if ms}
        title = f"what a call-second costs at {profile['calls']} calls: {profile['cpu_ms']:.2f} ms"
        parts.append(_plots([plots.waterfall(title, "ms", costs)]))
        parts.append(table(("hottest functions", "ms"), profile["functions_ms"]))
    return "\n".join(parts)


def _sentence(row: Row) -> str:
    broken = row.get("broken")
    more = f"; {broken} break" if broken else ""
    why = f" Not reported beyond: {row['bottleneck']}." if row.get("bottleneck") else ""
    text = f"{row['capacity']} calls on one core{more}.{why}"
    return f"<p><b>{escape(text)}</b></p>"


def _step(row: Row) -> list[str]:
    step = row["step"]
    broken = [*filter(None, [row.get("bottleneck")]), *row.get("breaches", ())]
    spreads = [("answers", ("p50", "p90", "p99", "most")), ("silence", ("p99", "most")), ("stalls", ("p99", "most"))]
    cells = [_of(step, name, key) for name, keys in [*spreads, ("slip", ("p99",))] for key in keys]
    plain = [step[name] for name in ("cpu_ms", "starved_percent", "memory_mb", "call_kb")]
    return [str(step["calls"]), *(f"{each:.2f}" for each in plain), *map(_number, cells), "; ".join(broken)]


def _of(step: Row, name: str, key: str) -> float | None:
    """A figure of a distribution; ``None`` where there is none, or it is infinite."""
    found = step.get(name) or {}
    return found.get(key)


def _of_steps(steps: Sequence[Row]) -> list[str]:
    def line(value: Callable[[Row], float | None]) -> list[tuple[float, float | None]]:
        return [(step["calls"], value(step)) for step in steps]

    def spread(name: str, *keys: str) -> dict[str, list[tuple[float, float | None]]]:
        return {key: [(step["calls"], _of(step, name, key)) for step in steps] for key in keys}

    quantiles = {f"{step['calls']} calls": step["answer_quantiles"] for step in steps if step.get("answer_quantiles")}
    return [
        plots.lines("silence within an utterance", "calls", "ms", spread("silence", "p50", "p99", "most")),
        plots.lines("last sample to answer", "calls", "ms", spread("answers", "p50", "p99", "most")),
        plots.distributions("last sample to answer, distribution", "ms", quantiles),
        plots.lines("CPU", "calls", "ms a call-second", {"CPU": line(lambda step: step["cpu_ms"])}, _CPU_BUDGET_MS),
        plots.lines("memory", "calls", "MB", {"resident": line(lambda step: step["memory_mb"])}),
        plots.lines("the server's stalls and the callers' own slip", "calls", "ms",
                    {"stall, p99": line(lambda step: _of(step, "stalls", "p99")),
                     "slip, p99": line(lambda step: _of(step, "slip", "p99"))}),
    ]  # fmt: skip


def soak(rows: Sequence[Row]) -> str:
    """What was seen as time and calls went by."""
    parts = []
    for row in rows:
        bad = [*row["grown"], *row["failures"]]
        verdict = "; ".join(map(str, bad)) if bad else "nothing grows"
        kind = "bad" if bad else "good"
        parts.append(f'<h3>{escape(row["title"])}</h3><p class="{kind}">{escape(verdict)}</p>')
        looks = row["looks"]
        over = "minutes" if "minute" in row["title"] else "thousands of calls"
        pictures = {"memory_kb": "memory, KB", "tasks": "tasks", "descriptors": "file descriptors"}
        lines = {name: [(look["at"], look[name]) for look in looks] for name in pictures}
        parts.append(_plots([plots.lines(pictures[name], over, "", {name: line}) for name, line in lines.items()]))
    return "\n".join(parts)


def coldstart(rows: Sequence[Row]) -> str:
    """How soon."""
    names = {"empty_ms": "ready, empty cache", "full_ms": "ready, full cache", "greeting_ms": "greeting on the wire"}
    cells = [
        (title, *(_number(row[name][key]) for key in ("count", "p50", "p90", "p99", "most")))
        for row in rows
        for name, title in names.items()
        if row.get(name)
    ]
    return table(("", "n", "p50 ms", "p90", "p99", "most"), cells)


def check(rows: Sequence[Row]) -> str:
    """Figures against budgets."""
    pairs = [(row["budgets"], name, figure) for row in rows for name, figure in row["figures"].items()]
    cells = [(name, _number(figure), _number(budgets.get(name))) for budgets, name, figure in pairs]
    return table(("", "figure", "budget"), cells)


def turn(rows: Sequence[Row]) -> str:
    """Latency and cut-ins of turn-taking, by class and number of calls."""
    cells = []
    found: dict[str, list[tuple[float, float | None]]] = {}
    for row in rows:
        for name, each in row.get("turns", {}).items():
            latency = each.get("latency_ms") or {}
            figures = [latency.get(key) for key in ("p50", "p90", "p99", "most")]
            faults = (each["cut_ins"], each["missed"])
            cells.append((row["simultaneous"], name, each["count"], *map(_number, figures), *faults))
            found.setdefault(name, []).append((row["simultaneous"], latency.get("p50")))
    head = ("calls", "what was said", "n", "p50 ms", "p90", "p99", "most", "cut-ins", "missed")
    picture = plots.lines("last sample to answer, median", "simultaneous calls", "ms", found)
    return table(head, cells) + _plots([picture]) + details(rows)


def compare(rows: Sequence[Row]) -> str:
    """Ratios to each peer at each number of calls, over all pairs that were kept."""
    parts: list[str] = []
    found = {key: compared(pairs) for key, pairs in paired(rows).items()}
    for (peer, calls), measures in found.items():
        parts.append(f"<h3>{escape(peer)}, {calls} calls at a time</h3>")
        head = ("", "mediasrv, median", f"{peer}, median", "ratio, median", "least and most", "pairs")
        parts.append(table(head, [(*each.row(), len(each.ours)) for each in measures]))
    for peer in dict.fromkeys(peer for peer, _ in found):
        of_peer = {calls: each for (name, calls), each in sorted(found.items()) if name == peer}
        parts.append(_plots([_against_calls(key, title, peer, of_peer) for key, title in _COMPARED.items()]))
    return "\n".join(parts) + details(rows)


def _against_calls(key: str, title: str, peer: str, found: Mapping[int, Sequence[Compared]]) -> str:
    picked = [(calls, each) for calls, measures in found.items() for each in measures if each.measure.key == key]
    sides = {
        "mediasrv": [(calls, median(each.ours)) for calls, each in picked],
        peer: [(calls, median(each.theirs)) for calls, each in picked],
    }
    return plots.lines(title, "calls at a time", picked[0][1].measure.unit if picked else "", sides)


def _plots(pictures: Sequence[str]) -> str:
    return f'<div class="plots">{"".join(pictures)}</div>'


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}".removesuffix(".00")


RENDERERS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "capacity": capacity,
    "soak": soak,
    "coldstart": coldstart,
    "check": check,
    "turn": turn,
    "bargein": turn,
    "compare": compare,
}
"""By the name of a case."""
