"""Cut-ins against latency as one setting is turned: the price of patience."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from mediasrv.errors import ConfigError
from native_bench.turntaking.report import turn_classes, turn_figures
from native_bench.turntaking.tally import Tally
from native_bench.turntaking.utterances import Kind

_PAGE = "<!doctype html><meta charset=utf-8><title>Cut-ins against latency: {title}</title>{picture}"
_COLOURS = {Kind.FLOWING: "#2f6db5", Kind.NATURAL: "#5b8e7d", Kind.SHORT: "#d9a441", Kind.LONG: "#c0392b"}


def draw_curve(path: Path, knob: str, runs: Sequence[tuple[float, Tally]]) -> None:
    """Write the picture, as PNG, SVG, PDF, or as HTML that opens offline.

    Raise ``ConfigError`` when matplotlib is missing or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("a curve needs matplotlib: pip install 'mediasrv[bench]'") from error
    figure = Figure(figsize=(9, 6), dpi=110, facecolor="white")
    axes = figure.add_subplot()
    for kind, colour in _COLOURS.items():
        points = [(value, *_point(tally, kind)) for value, tally in runs if kind.value in turn_classes(tally)]
        found = [(value, latency, share) for value, latency, share in points if latency is not None]
        if not found:
            continue
        _, latencies, shares = zip(*found, strict=True)
        axes.plot(latencies, shares, "o-", color=colour, label=kind.value)
        for value, latency, share in found:
            axes.annotate(f"{value:g}", (latency, share), (5, 5), textcoords="offset points", fontsize=8, color=colour)
    axes.set_xlabel("caller's last sample to the answer, ms: median of all utterances")
    axes.set_ylabel("utterances that the bot cut into, %")
    axes.set_title(f"Cut-ins against latency as {knob} is turned", loc="left")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    try:
        if path.suffix == ".html":
            drawn = StringIO()
            figure.savefig(drawn, format="svg")
            path.write_text(_PAGE.format(title=knob, picture=drawn.getvalue()), encoding="utf-8")
        else:
            figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot write {path}: {error}") from error


def _point(tally: Tally, kind: Kind) -> tuple[float | None, float]:
    classes = turn_classes(tally)
    latency = turn_figures(classes["all"])["latency_ms"]
    found = turn_figures(classes[kind.value])
    return None if latency is None else latency["p50"], 100 * found["cut_ins"] / found["count"]
