"""How long something takes, and how old somebody is, in the languages of `languages`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from .languages import ENGLISH, LEXICONS, Lexicon, fold, named, pattern_of
from .numbers import value_of_digits, value_of_words
from .span import Circumstances, Span

GATE = (
    r"(\d|\b(an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,5}teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|couple( of)?|few"
    r"|half( an?)?|and a half))½?[ -]?"
    r"(secs?|seconds?|min(ute)?s?|h|hrs?|hours?|days?|weeks?|wks?|months?|mths?|years?|yrs?|yo|y/o)"
    r"\b|\bfortnight|\baged? |\bage: |\bturn(ed|ing)? |\bwhen (he|she|i|they) w"
)
"""What an English text has that tells a duration or an age, for RE2."""

_SECONDS = {
    "second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800, "month": 2_592_000,
    "year": 31_536_000,
}  # fmt: skip
"""A month counts 30 days and a year 365 where seconds are asked for."""
_LETTERS = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_CLOCK_LETTERS = {"H": "hour", "M": "minute", "S": "second"}
_ONE = frozenset({"a", "an"})
_CUES = re.compile(
    r"\b(?:for|takes?|took|lasts?|lasted|another|about|around|almost|nearly|over|only|half|than|been"
    r"|wait(?:ed|ing)?|within|after|at least|at most|up to|under|like|just|spent|stay(?:ed|ing)?"
    r"|extend|extension of|already|since|exactly|whole|entire) $",
    re.IGNORECASE,
)
"""What "a week" has to stand after to be a duration: "$20 a week" is a price."""
_CUE_REACH = 14
_LONGEST = Decimal(10_000)
_OLDEST = 125
"""Years; nobody is known to have lived longer."""


class _Grammar:
    """The patterns of one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.english = lexicon is ENGLISH
        self.units = named(lexicon.units)
        self.numbers = {fold(word): value for word, value in lexicon.numbers.items()}
        self.phrases = {fold(words): iso for words, iso in lexicon.phrases.items()}
        unit = pattern_of(lexicon.units.values())
        words = pattern_of(lexicon.numbers)
        number = (
            rf"(?:\d{{1,4}}(?:[.,]\d{{1,2}})?½?|(?:{words}|{_TENS})(?![^\W_])(?: and a half)?)"
            if self.english
            else rf"(?:\d{{1,4}}(?:[.,]\d{{1,2}})?½?|{words}(?![^\W_]))"
        )
        joint = lexicon.joint.replace(",|", "")
        part = rf"{number}[ -]?{unit}(?![^\W_])"
        hours = r"\d{1,2} ?h ?[0-5]\d(?: ?m(?:in)?)?(?!\w)"
        self.pattern = re.compile(
            rf"(?<![\w.,:/$€£#+-])(?:(?P<phrase>{pattern_of(lexicon.phrases)})(?!\w)"
            rf"|(?P<hours>{hours})|(?P<parts>{part}"
            rf"(?:(?: ?(?:{joint}))? {part}|\d{{1,2}} ?min(?!\w))*)"
            r"(?P<halved> and a half)?)",
            re.IGNORECASE,
        )
        self.part = re.compile(rf"(?P<number>{number})[ -]?(?P<unit>{unit})(?!\w)", re.IGNORECASE)
        numeral = rf"(?P<n{{at}}>\d{{{{1,3}}}}|{words}|{_TENS})"
        self.ages = re.compile(
            "|".join(
                f"(?:{form.replace('{n}', numeral.format(at=at))})"
                for at, form in enumerate(lexicon.ages)
            ),
            re.IGNORECASE,
        )

    def number(self, written: str) -> Decimal | None:
        """The value of digits or words."""
        half = written.endswith("½") or written.lower().endswith(" and a half")
        written = written.removesuffix("½").lower().removesuffix(" and a half")
        if written[0].isdigit():
            value = value_of_digits(written)
        else:
            folded = fold(written)
            found = self.numbers.get(folded)
            if found is None and self.english:
                found = value_of_words(written)
            if found is None:
                return None
            value = Decimal(found)
        return value + Decimal("0.5") if half else value


_TENS = (
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[ -]"
    r"(?:one|two|three|four|five|six|seven|eight|nine)"
)


@lru_cache(maxsize=16)
def _grammar(language: str) -> _Grammar:
    return _Grammar(LEXICONS[language])


def durations(text: str, _: Circumstances) -> Iterator[Span]:
    """English `duration` and `age`; see `durations_in`."""
    return durations_in(text, ENGLISH.code)


def durations_in(text: str, language: str) -> Iterator[Span]:
    """Spans `duration`, with {"iso": "PT1H30M", "seconds": 5400} (ISO 8601; a month counts 30 days
    there, a year 365), and `age`, with {"value": 34, "unit": "year"}."""
    grammar = _grammar(language)
    for match in grammar.pattern.finditer(text):
        span = _duration(match, grammar)
        if span is not None:
            yield span
    for match in grammar.ages.finditer(text):
        written = match[match.lastgroup or 0]
        if grammar.english and fold(written) in _ONE and "year" not in match[0].lower():
            continue  # "age: a lot"
        years = grammar.number(written)
        if years is not None and 0 < years <= _OLDEST and years == int(years):
            if match.end() < len(text) and text[match.end()].isalnum():
                continue
            if match.start() and text[match.start() - 1] in "$€£.,:/-0123456789":
                continue
            yield Span(
                "age", match.start(), match.end(), {"value": int(years), "unit": "year"}, 0.95
            )


def _duration(match: re.Match[str], grammar: _Grammar) -> Span | None:
    if match["phrase"] is not None:
        iso = grammar.phrases[fold(match["phrase"])]
        return Span("duration", match.start(), match.end(), _value(iso))
    if match["hours"] is not None:
        hours, minutes = re.findall(r"\d+", match["hours"])
        return Span("duration", match.start(), match.end(), _value(f"PT{int(hours)}H{minutes}M"))
    amounts: dict[str, Decimal] = {}
    words = ""
    for part in grammar.part.finditer(match["parts"]):
        unit = grammar.units[fold(part["unit"])]
        words = fold(part["number"])
        value = grammar.number(part["number"])
        if value is None or value > _LONGEST or unit in amounts:
            return None
        amounts[unit] = value
    if not amounts:
        return None
    if len(amounts) == 1 and words in _ONE:
        # "an hour" is a length wherever it stands, "a week" only after a word that asks for one.
        before = match.string[max(0, match.start() - _CUE_REACH) : match.start()]
        if ("hour" not in amounts and not _CUES.search(before)) or before.endswith(
            ("per ", "dollars ", "euros ", "bucks ", "times ", "twice ", "once ")
        ):
            return None
        if re.search(r"\d[k€]? $", before):
            return None
    if match["halved"]:
        last = list(amounts)[-1]
        amounts[last] += Decimal("0.5")
    confidence = 0.75 if grammar.numbers.get(words) == 3 and words not in _EXACT else 1.0
    return Span("duration", match.start(), match.end(), _value(iso_of(amounts)), confidence)


_EXACT = frozenset({"three", "drei", "trois", "tres", "tre"})
"""The others that count 3 are "a few"."""


def iso_of(amounts: dict[str, Decimal]) -> str:
    """ISO 8601 of these amounts by unit; halves and the like in the next smaller units."""
    left = {unit: amounts.get(unit, Decimal(0)) for unit in _SECONDS}
    for unit, smaller, count in (
        ("year", "month", 12), ("month", "day", 30), ("week", "day", 7), ("day", "hour", 24),
        ("hour", "minute", 60), ("minute", "second", 60),
    ):  # fmt: skip
        rest = left[unit] % 1
        if rest:
            left[unit] -= rest
            left[smaller] += rest * count
    whole = {unit: int(value.to_integral_value()) for unit, value in left.items()}
    # Weeks stand alone in ISO 8601: beside other units they are days.
    if whole["week"] and any(value for unit, value in whole.items() if unit != "week"):
        whole["day"] += 7 * whole.pop("week")
    days = "".join(f"{whole[unit]}{letter}" for letter, unit in _LETTERS.items() if whole.get(unit))
    clock = "".join(
        f"{whole[unit]}{letter}" for letter, unit in _CLOCK_LETTERS.items() if whole[unit]
    )
    return f"P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def _value(iso: str) -> dict[str, str | int]:
    days, _, clock = iso[1:].partition("T")
    seconds = sum(
        int(count) * _SECONDS[letters[letter]]
        for written, letters in ((days, _LETTERS), (clock, _CLOCK_LETTERS))
        for count, letter in re.findall(r"(\d+)([A-Z])", written)
    )
    return {"iso": iso, "seconds": seconds}
