"""A call's report for people: a small table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from textwrap import shorten

from mediasrv.simulator.report import CallReport, Hole, TurnReport

SAID_LETTERS = 44
"""How much of a sentence is shown."""


def table(figures: CallReport) -> str:
    """Lay a report out; the text ends without a line break."""
    head = f"{figures.duration_s:.1f} s of {figures.format}, ended by: {figures.ending} ({figures.close_code})"
    turns = [("turn", "said", "at", "answer", ""), *(_turn(*turn) for turn in enumerate(figures.turns, 1))]
    blocks = [[head], columns(turns) if figures.turns else [], columns(_facts(figures))]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _turn(number: int, turn: TurnReport) -> tuple[str, ...]:
    said = shorten(turn.text or turn.name, SAID_LETTERS, placeholder=" …")
    notes = ["the agent cut in"] * turn.cut_in
    if turn.barge_in is not None:
        clear_ms = turn.barge_in.clear_ms
        cleared = "no clear" if clear_ms is None else f"clear after {clear_ms:.0f} ms"
        notes.append(f"interrupted the agent: {cleared}, silent after {turn.barge_in.tail_ms:.0f} ms")
    return str(number), said, f"{turn.begin_s:.1f} s", _wait(turn.response_ms), "; ".join(notes)


def _facts(figures: CallReport) -> list[tuple[str, str]]:
    responses = [turn.response_ms for turn in figures.turns if turn.response_ms is not None]
    slip = figures.slip
    facts = [("greeting", _wait(figures.greeting_ms))]
    if responses:
        facts.append(("response latency", f"median {median(responses):.0f} ms, longest {max(responses):.0f} ms"))
    facts += [
        ("underruns", _holes(figures.underruns)),
        ("gaps behind a mark", _holes(figures.marked_gaps)),
        ("never heard", f"{figures.unheard_ms:.0f} ms still queued at the end"),
        (
            "our own slip",
            f"median {slip.median_ms} ms, p99 {slip.p99_ms} ms, most {slip.max_ms} ms, {slip.frames} frames",
        ),
        ("sent", _counts(figures.sent)),
        ("received", _counts(figures.received)),
    ]
    facts += [("tones", figures.tones)] * bool(figures.tones)
    return facts + [("error", error) for error in figures.errors]


def _wait(ms: float | None) -> str:
    return "none" if ms is None else f"{ms:.0f} ms"


def _holes(holes: Sequence[Hole]) -> str:
    if not holes:
        return "none"
    lengths_ms = [hole.duration_ms for hole in holes]
    return f"{len(holes)}, {sum(lengths_ms):.0f} ms together, longest {max(lengths_ms):.0f} ms"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Pad all columns but the last to their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
