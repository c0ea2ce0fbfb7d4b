"""The picture of a call: both voices on one time axis, and what the caller waited for.

From the top: the caller's words and voice, the waits between the voices, the agent's voice and words, and, where the
stages of the responses are known, a waterfall of them. A long call makes a wide picture, never a crowded one.

One unit of the upper drawing's y axis is an inch on paper, so that words and lanes are laid out in the same measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.errors import ConfigError
from mediasrv.simulator.captions import LINE_INCHES, POINTS, Caption, Who, Words, captions
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.report import CallReport, TurnReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Stage", "Words", "draw_timeline"]

COLOURS: dict[Who, str] = {"caller": "#2f6db5", "agent": "#d9732a"}
WAIT, ALARM, INK, FAINT, SHADE = "#8a5fb0", "#c0392b", "#2d3142", "#8d93a5", "#f1f3f8"
STAGES = ("#9db4c0", "#4f9dbf", "#d9a441", "#5b8e7d", "#9aa048", "#d9732a", "#b5838d", "#6c757d")
PALE = 0.35
"""Of a stage's colour, for what was done ahead."""
ENCODINGS = {Encoding.MULAW: "mu-law", Encoding.ALAW: "A-law", Encoding.L16: "L16"}

DPI = 110
INCHES_PER_S = 0.42
"""Three words a second, broken into lines, fit into this."""
LEAST_INCHES, MOST_INCHES = 14.0, 200.0
LEFT, RIGHT, HEAD, AXIS = 0.95, 0.4, 1.0, 0.7
LANE, WAITS, MARKS, TAGS, STAGE_ROW = 1.3, 0.75, 0.3, 0.3, 0.23


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a response, in milliseconds since the caller's last sample; negative if it began before that."""

    name: str
    start_ms: float
    end_ms: float
    ahead_ms: tuple[float, float] | None = None
    """When a part of it, or all, was done before it was waited for."""

    @property
    def label(self) -> str:
        """What is written beside it."""
        waited = f"{self.name} {self.end_ms - self.start_ms:.0f} ms"
        return waited if self.ahead_ms is None else f"{waited}, {self.ahead_ms[1] - self.ahead_ms[0]:.0f} ms ahead"


def draw_timeline(
    path: Path,
    call: Conversation,
    figures: CallReport,
    *,
    title: str = "A phone call, as the caller heard it",
    words: Sequence[Words] = (),
    stages: Sequence[Sequence[Stage]] = (),
) -> None:
    """Write the picture as PNG; ``stages`` holds a sequence for each turn, in the order of ``figures.turns``.

    Raise ``ConfigError`` when matplotlib is missing or the file cannot be written. It takes seconds of CPU.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("the picture of a call needs matplotlib: pip install 'mediasrv[bench]'") from error
    drawing = _Drawing(call, figures, words)
    rows = sum(map(len, stages))
    fall = rows * STAGE_ROW + AXIS + 0.3 if rows else 0.0
    width, height = LEFT + drawing.paper + RIGHT, HEAD + drawing.height + AXIS + fall
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")

    def place(bottom: float, wide: float, tall: float) -> Axes:
        return figure.add_axes((LEFT / width, bottom / height, wide / width, tall / height))

    drawing.draw(place(AXIS + fall, drawing.paper, drawing.height))
    if rows:
        _draw_waterfall(place(AXIS, min(drawing.paper, 1.3 * LEAST_INCHES), rows * STAGE_ROW), figures.turns, stages)
    figure.text(LEFT / width, 1 - 0.38 / height, title, fontsize=16, weight="bold", color=INK)
    figure.text(LEFT / width, 1 - 0.64 / height, _facts(call.audio, figures), fontsize=10, color=FAINT)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error


def _facts(audio: AudioFormat, figures: CallReport) -> str:
    """The line under the title."""
    responses = [turn.response_ms for turn in figures.turns if turn.response_ms is not None]
    facts = [f"{figures.duration_s:.1f} s", f"{ENCODINGS[audio.encoding]} {audio.rate_hz / 1000:g} kHz"]
    if responses:
        facts.append(f"response latency: median {median(responses):.0f} ms, longest {max(responses):.0f} ms")
    facts.append(f"{len(figures.underruns) or 'no'} underrun{'s' * (len(figures.underruns) != 1)}")
    return "  ·  ".join(facts)


class _Drawing:
    """The upper drawing; places are inches from its bottom."""

    def __init__(self, call: Conversation, figures: CallReport, words: Sequence[Words]) -> None:
        self.call = call
        self.figures = figures
        self.duration_s = max(figures.duration_s, 1.0)
        self.paper = min(max(self.duration_s * INCHES_PER_S, LEAST_INCHES), MOST_INCHES)
        self.captions: dict[Who, list[Caption]] = {
            who: captions(words, who, self.duration_s, self.paper / self.duration_s) for who in COLOURS
        }
        tall = {who: max((len(caption.lines) for caption in found), default=0) for who, found in self.captions.items()}
        self.marks = 0.05 + tall["agent"] * LINE_INCHES
        self.agent = self.marks + MARKS + LANE / 2
        self.waits = self.agent + LANE / 2
        self.caller = self.waits + WAITS + LANE / 2
        self.words = self.caller + LANE / 2 + 0.06
        self.tags = self.words + 0.06 + tall["caller"] * LINE_INCHES
        self.height = self.tags + TAGS

    def draw(self, axes: Axes) -> None:
        axes.set_xlim(0, self.duration_s)
        axes.set_ylim(0, self.height)
        axes.set_xlabel("seconds since the stream began", color=FAINT)
        axes.set_xticks(np.arange(0, self.duration_s, 5 if self.duration_s > 20 else 1))
        axes.set_yticks([self.agent, self.caller], ["agent", "caller"], fontsize=11, weight="bold")
        _strip(axes)
        for label, who in zip(axes.get_yticklabels(), reversed(COLOURS), strict=True):
            label.set_color(COLOURS[who])
        self._draw_turns(axes)
        self._draw_voice(axes, self.call.caller, self.caller, COLOURS["caller"])
        self._draw_voice(axes, self.call.agent, self.agent, COLOURS["agent"])
        self._draw_waits(axes)
        self._draw_points(axes)
        self._draw_captions(axes, "caller", self.words, "bottom")
        self._draw_captions(axes, "agent", self.marks, "top")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, fontsize=9, labelcolor=INK)

    def _draw_turns(self, axes: Axes) -> None:
        begins_s = [turn.begin_s for turn in self.figures.turns]
        ends_s = [*begins_s[1:], self.duration_s][: len(begins_s)]
        for number, (begin_s, end_s) in enumerate(zip(begins_s, ends_s, strict=True), 1):
            axes.axvspan(begin_s, end_s, color=_shade(number), linewidth=0, zorder=0)
            axes.text(begin_s, self.tags + 0.1, f"turn {number}", fontsize=9, weight="bold", color=FAINT)

    def _draw_voice(self, axes: Axes, pcm: NDArray[np.int16], middle: float, colour: str) -> None:
        """Draw the lowest and highest sample of each pixel; a voice fills its lane whatever its level."""
        axes.axhline(middle, color=colour, linewidth=0.6, alpha=0.5, zorder=1)
        columns = min(len(pcm), int(self.paper * DPI))
        if not columns:
            return
        edges = np.linspace(0, len(pcm), columns, endpoint=False).astype(np.intp)
        scale = 0.46 * LANE / max(int(np.abs(pcm.astype(np.int32)).max()), 1)
        low, high = (middle + scale * extreme.reduceat(pcm, edges) for extreme in (np.minimum, np.maximum))
        axes.fill_between(edges / self.call.audio.rate_hz, low, high, color=colour, linewidth=0.3, zorder=2)

    def _draw_waits(self, axes: Axes) -> None:
        """Draw what the caller waited for in the upper half of the gap, interruptions in the lower."""
        upper, lower = self.waits + 0.66 * WAITS, self.waits + 0.2 * WAITS
        if self.figures.greeting_ms is not None:
            _draw_span(axes, 0, self.figures.greeting_ms, upper, WAIT, "greeting ")
        for turn in self.figures.turns:
            if turn.answer_s is not None and turn.response_ms is not None:
                span, lanes = [turn.end_s, turn.answer_s], (self.agent, self.caller)
                axes.fill_between(span, *lanes, color=WAIT, alpha=0.16, linewidth=0, zorder=1)
                _draw_span(axes, turn.end_s, turn.response_ms, upper, WAIT)
            if turn.barge_in is not None:
                _draw_span(axes, turn.begin_s, turn.barge_in.tail_ms, lower, ALARM, "interrupted, silent after ")

    def _draw_points(self, axes: Axes) -> None:
        """Draw what happened in an instant; the legend names each kind, also those that did not happen."""
        rate_hz = self.call.audio.rate_hz
        row = self.marks + MARKS / 2
        marks_s = [place / rate_hz for _, place in self.call.marks]
        clears_s = [place / rate_hz for place in self.call.clears]
        holes_s = [hole.begin_s for hole in self.figures.underruns]
        axes.plot([], [], color=WAIT, linewidth=6, alpha=0.5, label="response latency")
        axes.plot(marks_s, [row] * len(marks_s), "d", color=FAINT, markersize=5, label="checkpoint heard", zorder=3)
        axes.vlines(clears_s, row, self.waits, color=ALARM, linewidth=1.2, linestyle="--", label="clear", zorder=3)
        axes.plot(
            holes_s, [self.waits - 0.08] * len(holes_s), "v", color=ALARM, markersize=7, label="underrun", zorder=3
        )

    def _draw_captions(self, axes: Axes, who: Who, y: float, anchor: str) -> None:
        for caption in self.captions[who]:
            text = "\n".join(caption.lines)
            axes.text(caption.begin_s, y, text, fontsize=POINTS, color=COLOURS[who], va=anchor, linespacing=1.25)


def _draw_waterfall(axes: Axes, turns: Sequence[TurnReport], stages: Sequence[Sequence[Stage]]) -> None:
    """Draw the stages of each response as bars, on one axis that begins at the caller's last sample."""
    every = [stage for row in stages for stage in row]
    names = list(dict.fromkeys(stage.name for stage in every))
    middles: list[float] = []
    y = 0
    for number, (turn, row) in enumerate(zip(turns, stages, strict=True), 1):
        top, bottom = y - 0.5, y + len(row) - 0.5
        middles.append((top + bottom) / 2)
        axes.axhspan(top, bottom, color=_shade(number), linewidth=0, zorder=0)
        if turn.response_ms is not None:
            axes.vlines(turn.response_ms, top, bottom, color=WAIT, linewidth=2, zorder=1)
        for stage in row:
            colour = STAGES[names.index(stage.name) % len(STAGES)]
            axes.barh(y, stage.end_ms - stage.start_ms, left=stage.start_ms, height=0.62, color=colour, zorder=2)
            if stage.ahead_ms is not None:
                begun_ms, done_ms = stage.ahead_ms
                axes.barh(y, done_ms - begun_ms, left=begun_ms, height=0.62, color=colour, alpha=PALE, zorder=2)
            paper = {"facecolor": _shade(number), "edgecolor": "none", "pad": 0.6}
            axes.annotate(
                stage.label,
                (stage.end_ms, y),
                (6, 0),
                textcoords="offset points",
                fontsize=POINTS,
                color=INK,
                va="center",
                bbox=paper,
            )
            y += 1
    latest_ms = max([stage.end_ms for stage in every] + [turn.response_ms or 0 for turn in turns])
    earliest_ms = min([0.0] + [(stage.ahead_ms or (stage.start_ms,))[0] for stage in every])
    axes.set_xlim(earliest_ms, 1.18 * latest_ms)
    axes.set_ylim(y - 0.5, -0.5)
    legend = "milliseconds since the caller's last sample; purple: the caller hears the answer; pale: done ahead"
    axes.set_xlabel(legend, color=FAINT)
    axes.set_yticks(middles, [f"turn {number}" for number, _ in enumerate(middles, 1)], fontsize=9, weight="bold")
    _strip(axes)


def _draw_span(axes: Axes, begin_s: float, lasted_ms: float, y: float, colour: str, prefix: str = "") -> None:
    """Draw a bracket over a stretch of time with its length behind it."""
    end_s = begin_s + lasted_ms / 1000
    axes.plot([begin_s, end_s], [y, y], color=colour, linewidth=1.6, marker="|", markersize=9, zorder=3)
    label = f" {prefix}{lasted_ms:.0f} ms"
    axes.text(end_s, y, label, fontsize=9.5, weight="bold", color=colour, va="center", zorder=4)


def _shade(number: int) -> str:
    """The paper of a turn: every other one is grey."""
    return SHADE if number % 2 else "white"


def _strip(axes: Axes) -> None:
    """Take away the frame that nobody reads."""
    axes.tick_params(colors=FAINT, length=3)
    axes.tick_params(axis="y", length=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
