"""Writes a phrase as it is said, as far as voices do not know by themselves.

Voices read plain numbers, decimals, times, ordinals, units, percentages and abbreviations well, each in its own
language, and what is written out for them can only get worse ("3.5 kg", "9:30 am", "Dr.", "50%" stay as they are).
What they get wrong across the board is written out: addresses, telephone numbers, sums in lakhs and crores or with a
scale behind them ("$5 million" is not "five dollars million"), dates in the computer's order, ranges, and the signs
of arithmetic. It is written out in English, so only where all letters are Latin: a voice that speaks Hindi knows
better how to say figures among Devanagari.

There is one text, not a written and a spoken one: what enters the history is what the caller heard. The model reads
its own words back as said, which teaches it to speak for the ear, and digits stay digits, so nothing is lost to it.
"""

from __future__ import annotations

import re

from mediasrv.turn.addresses import say_addresses
from mediasrv.turn.figures import say_figures

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
# Latin-1, Latin Extended A and B end at U+024F; Latin Extended Additional is U+1E00 to U+1EFF.
_OTHER_SCRIPT = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\u00b5ªº]")
_DATE = re.compile(r"(?<![\w./-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\w/-])")
_TIME = r"\d{1,2}:\d{2}(?: ?[ap]m)?"
_RANGE = re.compile(
    rf"(?<![\w.,:/–—-])(?:(?P<time>{_TIME}) ?[-–—] ?(?={_TIME})"
    r"|(?P<low>\d{1,4}) ?[–—] ?(?=\d)|(?P<first>\d{1,4})-(?P<last>\d{1,4})(?![\w/:-]|[.,]\d))",
    re.IGNORECASE,
)
# What is left of marks for the eye that did not stand at the beginning of a line.
_LEADING_MARKS = re.compile(r"\s*(?:[-*•>–—]\s+)+")
_LESS_MONEY = re.compile(r"(?<!\S)[-−](?=[₹$€£])")
_LONE_HASHES = re.compile(r"(?<!\w)#+(?!\d)")
_GAP = re.compile(r"(?<=\S)\s+(?=[.,;:!?]+(?:\s|$))")
# With the blanks around them; a hyphen may be anything, so minus is only what can be nothing else.
_SIGNS = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"\s?(?:→|➔|⇒|-+>|=>)\s?", " to "),
        (r"(?<=\w)\s?(?:≥|>=)\s?(?=\S)", " is at least "),
        (r"(?<=\w)\s?(?:≤|<=)\s?(?=\S)", " is at most "),
        (r"(?<=\w)\s?≠\s?(?=\S)", " is not "),
        (r"(?<=[\w)])\s?={1,3}\s?(?=\S)", " equals "),
        (r"(?<=[\d)])\s?×\s?(?=[\d(])|(?<=[\d)]) \* (?=[\d(])", " times "),
        (r"(?<=[\d)])\s?÷\s?(?=[\d(])", " divided by "),
        (r"(?<=[\d)])\s?\+\s?(?=[\d(])", " plus "),
        (r"(?<=[\d)]) [-−] (?=[\d(])", " minus "),
        (r"(?<=\d) > (?=\d)", " is more than "),
        (r"(?<=\d) < (?=\d)", " is less than "),
        (r"\s?±\s?(?=\d)", " plus or minus "),
        (r"(?<!\S)[~≈]\s?(?=[\d₹$€£])", "about "),
        (r"(?<![\w)])−(?=\d)", "minus "),
        (r"(?<!\w)#(?=\d)", "number "),
    )
)

# Words that no blank but a single one parts, and the marks behind them: what most phrases are, and what has no sign in
# it that anything is made of.
_NOTHING_TO_WRITE_OUT = re.compile(
    r"[A-Za-z]++(?:['’][A-Za-z]++)?[.,;:!?…]?(?: [A-Za-z]++(?:['’][A-Za-z]++)?[.,;:!?…]?)*+ ?"
)


def spoken(phrase: str) -> str:
    """Write a phrase as it is said; the blanks of the result are single."""
    return phrase.strip() if _NOTHING_TO_WRITE_OUT.fullmatch(phrase) else _written_out(phrase)


def _written_out(phrase: str) -> str:
    marks = _LEADING_MARKS.match(phrase)
    phrase = _LONE_HASHES.sub("", phrase[marks.end() :] if marks else phrase)
    if not _OTHER_SCRIPT.search(phrase):
        phrase = _LESS_MONEY.sub("minus ", phrase)
        phrase = _say_signs(_say_spans(say_figures(say_addresses(phrase))))
    return _GAP.sub("", " ".join(phrase.split()))


def _say_spans(text: str) -> str:
    return _RANGE.sub(_say_range, _DATE.sub(_say_date, text))


def _say_date(match: re.Match[str]) -> str:
    year, month, day = (int(number) for number in match.groups())
    return f"{day} {_MONTHS[month - 1]} {year}"


def _say_range(match: re.Match[str]) -> str:
    if low := match["time"] or match["low"]:
        return f"{low} to "
    first, last = match["first"], match["last"]
    # Scores and the numbers of orders and flats have hyphens too, years are more likely than four other digits.
    is_short = len(last) <= 3 and len(last) - len(first) <= 1
    are_years = len(first) == 4 and first[:2] in ("18", "19", "20", "21")
    return f"{first} to {last}" if int(first) < int(last) and (is_short or are_years) else match[0]


def _say_signs(text: str) -> str:
    for pattern, said in _SIGNS:
        text = pattern.sub(said, text)
    return text
