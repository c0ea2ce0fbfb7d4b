"""Takes out of a language model's stream what is written for the eye and must never be read aloud.

    push("**Hi** [there](https://exa") -> "Hi there"     emphasis, links' targets, code, tables, tags, emoji, reasoning

What comes out is plain text: blanks are single, lines end in one line feed, and what stood alone in its line as the
item of a list, a heading or the row of a table ends like a sentence. Code blocks, the thoughts of models that think
aloud, comments and footnotes become nothing. The words of everything else are kept, in their order.

A reader walks over the text in one of a few modes, each of which takes a step or waits. It waits only while what it
sees may be the beginning of a ``Sign``, which is bounded in length: so a stream is held up by a few characters, memory
stays small however long it is, and what comes out does not depend on the pieces that went in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping

from mediasrv.turn import signs
from mediasrv.turn.plainlines import PAUSES, PlainLines
from mediasrv.turn.signs import Sign

# Steps are found in the text that is not read yet, which is therefore kept short.
_PIECE_CHARS = 512
# More of an address nobody could write down from hearing it.
MAX_ADDRESS_CHARS = 80
# Enough to know the end of something again when it comes in two pieces.
_END_CHARS = 12

_BLANKS = re.compile(r"\s+")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"'|*`,;।?#]+")
_UNSAYABLE = re.compile(r"[^\s<>()\[\]\"'|*`]+")
_END_OF_LINK = re.compile(r"\)|(?=\n)")
_END_OF_COMMENT = re.compile("-->")


class PlainText:
    """Turns deltas of marked-up text into plain text; one object a reply."""

    def __init__(self) -> None:
        self._raw = ""
        self._lines = PlainLines()
        self._mode = PlainText._start_line
        self._is_link = False
        """Whether a link's text is being read."""
        self._end = _END_OF_LINK
        """Where skipping ends."""
        self._address_chars = 0
        self._unsaid = ""
        """The last character of an address that was left out: it may have been the sentence's, not the address's."""

    def push(self, delta: str) -> str:
        """Take more text, which may be any part of a word; return what is plain by now."""
        for at in range(0, len(delta), _PIECE_CHARS):
            self._raw += delta[at : at + _PIECE_CHARS]
            self._walk(ended=False)
        return self._lines.take()

    def flush(self) -> str:
        """Return what was waited with when the stream has ended."""
        self._walk(ended=True)
        self._say_unsaid()
        self._read_line_feed()
        return self._lines.take()

    def _walk(self, ended: bool) -> None:
        at: int | None = 0
        place = 0
        while at is not None and at < len(self._raw):
            place = at
            at = self._mode(self, place, ended)
        self._raw = self._raw[place if at is None else at :]

    # -- modes: each takes a step and says where it leads, or waits for more -------------------------------------------

    def _start_line(self, at: int, ended: bool) -> int | None:
        if blanks := _BLANKS.match(self._raw, at):
            self._lines.is_sentence &= "\n" not in blanks[0]
            return blanks.end()
        return self._read_any(_LINE_SIGNS, at, ended, otherwise=self._start_text)

    def _start_text(self, at: int) -> int:
        self._mode = PlainText._go_on
        return at

    def _go_on(self, at: int, ended: bool) -> int | None:
        if ordinary := signs.ORDINARY.match(self._raw, at):
            self._lines.write(ordinary[0].lstrip(" ") if self._lines.before.isspace() else ordinary[0])
            return ordinary.end()
        return self._read_any(_SIGNS.get(self._raw[at], _OTHER_SIGNS), at, ended, otherwise=self._read_character)

    def _read_character(self, at: int) -> int:
        self._lines.write(self._raw[at])
        return at + 1

    def _read_any(
        self, readers: Iterable[_Reader], at: int, ended: bool, otherwise: Callable[[int], int]
    ) -> int | None:
        for sign, read in readers:
            if not ended and sign.begun.fullmatch(self._raw, at):
                return None
            if match := sign.whole.match(self._raw, at):
                read(self, match)
                return match.end()
        return otherwise(at)

    def _skip(self, at: int, ended: bool) -> int | None:
        if end := self._end.search(self._raw, at):
            self._mode = PlainText._go_on
            return end.end()
        # The end may lie between this piece and the next.
        rest = len(self._raw) - _END_CHARS
        return rest if rest > at else None

    def _read_address(self, at: int, ended: bool) -> int:
        if part := _ADDRESS.match(self._raw, at):
            sayable = part[0][: MAX_ADDRESS_CHARS - self._address_chars]
            self._lines.write(sayable)
            self._address_chars += len(sayable)
            if len(sayable) < len(part[0]):
                self._mode = PlainText._leave_address_out
            return at + len(sayable)
        is_query = self._raw[at] in "?#"
        self._mode = PlainText._leave_address_out if is_query else PlainText._go_on
        return at + (self._raw[at] == ">")

    def _leave_address_out(self, at: int, ended: bool) -> int:
        if part := _UNSAYABLE.match(self._raw, at):
            self._unsaid = part[0][-1]
            return part.end()
        self._say_unsaid()
        self._mode = PlainText._go_on
        return at + (self._raw[at] == ">")

    def _say_unsaid(self) -> None:
        self._lines.write(self._unsaid if self._unsaid in PAUSES else "")
        self._unsaid = ""

    def _skip_to(self, end: re.Pattern[str]) -> None:
        self._end = end
        self._mode = PlainText._skip

    # -- what becomes of signs -----------------------------------------------------------------------------------------

    def _read_blank(self, match: re.Match[str]) -> None:
        self._lines.blank()

    def _read_line_feed(self, match: re.Match[str] | None = None) -> None:
        self._lines.end_line()
        self._is_link = False
        self._mode = PlainText._start_line

    def _read_nothing(self, match: re.Match[str]) -> None:
        pass

    def _read_mark(self, match: re.Match[str]) -> None:
        self._lines.is_sentence = True

    def _read_number(self, match: re.Match[str]) -> None:
        self._lines.is_sentence = True
        self._lines.write(f"{match['number']}. ")
        self._mode = PlainText._go_on

    def _read_code(self, match: re.Match[str]) -> None:
        self._read_line_feed()
        self._skip_to(re.compile(re.escape(match[0][:_END_CHARS])))

    def _read_emphasis(self, match: re.Match[str]) -> None:
        run, after = match[0], match.string[match.end() : match.end() + 1] or "\n"
        opens = not self._lines.before.isalnum() and not after.isspace()
        closes = not self._lines.before.isspace() and not after.isalnum()
        # Within words a sign is part of a name or of a sum, but none is written twice, except between numbers.
        is_within = self._lines.before.isalnum() and after.isalnum()
        is_doubled = is_within and len(run) > 1 and "_" not in run and not (self._lines.before + after).isdigit()
        if not (opens or closes or is_doubled or "`" in run):
            self._lines.write(run)

    def _read_link(self, match: re.Match[str]) -> None:
        self._is_link = True

    def _read_target(self, match: re.Match[str]) -> None:
        if self._is_link:
            self._is_link = False
            self._skip_to(_END_OF_LINK)
        else:
            self._lines.write("]")

    def _read_tag(self, match: re.Match[str]) -> None:
        if hidden := match["hidden"]:
            self._skip_to(re.compile(rf"</{hidden}>", re.IGNORECASE))
        elif match["line"]:
            self._read_line_feed()
        elif match["address"]:
            self._lines.write(match["address"])

    def _read_comment(self, match: re.Match[str]) -> None:
        self._skip_to(_END_OF_COMMENT)

    def _read_entity(self, match: re.Match[str]) -> None:
        character = html.unescape(match[0])
        self._lines.blank() if character.isspace() else self._lines.write(character)

    def _read_escape(self, match: re.Match[str]) -> None:
        self._lines.write(match[0][1])

    def _read_scheme(self, match: re.Match[str]) -> None:
        self._lines.write(match[0])
        self._address_chars = 0
        self._mode = PlainText._read_address

    def _read_cell(self, match: re.Match[str]) -> None:
        is_last = match.string[match.end() : match.end() + 1] in ("", "\n")
        self._lines.write("" if is_last or not self._lines.line_end else ", ")

    def _read_picture(self, match: re.Match[str]) -> None:
        if (
            self._lines.before.isalnum()
            and match.string[match.end() : match.end() + 1].isalnum()
            and match[0] > "\u2300"
        ):
            self._lines.write(" ")


_Reader = tuple[Sign, Callable[[PlainText, re.Match[str]], None]]
_EMPHASIS: _Reader = (signs.EMPHASIS, PlainText._read_emphasis)
_BLANK: _Reader = (signs.BLANK, PlainText._read_blank)
_SIGNS: Mapping[str, tuple[_Reader, ...]] = {
    " ": (_BLANK,),
    "\n": ((signs.LINE_FEED, PlainText._read_line_feed),),
    "`": ((signs.CODE, PlainText._read_code), _EMPHASIS),
    "*": (_EMPHASIS,),
    "_": (_EMPHASIS,),
    "~": ((signs.STRUCK_OUT, PlainText._read_emphasis),),
    "!": ((signs.IMAGE, PlainText._read_link),),
    "[": ((signs.FOOTNOTE, PlainText._read_nothing), (signs.LINK, PlainText._read_link)),
    "]": ((signs.TARGET, PlainText._read_target),),
    "<": (
        (signs.COMMENT, PlainText._read_comment),
        (signs.BRACKETED_URL, PlainText._read_nothing),
        (signs.TAG, PlainText._read_tag),
    ),
    "&": ((signs.ENTITY, PlainText._read_entity),),
    "\\": ((signs.ESCAPE, PlainText._read_escape),),
    ":": ((signs.SCHEME, PlainText._read_scheme),),
    "|": ((signs.CELL, PlainText._read_cell),),
}
_OTHER_SIGNS: tuple[_Reader, ...] = (
    (signs.PICTURE, PlainText._read_picture),
    _BLANK,
)
# A mark may be followed by another one: the item of a list that is quoted.
_LINE_SIGNS: tuple[_Reader, ...] = (
    (signs.TILDE_CODE, PlainText._read_code),
    (signs.QUOTE, PlainText._read_nothing),
    (signs.HEADING, PlainText._read_mark),
    (signs.ITEM, PlainText._read_mark),
    (signs.BULLET, PlainText._read_mark),
    (signs.NUMBERED_ITEM, PlainText._read_number),
)
