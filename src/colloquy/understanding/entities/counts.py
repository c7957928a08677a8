"""Numbers on their own: cardinal, ordinal, per cent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from .numbers import (
    DIGITS,
    ORDINALS,
    WORDS,
    decimal_mark,
    plain_number,
    value_of_digits,
    value_of_words,
)
from .span import Circumstances, Span
from .words import DIGIT, matches_at_words

NUMBER_GATE = (
    r"\d|^\s*(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen"
    r"|eighteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|(a )?hundred"
    r"|thousand|million|billion"
    r"|(four|six|seven|nine)teen)\b"
)
ORDINAL_GATE = (
    r"\d(st|nd|rd|th|er|e|ère|ème|eme|º|ª)([^\pL]|$)|\b(first|second|third|fourth|fifth|sixth"
    r"|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|[a-z]+teenth|twentieth)\b"
)
PERCENT_GATE = r"%|per ?cent|prozent|pour ?cent|por ciento|por cento"

_NUMBER = re.compile(rf"(?<![\w.,$€£@#/:+-]){DIGITS}(?![\w@/:%-]|[.,]\d)")
_LONGEST = 9
"""Longer ones are codes, not counts."""
_LONGEST_WORDS = 60
_WHOLE_TEXT = re.compile(rf"\s*(?P<words>{WORDS})[.!]?\s*", re.IGNORECASE)
_PERCENT = re.compile(
    rf"(?<![\w.,$€£@#/:])(?:(?P<digits>[+-]?(?:{DIGITS}))|(?P<words>\b{WORDS})(?![^\W\d_])) ?"
    r"(?:%|(?:per ?cent|prozent|pour ?cent|por ciento|por cento|per cento)(?!\w))",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"(?<![\w.,$€£@#/:+-])(?P<digits>\d{1,4})(?:st|nd|rd|th|er|ère|ème|eme|º|ª)(?![\w-])"
    rf"|(?<![\w-])(?P<word>{'|'.join(sorted(ORDINALS, key=len, reverse=True))})(?![\w-])",
    re.IGNORECASE,
)
_NO_ORDINAL_BEFORE = re.compile(
    r"(?:\b(?:at|a|one|per|every|each|any|split|half)|\d) ?$|^$", re.IGNORECASE
)
_NO_ORDINAL_AFTER = re.compile(
    r"(?: of all\b| name\b| names\b| hand\b| class\b| aid\b|,|:|-| thing\b| thought)", re.IGNORECASE
)


def numbers(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Spans `number`: figures that are part of nothing longer, and words where they are all there
    is ("two")."""
    mark = decimal_mark(circumstances)
    for match in matches_at_words(_NUMBER, text, frozenset({DIGIT})):
        if match.end() - match.start() <= _LONGEST:
            value = plain_number(value_of_digits(match[0], mark))
            yield Span("number", match.start(), match.end(), value, 0.7)
    whole = _WHOLE_TEXT.fullmatch(text) if len(text) <= _LONGEST_WORDS else None
    if whole is not None:
        found = value_of_words(whole["words"])
        if found is not None:
            yield Span("number", whole.start("words"), whole.end("words"), found, 0.9)


def percentages(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Spans `percentage`; value: the number, 3.5 for "3.5 %"."""
    mark = decimal_mark(circumstances)
    for match in _PERCENT.finditer(text):
        if match["digits"] is not None:
            digits = match["digits"]
            value = value_of_digits(digits.lstrip("+-"), mark)
            value = -value if digits.startswith("-") else value
        else:
            found = value_of_words(match["words"])
            if found is None:
                continue
            value = Decimal(found)
        yield Span("percentage", match.start(), match.end(), plain_number(value))


def ordinals(text: str, _: Circumstances) -> Iterator[Span]:
    """Spans `ordinal`; value: 3 for "3rd" and "third"."""
    for match in _ORDINAL.finditer(text):
        start, end = match.span()
        if match["digits"] is not None:
            yield Span("ordinal", start, end, int(match["digits"]), 0.9)
        elif not _NO_ORDINAL_AFTER.match(text, end) and not _NO_ORDINAL_BEFORE.search(
            text[max(0, start - 8) : start]
        ):  # fmt: skip
            yield Span("ordinal", start, end, ORDINALS[match["word"].lower()], 0.75)
