"""What marked-up text is made of, each sign with how it begins: for a reader who has only the beginning of the text.

A sign is whole when its ``whole`` matches, and may become one as long as its ``begun`` matches all the text there is,
which is asked first. Every pattern is bounded in length, so no text takes long. Source: CommonMark 0.31, and what
models write.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PICTURES = (
    "\U0001f000-\U0001faff\U000e0020-\U000e007f\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u20e3"
    "\u00ad\u200b\u2060\ufeff"
)
_NEVER = r"(?!)"
_HIDDEN = "think|thinking|thought|reasoning|script|style"
_LINES = "p|br|hr|div|ul|ol|li|table|tr|td|th|h[1-6]|pre|blockquote|section"
_OTHERS = (
    "a|abbr|audio|b|body|break|button|cite|code|del|em|emphasis|font|html|i|img|input|ins|kbd|label|lang|mark|phoneme|"
    "prosody|q|s|say-as|small|span|speak|strong|sub|sup|tbody|thead|tt|u|voice|wbr"
)
_NAMES = f"{_HIDDEN}|{_LINES}|{_OTHERS}"
_ATTRIBUTES = r"(?=[\s/>])[^<>\n]{0,300}"
# What is behind a bracket is an address, and no remark in brackets, when it has one of the signs of addresses in it.
_TARGET_BEGUN = r"\](?:\([^\s()./:@#]{0,80})?"
_ADDRESS = r"\([^\s()./:@#]{0,80}[./:@#]"
_TARGET = rf"\]{_ADDRESS}"
# A bracket that is escaped is part of a link's text.
_TEXT = r"(?:[^\[\]\\\n]|\\[^\n])"


class Sign(NamedTuple):
    """Something with a meaning other than its characters."""

    begun: re.Pattern[str]
    """Matches text to its end as long as more characters are needed to know."""
    whole: re.Pattern[str]
    """Matches what is read at once."""


def _sign(begun: str, whole: str) -> Sign:
    return Sign(re.compile(begun, re.IGNORECASE), re.compile(whole, re.IGNORECASE))


_LETTERS = rf"[^\s*_`~\[\]<&\\:|!{_PICTURES}]++"
# Words with single blanks between them and one ahead, as tokens come.
ORDINARY = re.compile(rf"(?: ?{_LETTERS})++")

BLANK = _sign(_NEVER, r"[^\S\n]+")
LINE_FEED = _sign(_NEVER, r"\n")
CODE = _sign(r"`{1,79}", r"`{3,80}")
TILDE_CODE = _sign(r"~{1,79}", r"~{3,80}")
EMPHASIS = _sign(r"[*_`]{1,80}", r"[*_`]{1,80}")
STRUCK_OUT = _sign(r"~{1,80}", r"~{2,80}")
FOOTNOTE = _sign(r"\[(?:\^[^\s\[\]]{0,20})?", r"\[\^[^\s\[\]]{1,20}\]")
LINK = _sign(rf"\[{_TEXT}{{0,120}}(?:\\|{_TARGET_BEGUN})?", rf"\[(?={_TEXT}{{1,120}}{_TARGET})")
IMAGE = _sign(rf"!(?:\[{_TEXT}{{0,120}}(?:\\|{_TARGET_BEGUN})?)?", rf"!\[(?={_TEXT}{{0,120}}{_TARGET})")
TARGET = _sign(_TARGET_BEGUN, rf"\](?={_ADDRESS})")
COMMENT = _sign(r"<(?:!-?)?", r"<!--")
BRACKETED_URL = _sign(r"<h?t?t?p?s?:?/?", r"<(?=https?://)")
TAG = _sign(
    rf"</?(?:(?:{_NAMES})\s[^<>\n]{{0,299}}|[^\s<>]{{1,255}})?",
    rf"<(?:(?P<hidden>{_HIDDEN}){_ATTRIBUTES}|/?(?P<line>{_LINES}){_ATTRIBUTES}|/?(?:{_HIDDEN}|{_OTHERS}){_ATTRIBUTES}"
    r"|(?P<address>[^\s<>@]{1,64}@[^\s<>@]{1,190}))>",
)
ENTITY = _sign(r"&#?[0-9a-z]{0,8}", r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][0-9a-z]{1,7});")
ESCAPE = _sign(r"\\", r"\\[!-/:-@\[-`{-~]")
SCHEME = _sign(r":/?", r"://")
CELL = _sign(r"\|[|\t ]{0,80}", r"\|[|\t ]{0,80}")
PICTURE = _sign(rf"[{_PICTURES}][\u200d{_PICTURES}]{{0,79}}", rf"[{_PICTURES}][\u200d{_PICTURES}]{{0,79}}")

# At the beginning of a line.
QUOTE = _sign(_NEVER, r">")
HEADING = _sign(r"#{1,6}", r"#{2,6}|#(?=\s)")
ITEM = _sign(r"[-*+–](?:[\t ]{1,8}(?:\[(?:[ x]\]?)?)?)?", r"[-*+–][\t ]{1,8}(?:\[[ x]\](?=\s))?")
BULLET = _sign(_NEVER, r"[•‣▪●◦·|]")
NUMBERED_ITEM = _sign(r"\d{1,3}[.)]?", r"(?P<number>\d{1,3})[.)](?=[\t ])[\t ]{1,8}")
