"""Days in a text: "tomorrow", "next Friday", "3rd of May", "3/4/2026", "in two weeks", "Christmas".

Each form is a small pattern and a function that says which day it means; a form is tried only where
one of its trigger words (or a digit) stands, and where several match, the longest wins. The module
`dates` states the conventions for forms that people understand differently.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from .numbers import ONES, TENS
from .words import DIGIT, WORD, preceded

LAST_YEAR = 9_000
"""Later days are none: near the year 9999 Python's datetime overflows in other zones."""
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier enero januar gennaio janeiro januari",
            "february feb février fevrier febrero februar febbraio fevereiro februari",
            "march mar mars marzo märz maerz março marco maart",
            "april apr avril abril aprile",
            "may mai mayo maggio maio mei",
            "june jun juin junio juni giugno junho",
            "july jul juillet julio juli luglio julho",
            "august aug août aout agosto augustus",
            "september sept sep septembre septiembre settembre setembro",
            "october oct octobre octubre oktober ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec décembre decembre diciembre dezember dicembre dezembro",
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon", "tuesday tues tue", "wednesday wed weds", "thursday thurs thur thu",
            "friday fri", "saturday sat", "sunday sun",
        )
    )
    for name in names.split()
}  # fmt: skip
_ORDINAL_NAMES = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
    "twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh "
    "twenty-eighth twenty-ninth thirtieth thirty-first"
)
_ORDINALS = {name: number for number, name in enumerate(_ORDINAL_NAMES.split(), 1)}
_FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31),
    "new year's day": (1, 1), "new years day": (1, 1), "valentine's day": (2, 14),
    "valentines day": (2, 14), "halloween": (10, 31),
}  # fmt: skip
_TOMORROW = ("tomorrow", "tomorow", "tommorow", "tommorrow", "tmrw", "tmr", "tmw", "2moro")
_SMALL_WORDS = (*list(ONES)[1:], *TENS)


def _any(names: Iterable[str]) -> str:
    found = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return f"(?:{found})".replace("\\-", "[ -]")


_MONTH = _any(_MONTHS)
_WEEKDAY = _any(_WEEKDAYS)
_LONG_WEEKDAY = _any(_WEEKDAYS.keys() - {"sat", "sun"})
_ORDINAL = _any(_ORDINALS)
_NUMBER = r"(?:3[01]|[12]\d|0?[1-9])"
_NTH = rf"(?:(?P<day>{_NUMBER})(?:st|nd|rd|th)|(?P<ordinal>{_ORDINAL}))"
_SMALL = rf"(?:\d{{1,4}}|(?:a )?couple of|a few|half an|an?|{_any(_SMALL_WORDS)})"
_UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)"
_YEAR = r"(?:(?:,? | of )(?P<year>(?:19|20)\d\d)(?![\d:]))?"
_PART = r"(?:,? (?:in the )?(?P<part>morning|afternoon|evening|night)\b)?"
_AFTER_NTH = (
    r"(?=$|[,.!?;)]|-| (?:at|of (?:this|next|the) month|in the|from|to|until|till|around|works?|is"
    r"|would|please|if|and|or|for|this|next)\b)"
)
"""What may stand after a day without a month: "the 3rd at 5", but not "the 3rd floor"."""


class Day(NamedTuple):
    """A day in a text; `moment` instead when a clock time is already known ("in 2 hours").

    `part` is the part of the day that was named, if any.
    """

    start: int
    end: int
    day: date | None
    part: str | None = None
    confidence: float = 1.0
    moment: datetime | None = None


class Clock(NamedTuple):
    """What days are resolved against."""

    now: datetime
    month_first: bool

    @property
    def today(self) -> date:
        return self.now.date()


Read = Callable[[re.Match[str], Clock], tuple[date | datetime, float] | None]
_FORMS: dict[str, list[tuple[re.Pattern[str], Read]]] = {}


def _form(pattern: str, *triggers: Iterable[str]) -> Callable[[Read], Read]:
    """Registers a form. Its function returns the day (or moment) and how sure that is, or None."""
    compiled = re.compile(rf"(?<![\w/$€£#.@-])(?:{pattern})", re.IGNORECASE)

    def register(read: Read) -> Read:
        for word in {word for group in triggers for word in group}:
            _FORMS.setdefault(word, []).append((compiled, read))
        return read

    return register


def days_in(text: str, now: datetime, month_first: bool) -> Iterator[Day]:
    """All days, in order and without overlaps. `now` has the sender's zone."""
    clock = Clock(now, month_first)
    free = 0
    for word in WORD.finditer(text):
        start = word.start()
        if start < free:
            continue
        found = word[0]
        forms = _FORMS.get(DIGIT if found[0].isdecimal() else found.lower())
        if forms is None:
            continue
        best = None
        for pattern, read in forms:
            match = pattern.match(text, start)
            if match is not None and (best is None or match.end() > best.end):
                day = _day(match, read, clock)
                best = day if day is not None else best
        if best is not None:
            free = best.end
            yield best


def _day(match: re.Match[str], read: Read, clock: Clock) -> Day | None:
    try:
        found = read(match, clock)
    except (ValueError, OverflowError):
        return None  # 31 April: not a day
    if found is None:
        return None
    when, confidence = found
    if not 1 < when.year < LAST_YEAR:
        return None
    start = match.start() + (4 if match[0][:4].lower() == "the " else 0)
    if isinstance(when, datetime):
        return Day(start, match.end(), None, None, confidence, when)
    part = match.groupdict().get("part")
    return Day(start, match.end(), when, part.lower() if part else _implied_part(match), confidence)


def _implied_part(match: re.Match[str]) -> str | None:
    """ "tonight" and "this morning" name the part of the day themselves."""
    last = match[0].lower().rpartition(" ")[2]
    if last == "tonight":
        return "evening"
    return last if last in ("morning", "afternoon", "evening", "night") else None


# -- forms with numbers -----------------------------------------------------------------------


@_form(
    r"(?P<year>\d{4})(?P<sep>[-/])(?P<month>\d\d)(?P=sep)(?P<day>\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?))?(?![\w-])",
    [DIGIT],
)
def _iso(match: re.Match[str], clock: Clock) -> tuple[date | datetime, float]:
    day = f"{match['year']}-{match['month']}-{match['day']}"
    if match["time"] is None:
        return date.fromisoformat(day), 1.0
    moment = datetime.fromisoformat(f"{day}T{match['time'].upper()}")
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.now.tzinfo), 1.0


@_form(
    r"(?P<first>\d{1,2})(?P<sep>[/.-])(?P<second>\d{1,2})(?P=sep)"
    r"(?P<year>(?:19|20)\d\d|\d\d)(?![\w/])",
    [DIGIT],
)
def _numeric(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if clock.month_first else (second, first)
    if month > 12:
        month, day = day, month
    sure = first > 12 or second > 12 or first == second
    year = match.groupdict().get("year")
    return _in_year(month, day, year, clock.today), 0.95 if sure else 0.75


@_form(
    preceded("on", "by", "from", "until", "till", "the", "before", "after", "since", "and", "to")
    + r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?![\w/])",
    [DIGIT],
)
def _numeric_without_year(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """Only after a word that announces a day: "24/7" and "1/2" are none."""
    return _numeric(match, clock)  # type: ignore[return-value]


# -- forms with the name of a month -----------------------------------------------------------


@_form(
    rf"(?:{_WEEKDAY}\.?,? )?(?:the )?"
    rf"(?:(?P<day>{_NUMBER})(?:st|nd|rd|th|er|\.|º)?|(?P<ordinal>{_ORDINAL}))"
    rf"(?: of| de|-)? ?(?P<month>{_MONTH})\b(?:\.(?= \d))?(?: de)?{_YEAR}{_PART}",
    [DIGIT, "the"],
    _WEEKDAYS,
    (name.partition("-")[0] for name in _ORDINALS),
)
@_form(
    rf"(?:{_WEEKDAY}\.?,? )?(?P<month>{_MONTH})\.?(?: the)? ?"
    rf"(?:(?P<day>{_NUMBER})(?:st|nd|rd|th)?|(?P<ordinal>{_ORDINAL}))"
    rf"(?![\w:]| ?[ap]\.?m\b){_YEAR}{_PART}",
    _MONTHS,
    _WEEKDAYS,
)
def _day_and_month(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    month = _MONTHS[match["month"].lower()]
    return _in_year(month, _nth(match), match["year"], clock.today), 1.0


@_form(rf"(?P<month>{_MONTH})\.?,? (?P<year>(?:19|20)\d\d)(?!\d)", _MONTHS)
def _month_and_year(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return date(int(match["year"]), _MONTHS[match["month"].lower()], 1), 0.7


@_form(
    preceded(
        "in", "by", "of", "for", "mid", "late", "early", "this", "next", "last", "since", "until",
        "till", "before", "after", "during",
    )
    + r"(?P<month>january|february|march|april|(?-i:May)|june|july|august|september|october"
    r"|november|december)\b(?! \d)",
    _MONTHS,
)  # fmt: skip
def _month_alone(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """The first of the next such month, this one included; after "last" the one before."""
    month, today = _MONTHS[match["month"].lower()], clock.today
    before = match.string[max(0, match.start() - 6) : match.start()].lower()
    if before.endswith(("last ", "since ")):
        year = today.year if month < today.month else today.year - 1
    else:
        year = today.year if month >= today.month else today.year + 1
    return date(year, month, 1), 0.6


@_form(_any(_FEASTS) + r"\b", (name.replace("'", " ").split(" ")[0] for name in _FEASTS))
def _feast(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    month, day = _FEASTS[match[0].lower()]
    return _in_year(month, day, None, clock.today), 1.0


# -- forms relative to today ------------------------------------------------------------------


@_form(
    rf"(?:the )?(?:day after {_any(_TOMORROW)}|day before yesterday|today|tonight|{_any(_TOMORROW)}"
    rf"|yesterday|this (?:morning|afternoon|evening)|last night)\b{_PART}",
    ["the", "day", "today", "tonight", "yesterday", "this", "last", DIGIT],
    _TOMORROW,
)
def _relative(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    written = match[0].lower().removeprefix("the ")
    if written.startswith("day after"):
        offset = 2
    elif written.startswith("day before"):
        offset = -2
    elif written.startswith(("yesterday", "last")):
        offset = -1
    else:
        offset = 0 if written.startswith(("today", "tonight", "this")) else 1
    return clock.today + timedelta(days=offset), 1.0


@_form(
    rf"(?P<which>this coming|this|next|coming|last|past) (?P<weekday>{_WEEKDAY})\b(?! ?[-'])"
    rf"{_PART}",
    ["this", "next", "coming", "last", "past"],
)
def _which_weekday(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return _weekday(clock.today, _WEEKDAYS[match["weekday"].lower()], match["which"].lower()), 1.0


@_form(
    rf"(?P<weekday>{_LONG_WEEKDAY})(?:(?:,? the|,)? (?P<day>{_NUMBER})(?:st|nd|rd|th))?(?!\w|')"
    rf"(?: (?P<week>next week|this week|week))?{_PART}",
    _WEEKDAYS,
)
def _plain_weekday(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    weekday, today = _WEEKDAYS[match["weekday"].lower()], clock.today
    if match["day"] is not None:
        return _day_on_weekday(int(match["day"]), weekday, today), 1.0
    week = (match["week"] or "").lower()
    if week == "next week":
        return _weekday(today, weekday, "next"), 1.0
    if week == "this week":
        return today + timedelta(days=weekday - today.weekday()), 1.0
    # "Friday week" is a week after Friday.
    return _weekday(today, weekday, "") + timedelta(days=7 if week else 0), 0.95


@_form(preceded("on", "by", "or", "for") + r"(?P<weekday>sat|sun)\b(?! ?')", ["sat", "sun"])
def _short_weekend_day(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return _weekday(clock.today, _WEEKDAYS[match["weekday"].lower()], ""), 0.8


@_form(
    r"(?:(?:the )?(?:this|next|last|coming) (?:week(?:end)?|month|year)|the weekend"
    r"|(?:the )?(?:end|beginning|start) of (?:the|this|next) (?:week|month|year))\b",
    ["the", "this", "next", "last", "coming", "end", "beginning", "start"],
)
def _span_of_days(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """The first day of a week, weekend, month or year; the last one after "end of"."""
    written, today = match[0].lower(), clock.today
    step = 1 if "next" in written else -1 if "last" in written else int("coming" in written)
    closing = "end of" in written
    monday = today - timedelta(days=today.weekday())
    if "weekend" in written:
        return monday + timedelta(days=5 + 7 * (0 if "coming" in written else step)), 0.7
    if "week" in written:
        return monday + timedelta(days=7 * step + (6 if closing else 0)), 0.7
    if "month" in written:
        first = _add_months(today.replace(day=1), step)
        last = monthrange(first.year, first.month)[1]
        return first.replace(day=last if closing else 1), 0.7
    year = today.year + step
    return date(year, 12, 31) if closing else date(year, 1, 1), 0.7


@_form(
    rf"(?:in|within) (?P<count>{_SMALL}) ?(?P<unit>{_UNIT})(?:'? time)?\b",
    ["in", "within"],
)
@_form(
    rf"(?P<count>{_SMALL}) ?(?P<unit>{_UNIT}) "
    r"(?P<direction>from (?:now|today|tomorrow)|later|ago)\b",
    [DIGIT, "a", "an", "couple", "half"],
    _SMALL_WORDS,
)
def _shifted(match: re.Match[str], clock: Clock) -> tuple[date | datetime, float]:
    direction = (match.groupdict().get("direction") or "").lower()
    sign = -1 if direction == "ago" else 1
    number = _small(match["count"].lower())
    confidence = 0.7 if match["count"].lower() == "a few" else 1.0
    now = clock.now + timedelta(days=int(direction.endswith("tomorrow")))
    unit = match["unit"].lower()
    if unit.startswith(("min", "h")):
        step = timedelta(minutes=number) if unit.startswith("min") else timedelta(hours=number)
        return (now.astimezone(UTC) + sign * step).astimezone(now.tzinfo), confidence
    whole, today = sign * int(number), now.date()
    if unit.startswith("day"):
        return today + timedelta(days=whole), confidence
    if unit.startswith("week"):
        return today + timedelta(days=7 * whole), confidence
    return _add_months(today, whole if unit.startswith("month") else 12 * whole), confidence


@_form(
    rf"the {_NTH}{_AFTER_NTH}(?: of (?P<which>this|next|the) month)?{_PART}",
    ["the"],
)
@_form(
    preceded("from", "to", "until", "till", "on", "by", "and", "between")
    + rf"{_NTH}{_AFTER_NTH}(?: of (?P<which>this|next|the) month)?{_PART}",
    [DIGIT],
)
def _day_of_this_month(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    which = match["which"].lower() if match["which"] else None
    return _day_of_month(_nth(match), which, clock.today), 0.85


# -- arithmetic -------------------------------------------------------------------------------


def _nth(match: re.Match[str]) -> int:
    if match["day"] is not None:
        return int(match["day"])
    return _ORDINALS[match["ordinal"].lower().replace(" ", "-")]


def _small(words: str) -> float:
    if words.isdigit():
        return float(words)
    if "couple" in words:
        return 2.0
    if words == "a few":
        return 3.0
    if words == "half an":
        return 0.5
    return float(ONES.get(words) or TENS.get(words) or 1)


def _in_year(month: int, day: int, year: str | None, today: date) -> date:
    """The day in that year, or the next one from today on. 29 February waits for a leap year."""
    if year is not None:
        number = int(year)
        return date(number + 2000 if len(year) == 2 else number, month, day)
    for number in range(today.year, today.year + 9):
        if day <= monthrange(number, month)[1]:
            found = date(number, month, day)
            if found >= today:
                return found
    raise ValueError("no such day")


def _weekday(today: date, weekday: int, which: str) -> date:
    ahead = (weekday - today.weekday()) % 7
    if which == "next":
        return today + timedelta(days=7 - today.weekday() + weekday)
    if which in ("last", "past"):
        return today - timedelta(days=7 - ahead if ahead else 7)
    if which == "this":
        return today + timedelta(days=ahead)
    return today + timedelta(days=ahead or 7)


def _add_months(day: date, months: int) -> date:
    """The same day that many months on, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _day_of_month(day: int, which: str | None, today: date) -> date:
    if which == "next":
        first = _add_months(today.replace(day=1), 1)
        return first.replace(day=day)
    for step in range(3):
        first = _add_months(today.replace(day=1), step)
        if day <= monthrange(first.year, first.month)[1]:
            found = first.replace(day=day)
            if found >= today or which in ("this", "the"):
                return found
    raise ValueError("no such day")


def _day_on_weekday(day: int, weekday: int, today: date) -> date:
    """ "Friday the 29th": the next 29th that is a Friday, within a year; else the next 29th."""
    for step in range(12):
        first = _add_months(today.replace(day=1), step)
        if day <= monthrange(first.year, first.month)[1]:
            found = first.replace(day=day)
            if found >= today and found.weekday() == weekday:
                return found
    return _day_of_month(day, None, today)


GATE = (
    rf"\b({'|'.join([*_MONTHS, *_WEEKDAYS, *_TOMORROW])}|(mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|today|tonight|yesterday|next|this|last|coming|weekend|end of|beginning of|start of|ago"
    r"|from now|later|christmas|xmas|boxing day|new year.?s|valentine.?s|halloween"
    r"|(in|within) (a|an|\d+|half|couple|one|two|three|four|five|six|seven|eight|nine|ten)"
    rf"|\d{{1,2}}(st|nd|rd|th)|{'|'.join(_ORDINALS)})\b|\d[/.-]\d|\d{{4}}-\d\d"
)
"""What a text has that names a day, for RE2."""
