"""Counts and measures: a number and what it counts. `durations` has the units of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from .numbers import (
    DIGITS,
    ONES,
    SCALES,
    TENS,
    WORDS,
    decimal_mark,
    plain_number,
    value_of_digits,
    value_of_words,
)
from .span import Circumstances, Span
from .words import matches_at_words

_UNITS = {
    "bedroom": "bedrooms? bedrms? bdrms? beds? br bhk",
    "bathroom": "bathrooms? baths? ba",
    "room": "rooms?",
    "person": "persons? people pax adults? guests? seats? of[ ]us",
    "child": "child children kids?",
    "pet": "pets?", "dog": "dogs?", "cat": "cats?", "car": "cars?",
    "night": "nights?", "time": "times",
    "square_metre": "sqm m2 m² (?:sq(?:uare)?\\.?[ ]?met(?:er|re)s?)",
    "square_foot": "sqft ft2 ft² (?:sq\\.[ ]?ft\\.(?=[ ][a-z]|[,;)]))"
    " (?:sq(?:uare)?\\.?[ ]?(?:ft|feet|foot))",
    "metre": "met(?:er|re)s?", "kilometre": "kilomet(?:er|re)s? kms?", "mile": "miles?",
    "foot": "feet foot ft", "inch": "inch(?:es)?", "centimetre": "cm",
    "kilogram": "kgs? kilos? kilograms?", "gram": "grams?", "pound": "lbs?",
    "litre": "lit(?:er|re)s?",
    "degree": "° degrees?",
    "floor": "floors? storeys? stories", "item": "items? pieces? pcs", "ticket": "tickets?",
    "bag": "bags?", "box": "boxes",
}  # fmt: skip


def _alternatives(forms: str) -> list[str]:
    """The forms of one unit: blanks part them, "[ ]" is a blank inside one."""
    return forms.split(" ") if "[ ]" not in forms else re.split(r" (?![\]])", forms)


_BY_GROUP = {f"u{index}": unit for index, unit in enumerate(_UNITS)}
_UNIT = "|".join(
    f"(?P<u{index}>{'|'.join(_alternatives(forms))})" for index, forms in enumerate(_UNITS.values())
)
_NUMBER = (
    rf"(?:(?P<digits>{DIGITS})(?P<half>½)?|(?P<words>(?:a )?couple(?: of)?|half an?|half a dozen"
    rf"|a dozen|(?:a |one )?dozen|{WORDS}(?P<halved> and a half)?|an?))"
)
_MEASURE = re.compile(
    rf"(?<![\w.,$€£@#/:-]){_NUMBER}(?:[ -]?(?:more |spare |small |large )?)(?:{_UNIT})"
    r"(?:(?<=[%°².])|(?![\w]))",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\(\?=.*?\]\)")
"""Look-aheads, which RE2 does not have."""
_EVERY = [one for forms in _UNITS.values() for one in _alternatives(forms)]
GATE = (
    rf"(\d½?|\b(an?|couple( of)?|dozen|half|{'|'.join([*ONES, *TENS, *SCALES])}))"
    r"[ -]?((more|spare|small|large) )?"
    rf"(({_AHEAD.sub('', '|'.join(_EVERY))})([^a-z]|$)|°|m²|ft²)"
)
"""What a text has that counts something, for RE2."""
_TRIGGERS = frozenset([*ONES, *TENS, *SCALES, "a", "an", "couple", "half", "dozen"])
"""The words that `_MEASURE` starts with."""
_SIMPLE_WORDS = {
    "half a dozen": Decimal(6),
    "a dozen": Decimal(12),
    "dozen": Decimal(12),
    "one dozen": Decimal(12),
}
_SINGLE = frozenset({"person", "second", "foot", "item", "pound", "room", "floor", "car", "bag",
                     "box", "ticket", "pet", "cat", "child", "night", "bedroom", "bathroom",
                     "degree"})  # fmt: skip
"""Units that "a" does not count: "a room" asks for a room, "an hour" is 60 minutes."""


def quantities(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: {"value": 2, "unit": "bedroom"}."""
    mark = decimal_mark(circumstances)
    for match in matches_at_words(_MEASURE, text, _TRIGGERS):
        unit = _BY_GROUP[match.lastgroup or ""]
        value = _value(match, unit, mark)
        if value is not None:
            yield Span("quantity", match.start(), match.end(), _json(value, unit))


def _value(match: re.Match[str], unit: str, mark: str | None) -> Decimal | None:
    if match["digits"] is not None:
        value = value_of_digits(match["digits"], mark)
        return value + Decimal("0.5") if match["half"] else value
    words = match["words"].lower()
    if words in _SIMPLE_WORDS:
        return _SIMPLE_WORDS[words]
    if "couple" in words:
        return Decimal(2)
    if words in ("a", "an"):
        return None if unit in _SINGLE else Decimal(1)
    if words in ("half a", "half an"):
        return Decimal("0.5")
    if match["halved"]:
        words = words.removesuffix(" and a half")
    found = value_of_words(words)
    if found is None:
        return None
    return Decimal(found) + (Decimal("0.5") if match["halved"] else 0)


def _json(value: Decimal, unit: str) -> dict[str, int | float | str]:
    return {"value": plain_number(value), "unit": unit}
