"""Pictures for a report, as SVG that stands in a page; the only door of the benchmarks' report to matplotlib.

What is not there (``None``, as where nobody was answered) is left out of a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from mediasrv.errors import ConfigError

Line = Sequence[tuple[float, float | None]]
_COLOURS = ("#2f6db5", "#c0392b", "#5b8e7d", "#d9a441", "#7d5ba6", "#888888")
_SIZE = (6.2, 3.4)


def lines(title: str, x: str, y: str, found: Mapping[str, Line], limit: float | None = None) -> str:
    """Draw lines with points, and a limit where there is one."""
    figure, axes = _axes(title, x, y)
    for colour, (label, line) in zip(_COLOURS, found.items(), strict=False):
        points = [(at, value) for at, value in sorted(line) if value is not None]
        if points:
            axes.plot(*zip(*points, strict=True), "o-", color=colour, label=_plain(label), markersize=3)
    if limit is not None:
        axes.axhline(limit, color="#c0392b", linestyle=":", label="budget")
    axes.set_ylim(bottom=0)
    return _svg(figure, axes)


def distributions(title: str, x: str, found: Mapping[str, Sequence[float | None]]) -> str:
    """Draw for each name the share of all that is no greater, from evenly spaced quantiles."""
    figure, axes = _axes(title, x, "%")
    for colour, (label, quantiles) in zip(_COLOURS, found.items(), strict=False):
        last = max(len(quantiles) - 1, 1)
        points = [(value, 100 * place / last) for place, value in enumerate(quantiles) if value is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, label=_plain(label))
    axes.set_ylim(0, 100)
    return _svg(figure, axes)


def waterfall(title: str, x: str, parts: Mapping[str, float]) -> str:
    """Draw parts of a whole below one another, each beginning where the one before it ends."""
    figure, axes = _axes(title, x, "", tall=0.28 * len(parts))
    at = 0.0
    for place, size in enumerate(parts.values()):
        axes.barh(place, size, left=at, color=_COLOURS[place % len(_COLOURS)])
        axes.text(at + size, place, f" {size:.2f}", va="center", fontsize=7)
        at += size
    axes.set_yticks(range(len(parts)), [_plain(name) for name in parts], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    return _svg(figure, axes)


def _axes(title: str, x: str, y: str, tall: float = 0.0) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("a report needs matplotlib: pip install 'mediasrv[bench]'") from error
    figure = Figure(figsize=(_SIZE[0], max(_SIZE[1], tall)), facecolor="white", layout="tight")
    axes = figure.add_subplot()
    axes.set_title(_plain(title), loc="left", fontsize=10)
    axes.set_xlabel(_plain(x), fontsize=8)
    axes.set_ylabel(_plain(y), fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    return figure, axes


def _plain(text: str) -> str:
    """What matplotlib would take for a formula is none."""
    return text.replace("$", r"\$")


def _svg(figure: Any, axes: Any) -> str:
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(frameon=False, fontsize=7)
    drawn = StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]
