"""Plain text as it is written for the ear, line by line: what comes out of marked-up text.

Blanks are single, lines end in one line feed, and a line that is a sentence by its place ends like one.
"""

from __future__ import annotations

PAUSES = ".,;:!?…।॥。！？۔؟—–"


class PlainLines:
    """What was written and not taken yet; one object a reply."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self.before = "\n"
        """The character that was written last."""
        self.line_end = ""
        """The last visible character of this line; empty where there is none yet."""
        self.is_sentence = False
        """Whether this line ends like a sentence, whatever its last word."""

    def write(self, plain: str) -> None:
        """Write some text without a line feed in it."""
        if plain:
            self._written.append(plain)
            self.before = plain[-1]
            self.line_end = plain[-1] if not plain.isspace() else self.line_end

    def blank(self) -> None:
        """Part what comes from what was written."""
        if not self.before.isspace():
            self.write(" ")

    def end_line(self) -> None:
        """End the line; one without any text is none."""
        if self.is_sentence and self.line_end and self.line_end not in PAUSES:
            self.write(".")
        if self.before != "\n":
            self.write("\n")
        self.line_end = ""
        self.is_sentence = False

    def take(self) -> str:
        """Return what was written since the last time."""
        plain = "".join(self._written)
        self._written.clear()
        return plain
