"""Telephone numbers as carriers write them, brought into E.164 (``+`` and the country's code) where they can be."""

from __future__ import annotations

import re

INDIA = "91"
"""Its code; a number within the country has ten digits, of which the first is 1 to 9, after a trunk prefix of 0."""


def indian(number: str) -> str:
    """A number as an Indian carrier writes it: with a trunk prefix, with the country's code, or bare.

    Short codes and what is no number stay as they are.
    """
    number = number.strip()
    national = re.fullmatch(r"(?:\+?91|0)?([1-9][0-9]{9})", number)
    return f"+{INDIA}{national[1]}" if national else number
