"""Numbers in digits and in words, shared by money, dates and quantities."""

from __future__ import annotations

import re
from decimal import Decimal

from .span import Circumstances
from .words import words_of

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
ORDINALS = {
    name: number
    for number, name in enumerate(
        words_of(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
            "twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth "
            "twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
        ),
        1,
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

_ONE_MARK = re.compile(r"^\d{1,3}[.,]\d{3}$")
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


_COMMA_LANGUAGES = frozenset(
    words_of("de fr es it pt nl da sv nb no fi pl cs sk sl hr hu ro bg el tr ru uk lt lv et id")
)
_COMMA_REGIONS = frozenset(
    words_of(
        "DE AT FR BE LU ES IT PT NL DK SE NO FI PL CZ SK SI HR HU RO BG GR TR RU UA LT LV EE BR "
        "AR CL CO ID"
    )
)
_POINT_LANGUAGES = frozenset({"en", "zh", "ja", "ko", "th", "he"})
_POINT_REGIONS = frozenset(words_of("US GB IE CA AU NZ IN SG HK JP CN MX IL PH CH"))


def decimal_mark(circumstances: Circumstances) -> str | None:
    """What begins the decimals where the text comes from: "," or ".", None when nobody knows."""
    language, region = circumstances.language, circumstances.region
    if language in _COMMA_LANGUAGES:
        return "." if region in ("CH", "MX") else ","
    if language in _POINT_LANGUAGES and region not in _COMMA_REGIONS:
        return "."
    if language is None and region in _COMMA_REGIONS:
        return ","
    return "." if language is None and region in _POINT_REGIONS else None


def value_of_digits(text: str, mark: str | None = None) -> Decimal:
    """ "1,234.50", "1.234,50", "1 234" and "2,5" as written by people in different countries.

    Groups of three after a comma, dot, space or apostrophe are thousands; another comma or dot
    begins the decimals. `mark` is what begins decimals for certain: with ".", "1.234" is less
    than two.
    """
    if mark is not None and text.count(mark) == 1 and _ONE_MARK.match(text):
        return Decimal(text.replace(mark, "."))
    match = _GROUPED.match(text)
    if match and not (match[1] == "." and text.count(".") == 1 and text.startswith("0")):
        separator = match[1]
        return Decimal(text.replace(separator, "").replace(",", "."))
    return Decimal(text.replace(",", ".").replace(" ", "").replace("'", ""))


def plain_number(value: Decimal) -> int | float:
    """The number as JSON has it: whole ones without decimals."""
    return int(value) if value == value.to_integral_value() else float(value)
