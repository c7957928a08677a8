"""Facts that are values: addresses, amounts, references, days, times and counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ...understanding.entities import contact, money, reference
from ...understanding.entities.numbers import DIGITS, value_of_digits
from ...understanding.entities.span import Circumstances, Span
from ...understanding.flow.words import stem
from .fact import Fact, FactKind, fact
from .words import (
    BARE_MONTHS,
    CLOCK_WORDS,
    COUNT_WORDS,
    MONTHS,
    RELATIVE_DAYS,
    SINGLE_CODE,
    WEEKDAYS,
)


def _any(words: Collection[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


# -- addresses, amounts, references -----------------------------------------------------------

_PHONE_DIGITS = 7
_MONEY = re.compile(money.GATE)
_REFERENCE = re.compile(reference.GATE)


def contacts(text: str, low: str, day: int) -> Iterator[Fact]:
    where = Circumstances(day * 86_400_000_000)
    if "@" in text:
        yield from _plain_facts("contact", contact.emails(text, where), text)
    yield from _plain_facts("contact", contact.urls(text, where), text)


def phones(text: str, low: str, day: int) -> Iterator[Fact]:
    if sum(map(str.isdigit, text)) >= _PHONE_DIGITS:
        where = Circumstances(day * 86_400_000_000)
        yield from _plain_facts("contact", contact.phones(text, where), text)


def amounts(text: str, low: str, day: int) -> Iterator[Fact]:
    if _MONEY.search(low):
        for span in money.amounts(text, Circumstances(day * 86_400_000_000)):
            value = span.value if isinstance(span.value, dict) else {"value": span.value}
            normal = " ".join(str(value[name]) for name in sorted(value))
            yield fact("money", text, span.start, span.end, normal)


def references(text: str, low: str, day: int) -> Iterator[Fact]:
    if _REFERENCE.search(low):
        where = Circumstances(day * 86_400_000_000)
        yield from _plain_facts("reference", reference.references(text, where), text)


def codes(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in SINGLE_CODE.finditer(text):
        yield fact("reference", text, match.start(), match.end())


def _plain_facts(kind: FactKind, spans: Iterator[Span], text: str) -> Iterator[Fact]:
    for span in spans:
        yield fact(kind, text, span.start, span.end)


# -- days and times ---------------------------------------------------------------------------


_MONTH = f"(?:{_any(MONTHS)})"
_DATE = re.compile(
    rf"(?<![\w/.-])(?:\d{{4}}-\d\d-\d\d|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?(?![\d/])"
    rf"|\d{{1,2}}\.\d{{1,2}}\.(?:\d{{2,4}})?|(?:19|20)\d\d(?![\w.,:%-]\d|\w)"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)? (?:of |de |di )?{_MONTH}(?!\w)"
    rf"(?:,? (?:de |del )?\d{{4}}\b)?"
    rf"|{_MONTH}\.? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?![\w:])(?:,? \d{{4}}\b)?"
    rf"|{_MONTH},? (?:19|20)\d\d(?!\w))",
)
_TIME = re.compile(
    r"(?<![\w:.])(?:[01]?\d|2[0-4])(?:[:h][0-5]\d(?: ?[ap]\.?m\b\.?| uhr\b)?| ?[ap]\.?m\b\.?| uhr\b"
    r"| o'clock\b)"
)
_CLOCK_WORD = re.compile(rf"\b(?:{_any(CLOCK_WORDS)})\b")
_DAY_WORD = re.compile(rf"(?<!\w)(?:{_any(WEEKDAYS | BARE_MONTHS | RELATIVE_DAYS.keys())})(?!\w)")
_PERIOD = re.compile(
    r"\b(?:(?:next|last|this) (?:week(?:end)?|month|year)|(?:nächste|letzte|diese)[nrs]? "
    r"(?:woche|wochenende|monat|jahr)|(?:semaine|mois|année) (?:prochaine?|dernière?)"
    r"|(?:semana|mes|año) (?:que viene|próxim[ao]|pasad[ao])"
    r"|(?:próxim[ao]|pasad[ao]) (?:semana|mes|año)"
    r"|(?:settimana|mese|anno) (?:prossim[ao]|scors[ao])"
    r"|(?:prossim[ao]|scors[ao]) (?:settimana|mese|anno))\b",
)
_DOTS = re.compile(r"[ .]")
_MORNINGS = ("guten ", "gute ", "am ", "heute ", "jeden ", "schönen ", "la ", "esta ", "cada ")
"""Before the word for "tomorrow" where it means the morning."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dates(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _DATE.finditer(low):
        yield fact("date", text, match.start(), match.end())


def periods(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _PERIOD.finditer(low):
        yield fact("date", text, match.start(), match.end(), f"{match[0].casefold()} {_week(day)}")


def days(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _DAY_WORD.finditer(low):
        word = match[0]
        if word in RELATIVE_DAYS:
            if word in ("morgen", "mañana") and low[: match.start()].endswith(_MORNINGS):
                continue
            normal = _iso(day + RELATIVE_DAYS[word])
        else:
            normal = f"{word} {_week(day)}" if word in WEEKDAYS else word
        yield fact("date", text, match.start(), match.end(), normal)


def clock_times(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _TIME.finditer(low):
        yield fact("time", text, match.start(), match.end(), _DOTS.sub("", match[0]))


def clock_words(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _CLOCK_WORD.finditer(low):
        yield fact("time", text, match.start(), match.end(), match[0])


@lru_cache(256)
def _iso(day: int) -> str:
    """The date so many days after 1970-01-01; the number where no calendar has it."""
    try:
        return (_EPOCH + timedelta(days=day)).date().isoformat()
    except OverflowError:
        return str(day)


@lru_cache(256)
def _week(day: int) -> str:
    """The ISO week: "Friday" said in two weeks is two days."""
    try:
        year, week, _ = (_EPOCH + timedelta(days=day)).isocalendar()
    except OverflowError:
        return str(day)
    return f"{year}-W{week:02}"


# -- counts -----------------------------------------------------------------------------------

_NUMBER = re.compile(rf"(?<![\w.,#-])[-+]?{DIGITS}(?!\d)(?:\s?(?P<unit>%|°[CF]?|[^\W\d_]+))?")
_COUNT = re.compile(rf"(?<![\w-])(?P<count>{_any(COUNT_WORDS)})(?:\s(?P<unit>[^\W\d_]+))?(?!\w)")


def numbers(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _NUMBER.finditer(text):
        number = match[0][: match.start("unit") - match.start()] if match["unit"] else match[0]
        value = value_of_digits(number.strip().lstrip("+-"))
        sign = "-" if number.startswith("-") else ""
        yield _counted(
            text, match, match.start() + len(number.rstrip()), f"{sign}{value.normalize():f}"
        )


def counts(text: str, low: str, day: int) -> Iterator[Fact]:
    for match in _COUNT.finditer(low):
        yield _counted(text, match, match.end("count"), str(COUNT_WORDS[match["count"]]))


def _counted(text: str, match: re.Match[str], end: int, value: str) -> Fact:
    """With the word behind it, unless that says nothing: "3 rooms", but "3 of them" is 3."""
    unit = match["unit"] or ""
    name = stem(unit) if unit.isalpha() else unit
    return fact(
        "number", text, match.start(), match.end() if name else end, f"{value} {name}".strip()
    )
