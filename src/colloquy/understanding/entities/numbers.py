"""Numbers in digits and in words, shared by money, dates and quantities."""

from __future__ import annotations

import re
from decimal import Decimal

ONES = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
TENS = {
    word: (index + 2) * 10
    for index, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    )
}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
FACTORS = {
    "k": 1_000, "m": 1_000_000, "mn": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000,
    "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "hundred": 100,
    "lakh": 100_000, "crore": 10_000_000, "grand": 1_000,
}  # fmt: skip

_ONE_WORD = "|".join(sorted([*ONES, *TENS, *SCALES], key=len, reverse=True))
WORDS = rf"(?:(?:{_ONE_WORD})(?:(?:[ -]| and )(?:{_ONE_WORD})){{0,8}})"
"""Pattern of a number in words; read it with `value_of_words`."""
DIGITS = r"(?:\d{1,3}(?:[,.' ]\d{3}(?!\d))+(?:[.,]\d{1,2}(?!\d))?|\d{1,15}(?:[.,]\d{1,4}(?!\d))?)"
"""Pattern of a number in digits, with separators; read it with `value_of_digits`."""

_GROUPED = re.compile(r"^\d{1,3}(?:([,.' ])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?$")


def value_of_words(text: str) -> int | None:
    """ "two hundred and fifty" is 250; None when the words make no number ("two five")."""
    total = current = 0
    last = 10**12  # the size of what came before: within a group it must shrink
    for word in text.lower().replace("-", " ").split():
        if word == "and":
            continue
        if word in SCALES:
            scale = SCALES[word]
            if scale == 100:
                if not 0 < current < 100:
                    current = 1 if current == 0 else -1
                    if current < 0:
                        return None
                current *= 100
                last = 100
            else:
                total += (current or 1) * scale
                current, last = 0, 10**12
            continue
        value = ONES[word] if word in ONES else TENS[word]
        size = 10 if value >= 20 else 1
        if (size == 10 and last <= 10) or (size == 1 and last <= 1) or (last == 10 and value > 9):
            return None
        current += value
        last = size
    return total + current


def value_of_digits(text: str) -> Decimal:
    """ "1,234.50", "1.234,50", "1 234" and "2,5" as written by people in different countries.

    Groups of three after a comma, dot, space or apostrophe are thousands; another comma or dot
    begins the decimals.
    """
    match = _GROUPED.match(text)
    if match and not (match[1] == "." and text.count(".") == 1 and text.startswith("0")):
        separator = match[1]
        return Decimal(text.replace(separator, "").replace(",", "."))
    return Decimal(text.replace(",", ".").replace(" ", "").replace("'", ""))
