"""The words of a transcript, as rules compare them: without case, punctuation and variants of spelling."""

from __future__ import annotations

import re

# Devanagari has nukta or not, and either sign of the nasal; addresses and sums have signs or words.
_VARIANTS = str.maketrans(
    {
        "\u2019": "'",
        "\u02bc": "'",
        "\u0901": "\u0902",
        "\u093c": None,
        "\u0958": "\u0915",
        "\u0959": "\u0916",
        "\u095a": "\u0917",
        "\u095b": "\u091c",
        "\u095c": "\u0921",
        "\u095d": "\u0922",
        "\u095e": "\u092b",
        "\u095f": "\u092f",
        "\u200c": None,
        "\u200d": None,
        "@": " at ",
        "&": " and ",
        "_": " underscore ",
        "+": " plus ",
        "%": " percent ",
        "$": " dollars ",
        "£": " pounds ",
        "€": " euros ",
        "₹": " rupees ",
    }
)
# What parts or joins figures, and names with dots in them.
_GROUPED = re.compile(r"(?<=\d),(?=\d{2,3}(?!\d))")
_DOTTED = re.compile(r"(?<=\d)[.,](?=\d)|(?<=\w\w)\.(?=\w\w)")
_SLASHED = re.compile(r"(?<=\d)/(?=\d)")
_NEGATIVE = re.compile(r"(?:(?<=\s)|^)[-−](?=\d)")
# Most texts have none of all that, and are not searched for it.
_PLAIN = re.compile(r"[a-zA-Z' ]*(?:[.,?!](?=\s|\Z)[a-zA-Z' ]*)*")
# A letter or digit of any script with its marks: what Python takes for a word lacks the vowel signs of Indian scripts.
_SIGNS = r"\s!-&(-/:-@\[-`{-¿\u055a-\u055f\u0589\u060c\u061b\u061f\u0964\u0965\u2000-\u2bff\u3000-\u303f"
_SIGNS += r"\uff01-\uff0f\uff1a-\uff20"
_WORD = re.compile(f"[^{_SIGNS}]+")


def words_of(text: str) -> list[str]:
    """Split a transcript in any script into words; a sign that is spoken becomes the word for it."""
    if not _PLAIN.fullmatch(text):
        text = _DOTTED.sub(" dot ", _GROUPED.sub("", text))
        text = _NEGATIVE.sub(" minus ", _SLASHED.sub(" slash ", text)).translate(_VARIANTS)
    return [word for found in _WORD.findall(text.casefold()) if (word := found.strip("'"))]
