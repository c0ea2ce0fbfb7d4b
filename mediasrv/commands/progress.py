"""A progress bar on a terminal; elsewhere a line now and then."""

from __future__ import annotations

import time
from typing import TextIO

WIDTH = 30
EVERY_S = 0.1
EVERY_LINE_S = 10.0
"""Between two lines where there is no terminal."""


class Bar:
    """One line that is written again and again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = ""
        self._next_s = 0.0

    def show(self, done: int, total: int, words: str) -> None:
        """Draw it, if that is due; without a total there is no bar, and only the words."""
        filled = WIDTH * done // total if total else 0
        bar = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}  " if total else ""
        line, now_s = f"{bar}{words}", time.monotonic()
        if line == self._shown or now_s < self._next_s:
            return
        self._shown, self._next_s = line, now_s + (EVERY_S if self._is_terminal else EVERY_LINE_S)
        self._stream.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        self._stream.flush()

    def say(self, words: str) -> None:
        """Say something above it."""
        self._stream.write(f"\r\x1b[K{words}\n{self._shown}" if self._is_terminal else f"{words}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave it as it is, and begin a new line."""
        if self._is_terminal and self._shown:
            self._stream.write("\n")
        self._shown, self._next_s = "", 0.0
