"""How figures are said that voices get wrong: amounts of money, lakhs and crores, telephone numbers and codes.

Digits that are to be heard one by one are written apart, "9 8 7 6 5, 4 3 2 1 0", and not as words: so every voice
says them, in its own language, with a breath where the comma is, and the language model can still read them in its
history. Indian numbering: 1,00,000 is a lakh, 1,00,00,000 a crore.
"""

from __future__ import annotations

import re

_LAKH, _CRORE = 10**5, 10**7
# One, many; a hundredth of it, hundredths.
_CURRENCIES = {
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "cr": "crore",
    "l": "lakh",
}
_SIGN_OF_MONEY = r"(?:₹|\brs\.?|\binr\b|us\$|\$|€|£)"
_FROM_MONEY = re.compile(
    rf"(?<![\w.])(?P<sign>{_SIGN_OF_MONEY})\s?(?P<low>\d[\d,]{{0,15}}(?:\.\d{{1,2}})?)\s?[-–—]\s?{_SIGN_OF_MONEY}?\s?(?=\d)",
    re.IGNORECASE,
)
_MONEY = re.compile(
    rf"(?<![\w.])(?P<sign>{_SIGN_OF_MONEY})"
    r"\s?(?P<whole>\d{1,3}(?:,\d{2,3}){1,6}|\d{1,15})"
    r"(?:\.(?P<part>\d{1,2}))?(?![\d]|[.,]\d)"
    r"(?:\s?(?P<scale>lakhs?|lacs?|crores?|thousand|million|billion|trillion|bn|mn|cr|(?<=\d)[kmbl])\b)?"
    r"(?:/-)?(?:\s?/\s?(?P<per>[a-z]{1,12})\b)?",
    re.IGNORECASE,
)
_INDIAN = re.compile(r"(?<![\w.,])(?P<whole>\d{1,2}(?:,\d{2}){1,5},\d{3})(?:\.(?P<part>\d{1,6}))?(?![\w]|[.,]\d)")
_NUMBER = re.compile(r"(?<![\w.,:/₹$€£@#-])\+?\(?\d(?:[ ().-]{0,2}\d){7,15}(?![\w/:@%-]|[.,]\d)")
_CODE = re.compile(
    r"(?P<before>\b(?:otp|pin|cvv|code|pincode|passcode|zip|extension|ext\.?)(?: (?:code|number|no\.))?(?: is|:)? )"
    r"(?P<code>\d{3,8})(?![\w-]|[.,]\d)",
    re.IGNORECASE,
)
_GROUP = re.compile(r"\d+")
_SERVICE = ("1800", "1860")


def say_figures(text: str) -> str:
    """Write the figures of a text as they are said in English."""
    if not any(char.isdigit() for char in text):
        return text
    text = _MONEY.sub(_say_money, _FROM_MONEY.sub(r"\g<low> to \g<sign>", text))
    text = _INDIAN.sub(_say_indian, text)
    text = _NUMBER.sub(_say_number, text)
    return _CODE.sub(lambda match: match["before"] + " ".join(match["code"]), text)


# -- amounts -----------------------------------------------------------------------------------------------------------


def _say_money(match: re.Match[str]) -> str:
    sign = match["sign"][-1] if match["sign"][-1] in _CURRENCIES else "₹"
    one, many, hundredth, hundredths = _CURRENCIES[sign]
    per = f" per {match['per']}" if match["per"] else ""
    whole, part = match["whole"], match["part"] or ""
    if scale := match["scale"]:
        return f"{whole}{'.' + part if part else ''} {_SCALES.get(scale.lower(), scale)} {many}{per}"
    units, parts = int(whole.replace(",", "")), int(part.ljust(2, "0"))
    said = [f"{_indian(whole) if sign == '₹' else whole} {one if units == 1 else many}"] if units or not parts else []
    if parts:
        said.append(f"{parts} {hundredth if parts == 1 else hundredths}")
    return " ".join(said) + per


def _say_indian(match: re.Match[str]) -> str:
    part = f" point {' '.join(match['part'])}" if match["part"] else ""
    return _indian(match["whole"]) + part


def _indian(written: str) -> str:
    """A number in crores, lakhs and thousands; one below a lakh is left to the voice, which knows it."""
    number = int(written.replace(",", ""))
    if number < _LAKH:
        return written
    crores, rest = divmod(number, _CRORE)
    lakhs, rest = divmod(rest, _LAKH)
    thousands, units = divmod(rest, 1000)
    named = ((crores, " crore"), (lakhs, " lakh"), (thousands, " thousand"), (units, ""))
    return " ".join(f"{count}{name}" for count, name in named if count)


# -- digits ------------------------------------------------------------------------------------------------------------


def _say_number(match: re.Match[str]) -> str:
    groups = _GROUP.findall(match[0])
    if len(groups) == 1:
        groups = _grouped(groups[0], is_international=match[0].startswith("+"))
    elif not _is_telephone(match[0], groups):
        return match[0]
    said = ", ".join(" ".join(group) for group in groups)
    return f"plus {said}" if match[0].startswith("+") else said


def _is_telephone(written: str, groups: list[str]) -> bool:
    """Whether groups of digits are one telephone number: lists of numbers and dates have blanks and dashes too."""
    digits = "".join(groups)
    if written.startswith("+"):
        return True
    if len(groups) > 4 or len(groups[-1]) < 3:
        return False
    is_marked = "-" in written or "(" in written or "." in written
    is_local = len(digits) == 10 and (is_marked or digits[0] in "6789")
    is_trunk = len(digits) == 11 and (digits[0] == "0" or (is_marked and digits[0] == "1"))
    return is_local or is_trunk or (len(digits) in (10, 11) and digits.startswith(_SERVICE))


def _grouped(digits: str, is_international: bool) -> list[str]:
    """Digits that were written as one, in groups that can be taken down."""
    if is_international and len(digits) > 10:
        return [digits[:-10], digits[-10:-5], digits[-5:]]
    if len(digits) in (10, 11):
        return [group for group in (digits[:-10], digits[-10:-5], digits[-5:]) if group]
    size = 3 if len(digits) == 9 else 4
    return [digits[at : at + size] for at in range(0, len(digits), size)]
