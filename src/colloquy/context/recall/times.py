"""The times that a question names: "in May", "on 3 May 2026", "yesterday", "vor zwei Wochen".

Read in English, German, French, Spanish, Italian and Portuguese at once: a question is too short to
tell its language. Days are counted in UTC, from 1970. A time without a year is the last such time,
as a question about what was said looks back.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from ...understanding.entities.day_words import MONTHS
from ...understanding.entities.languages import LEXICONS, fold, named, numbered, pattern_of
from .days import CLOSE, LOOSE, WHOLE, Days

NEAR_DAYS = 3
"""What happened on a day is also told on the days around it."""
_EPOCH = date(1970, 1, 1)

_ENGLISH = {
    "today": "today|tonight|this morning|this afternoon|this evening|just now",
    "yesterday": "yesterday|last night",
    "before_yesterday": "day before yesterday",
    "last_before": "last|past",
    "ago_after": "ago",
}
"""What English says where the other lexicons have a field for it."""
_WORDS_BESIDES = frozenset({"may", "march", "mars", "mai"})
"""Months that are other words too: without a number they need a capital inside the sentence, or a
word in front of them that opens a time."""
_SHORTEST_ALONE = 4
"""Letters of other names of months that need no number beside them: "Jan" and "set" do."""
_OPENS_A_TIME = re.compile(r"(?<!\w)(?:in|im|en|de|di|since|last|seit|depuis|desde)\s$", re.I)
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_AROUND = re.compile(
    rf"(?:(?<![\d.,])(?P<before>{_DAY})(?:st|nd|rd|th|er|º|\.)?(?: of| de)? )?(?<!\w)(?P<month>%s)"
    rf"(?!\w)\.?(?: (?:the )?(?P<after>{_DAY})(?:st|nd|rd|th)?(?![\w:]))?"
    rf"(?:,? (?:of |de |del )?(?P<year>{_YEAR})(?!\d))?"
    % pattern_of("|".join([*MONTHS, *(name for one in LEXICONS.values() for name in one.months)])),
    re.IGNORECASE,
)
_ISO = re.compile(rf"(?<!\d)(?P<year>{_YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)")
_DOTTED = re.compile(rf"(?<!\d)(?P<first>\d\d?)(?P<sep>[./])(?P<second>\d\d?)(?P=sep)({_YEAR})")
_ONLY_YEAR = re.compile(rf"(?<![\d.,/-]){_YEAR}(?![\d/-])")


def times_in(text: str, now_us: int) -> list[Days]:
    """The times that a question asked at `now_us` names; they may overlap."""
    words = {fold(word) for word in re.findall(r"\w+", text)}
    if not any(map(str.isdigit, text)) and words.isdisjoint(_TRIGGERS):
        return []
    today = datetime.fromtimestamp(now_us / 1e6, UTC).date()
    found: list[Days] = []
    rest = text
    for pattern, read in ((_ISO, _iso), (_DOTTED, _dotted), (_AROUND, _month)):
        for match in pattern.finditer(rest):
            if days := _read(match, read, today):
                found += days
                rest = rest[: match.start()] + " " * len(match[0]) + rest[match.end() :]
    found += [_year(int(match[0])) for match in _ONLY_YEAR.finditer(rest)]
    if not words.isdisjoint(_RELATIVE_TRIGGERS):
        found += _relative(rest, today)
    return found


def _read(
    match: re.Match[str], read: Callable[[re.Match[str], date], list[Days]], today: date
) -> list[Days]:
    try:
        return read(match, today)
    except ValueError:
        return []  # 31 April: not a day


def _number(day: date) -> int:
    return (day - _EPOCH).days


def _on(day: date) -> list[Days]:
    """A day, the days around it, and its month: what happened then may be told later."""
    at = _number(day)
    return [Days(at - NEAR_DAYS, at + NEAR_DAYS, WHOLE), _whole_month(day.year, day.month)]


def _whole_month(year: int, month: int) -> Days:
    first = _number(date(year, month, 1))
    return Days(first, first + monthrange(year, month)[1] - 1, CLOSE)


def _year(year: int) -> Days:
    return Days(_number(date(year, 1, 1)), _number(date(year, 12, 31)), LOOSE)


def _iso(match: re.Match[str], _: date) -> list[Days]:
    return _on(date.fromisoformat(match[0]))


def _dotted(match: re.Match[str], _: date) -> list[Days]:
    """Day first; month first too where that can be meant."""
    first, second, year = int(match["first"]), int(match["second"]), int(match[4])
    found = _on(date(year, second, first)) if second <= 12 else []
    if match["sep"] == "/" and first <= 12 and first != second:
        found += _on(date(year, first, second))
    return found


def _month(match: re.Match[str], today: date) -> list[Days]:
    month = _MONTH_NUMBERS[fold(match["month"])]
    day = match["before"] or match["after"]
    if day is None and match["year"] is None and not _is_month(match):
        return []
    if match["year"] is not None:
        year = int(match["year"])
    else:
        year = today.year - int((month, int(day or 1)) > (today.month, today.day))
    return _on(date(year, month, int(day))) if day else [_whole_month(year, month)]


def _is_month(match: re.Match[str]) -> bool:
    word = match["month"]
    if fold(word) not in _WORDS_BESIDES:
        return len(word) >= _SHORTEST_ALONE
    start = match.start("month")
    inside = start > 0 and word[0].isupper()
    return inside or _OPENS_A_TIME.search(match.string, 0, start) is not None


# -- relative to today ------------------------------------------------------------------------


def _words_of(field: str) -> str:
    """The words of all languages for a field of the lexicon."""
    said = [str(getattr(one, field)) for one in LEXICONS.values()]
    return "|".join(word for word in [*said, _ENGLISH.get(field, "")] if word)


_MONTH_NUMBERS = {fold(name): number for name, number in MONTHS.items()} | {
    name: place + 1 for one in LEXICONS.values() for name, place in numbered(one.months).items()
}
_UNITS = {
    word: name
    for one in LEXICONS.values()
    for word, name in named(one.units).items()
    if name in ("day", "week", "month", "year")
}
_NUMBERS = {fold(word): n for one in LEXICONS.values() for word, n in one.numbers.items()}
_WEEKDAYS = {
    word: place
    for one in LEXICONS.values()
    for word, place in numbered(one.weekdays).items()
    if len(word) > 4
}
"""Their short forms are words besides ("sat", "mar")."""
_UNIT, _COUNT = pattern_of(_UNITS), rf"\d{{1,3}}|{pattern_of(_NUMBERS)}"
_SHIFTS = [
    (re.compile(rf"(?<!\w){pattern_of(_words_of(field))}(?!\w)", re.IGNORECASE), days)
    for field, days in (("before_yesterday", 2), ("yesterday", 1), ("today", 0))
]
_AGO = re.compile(
    rf"(?<!\w)(?:(?P<n1>{_COUNT}) (?P<u1>{_UNIT}) {pattern_of(_words_of('ago_after'))}"
    rf"|{pattern_of(_words_of('ago_before'))} (?P<n2>{_COUNT}) (?P<u2>{_UNIT}))(?!\w)",
    re.IGNORECASE,
)
_LAST = re.compile(
    rf"(?<!\w)(?:{pattern_of(_words_of('last_before'))} (?P<u1>{_UNIT})"
    rf"|(?P<u2>{_UNIT}) {pattern_of(_words_of('last_after'))})(?!\w)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(rf"(?<!\w){pattern_of(_WEEKDAYS)}(?!\w)", re.IGNORECASE)
_RELATIVE_TRIGGERS = frozenset(
    fold(part)
    for words in (*map(_words_of, ("yesterday", "today", "before_yesterday")), *_UNITS, *_WEEKDAYS)
    for part in re.findall(r"\w+", words)
)
_TRIGGERS = _RELATIVE_TRIGGERS | frozenset(_MONTH_NUMBERS)


def _relative(text: str, today: date) -> list[Days]:
    found: list[Days] = []
    for pattern, days in _SHIFTS:
        if pattern.search(text):
            at = _number(today) - days
            found.append(Days(at, at, WHOLE))
            break  # "the day before yesterday" has "yesterday" in it
    for match in _AGO.finditer(text):
        written = fold(match["n1"] or match["n2"])
        count = int(written) if written.isdigit() else _NUMBERS[written]
        found += _back(_UNITS[fold(match["u1"] or match["u2"])], count, today)
    for match in _LAST.finditer(text):
        found += _back(_UNITS[fold(match["u1"] or match["u2"])], 1, today)
    for match in _WEEKDAY.finditer(text):
        back = (today.weekday() - _WEEKDAYS[fold(match[0])] - 1) % 7 + 1
        found.append(Days(_number(today) - back, _number(today) - back, WHOLE))
    return found


def _back(unit: str, count: int, today: date) -> list[Days]:
    """The day, week (Monday first), month or year that many of them before this one."""
    if unit == "day":
        at = _number(today) - count
        return [Days(at, at, WHOLE)]
    if unit == "week":
        monday = _number(today - timedelta(days=today.weekday())) - 7 * count
        return [Days(monday, monday + 6, WHOLE)]
    if unit == "year":
        return [_year(today.year - count)]
    months = today.year * 12 + today.month - 1 - count
    return [_whole_month(months // 12, months % 12 + 1)]
