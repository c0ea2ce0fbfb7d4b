"""What was said, broken into lines for a picture: pure layout, in inches on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import TextWrapper
from typing import Literal

Who = Literal["caller", "agent"]

POINTS = 8.5
"""Size of the letters."""
LINE_INCHES = 1.4 * POINTS / 72
CHARACTER_INCHES = 0.57 * POINTS / 72
"""Mean width of a letter of running text, with some air."""
WIDTH_INCHES = 2.1
"""How wide a caption may be, unless its utterance is wider."""
MOST_LINES = 9
"""More words than fit are cut off with an ellipsis."""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody said; seconds since the stream began."""

    begin_s: float
    end_s: float
    who: Who
    text: str


@dataclass(frozen=True, slots=True)
class Caption:
    """Words laid out."""

    begin_s: float
    lines: list[str]


def captions(words: Sequence[Words], who: Who, duration_s: float, inches_per_s: float) -> list[Caption]:
    """Break one party's words into lines, each caption ending before the next one begins."""
    mine = sorted((said for said in words if said.who == who), key=lambda said: said.begin_s)
    ends_s = [said.begin_s for said in mine[1:]] + [duration_s]
    laid_out = []
    for said, end_s in zip(mine, ends_s[: len(mine)], strict=True):
        wide = max((said.end_s - said.begin_s) * inches_per_s, WIDTH_INCHES)
        room = min(wide, (end_s - said.begin_s) * inches_per_s - CHARACTER_INCHES)
        letters = max(8, int(room / CHARACTER_INCHES))
        breaker = TextWrapper(letters, break_on_hyphens=False, max_lines=MOST_LINES, placeholder=" …")
        laid_out.append(Caption(said.begin_s, breaker.wrap(said.text)))
    return laid_out
