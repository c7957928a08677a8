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
from .words import BARE_MONTHS, CLOCK_WORDS, COUNT_WORDS, MONTHS, RELATIVE_DAYS, WEEKDAYS


def _any(words: Collection[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


# -- addresses, amounts, references -----------------------------------------------------------

_PHONE_DIGITS = 7
_MONEY = re.compile(money.GATE, re.IGNORECASE)
_REFERENCE = re.compile(reference.GATE, re.IGNORECASE)
_CODE = re.compile(
    r"(?<![\w-])#\w[\w-]*|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Z0-9][A-Z0-9-]{3,40}(?![\w-])"
)


def contacts(text: str, day: int) -> Iterator[Fact]:
    where = Circumstances(day * 86_400_000_000)
    if "@" in text:
        yield from _plain_facts("contact", contact.emails(text, where), text)
    yield from _plain_facts("contact", contact.urls(text, where), text)


def numbered(text: str, day: int) -> Iterator[Fact]:
    """Phone numbers, amounts and references."""
    where = Circumstances(day * 86_400_000_000)
    if sum(map(str.isdigit, text)) >= _PHONE_DIGITS:
        yield from _plain_facts("contact", contact.phones(text, where), text)
    if _MONEY.search(text):
        for span in money.amounts(text, where):
            value = span.value if isinstance(span.value, dict) else {"value": span.value}
            normal = " ".join(str(value[name]) for name in sorted(value))
            yield fact("money", text, span.start, span.end, normal)
    if _REFERENCE.search(text):
        yield from _plain_facts("reference", reference.references(text, where), text)
    for match in _CODE.finditer(text):
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
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\w:.])(?:[01]?\d|2[0-4])(?:[:h][0-5]\d(?: ?[ap]\.?m\b\.?| uhr\b)?| ?[ap]\.?m\b\.?| uhr\b"
    rf"| o'clock\b)|\b(?:{_any(CLOCK_WORDS)})\b",
    re.IGNORECASE,
)
_DAY_WORD = re.compile(
    rf"(?<!\w)(?:{_any(WEEKDAYS | BARE_MONTHS | RELATIVE_DAYS.keys())})(?!\w)", re.IGNORECASE
)
_PERIOD = re.compile(
    r"\b(?:(?:next|last|this) (?:week(?:end)?|month|year)|(?:nächste|letzte|diese)[nrs]? "
    r"(?:woche|wochenende|monat|jahr)|(?:semaine|mois|année) (?:prochaine?|dernière?)"
    r"|(?:semana|mes|año) (?:que viene|próxim[ao]|pasad[ao])"
    r"|(?:próxim[ao]|pasad[ao]) (?:semana|mes|año)"
    r"|(?:settimana|mese|anno) (?:prossim[ao]|scors[ao])"
    r"|(?:prossim[ao]|scors[ao]) (?:settimana|mese|anno))\b",
    re.IGNORECASE,
)
_MORNINGS = ("guten ", "gute ", "am ", "heute ", "jeden ", "schönen ", "la ", "esta ", "cada ")
"""Before the word for "tomorrow" where it means the morning."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dates(text: str, day: int) -> Iterator[Fact]:
    for match in _DATE.finditer(text):
        yield fact("date", text, match.start(), match.end())


def days(text: str, day: int) -> Iterator[Fact]:
    for match in _PERIOD.finditer(text):
        yield fact("date", text, match.start(), match.end(), f"{match[0].casefold()} {_week(day)}")
    for match in _DAY_WORD.finditer(text):
        word = match[0].lower()
        if word in RELATIVE_DAYS:
            if word in ("morgen", "mañana") and text[: match.start()].lower().endswith(_MORNINGS):
                continue
            normal = _iso(day + RELATIVE_DAYS[word])
        else:
            normal = f"{word} {_week(day)}" if word in WEEKDAYS else word
        yield fact("date", text, match.start(), match.end(), normal)


def times(text: str, day: int) -> Iterator[Fact]:
    for match in _TIME.finditer(text):
        yield fact("time", text, match.start(), match.end(), re.sub(r"[ .]", "", match[0].lower()))


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
_COUNT = re.compile(
    rf"(?<![\w-])(?P<count>{_any(COUNT_WORDS)})(?:\s(?P<unit>[^\W\d_]+))?(?!\w)", re.IGNORECASE
)


def numbers(text: str, day: int) -> Iterator[Fact]:
    for match in _NUMBER.finditer(text):
        number = match[0][: match.start("unit") - match.start()] if match["unit"] else match[0]
        value = value_of_digits(number.strip().lstrip("+-"))
        sign = "-" if number.startswith("-") else ""
        yield _counted(
            text, match, match.start() + len(number.rstrip()), f"{sign}{value.normalize():f}"
        )


def counts(text: str, day: int) -> Iterator[Fact]:
    for match in _COUNT.finditer(text):
        yield _counted(text, match, match.end("count"), str(COUNT_WORDS[match["count"].lower()]))


def _counted(text: str, match: re.Match[str], end: int, value: str) -> Fact:
    """With the word behind it, unless that says nothing: "3 rooms", but "3 of them" is 3."""
    unit = match["unit"] or ""
    name = stem(unit) if unit.isalpha() else unit
    return fact(
        "number", text, match.start(), match.end() if name else end, f"{value} {name}".strip()
    )
