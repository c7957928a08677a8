"""Days in a text: "tomorrow", "next Friday", "3rd of May", "3/4/2026", "in two weeks", "Christmas".

Each form is a small pattern and a function that says which day it means; a form is tried only where
one of its trigger words (or a digit) stands, and where several match, the longest wins. The module
`dates` states the conventions for forms that people understand differently.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from .day_words import (
    AFTER_NTH,
    FEASTS,
    LONG_WEEKDAY,
    MONTH,
    MONTHS,
    NTH,
    NUMBER,
    ORDINAL,
    PART,
    PAST,
    PAST_REACH,
    SMALL,
    SMALL_WORDS,
    TOMORROW,
    UNIT,
    WEEKDAY,
    WEEKDAYS,
    YEAR,
    any_of,
)
from .forms import Forms
from .moments import (
    LAST_YEAR,
    add_months,
    day_of_month,
    day_on_weekday,
    in_year,
    weekday_of,
)
from .numbers import ONES, ORDINALS, TENS
from .words import DIGIT, preceded


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
    """What days are resolved against. `past`: the text tells what has happened."""

    now: datetime
    month_first: bool
    past: bool = False

    @property
    def today(self) -> date:
        return self.now.date()


Read = Callable[[re.Match[str], Clock], tuple[date | datetime, float] | None]
_FORMS: Forms[Read] = Forms(r"(?<![\w/$€£#.@-])")
_form = _FORMS.form
"""The function of a form returns the day (or moment) and how sure that is, or None."""


def days_in(text: str, now: datetime, month_first: bool) -> Iterator[Day]:
    """All days, in order and without overlaps. `now` has the sender's zone."""
    clock = Clock(now, month_first)
    return _FORMS.found(text, lambda match, read: _day(match, read, clock))


def _day(match: re.Match[str], read: Read, clock: Clock) -> Day | None:
    if PAST.search(match.string, max(0, match.start() - PAST_REACH), match.start()):
        clock = clock._replace(past=True)
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
    return in_year(month, day, year, clock.today, clock.past), 0.95 if sure else 0.75


@_form(
    preceded("on", "by", "from", "until", "till", "the", "before", "after", "since", "and", "to")
    + r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?![\w/])",
    [DIGIT],
)
def _numeric_without_year(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """Only after a word that announces a day: "24/7" and "1/2" are none."""
    return _numeric(match, clock)  # type: ignore[return-value]


@_form(
    preceded("starts", "starting", "ends", "ending", "due", "dated", "through", "thru", "til")
    + r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?![\w/])",
    [DIGIT],
)
@_form(
    preceded("is", "was") + r"(?!24/7)(?:(?P<first>0?[1-9]|1[0-2])/(?P<second>1[3-9]|2\d|3[01])"
    r"|(?P<first_day>1[3-9]|2\d|3[01])/(?P<second_month>0?[1-9]|1[0-2]))(?![\w/])",
    [DIGIT],
)
def _announced_without_year(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """After "is" only where one of the numbers can be nothing but a day: "my rating is 4/5"."""
    if match.groupdict().get("first_day") is not None:
        month, day = int(match["second_month"]), int(match["first_day"])
        return in_year(month, day, None, clock.today, clock.past), 0.75
    return _numeric(match, clock)  # type: ignore[return-value]


@_form(
    preceded("exp", "exp:", "expires", "expiry", "expiration", "expiry:", "thru", "exp date")
    + r"(?P<month>0[1-9]|1[0-2])/(?P<year>\d\d|20\d\d)(?![\w/])",
    [DIGIT],
)
def _expiry(match: re.Match[str], _: Clock) -> tuple[date, float]:
    """Of a payment card: the first of its month."""
    year = int(match["year"])
    return date(year + 2000 if year < 100 else year, int(match["month"]), 1), 0.8


# -- forms with the name of a month -----------------------------------------------------------


@_form(
    rf"(?:{WEEKDAY}\.?,? )?(?:the )?"
    rf"(?:(?P<day>{NUMBER})(?:st|nd|rd|th|er|\.|º)?|(?P<ordinal>{ORDINAL}))"
    rf"(?: of| de|-)? ?(?P<month>{MONTH})\b(?:\.(?= \d))?(?: de)?{YEAR}{PART}",
    [DIGIT, "the"],
    WEEKDAYS,
    (name.partition("-")[0] for name in ORDINALS),
)
@_form(
    rf"(?:{WEEKDAY}\.?,? )?(?P<month>{MONTH})\.?(?: the)? ?"
    rf"(?:(?P<day>{NUMBER})(?:st|nd|rd|th)?|(?P<ordinal>{ORDINAL}))"
    rf"(?![\w:]| ?[ap]\.?m\b){YEAR}{PART}",
    MONTHS,
    WEEKDAYS,
)
def _day_and_month(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    month = MONTHS[match["month"].lower()]
    return in_year(month, _nth(match), match["year"], clock.today, clock.past), 1.0


@_form(rf"(?P<month>{MONTH})\.?,? (?P<year>(?:19|20)\d\d)(?!\d)", MONTHS)
def _month_and_year(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return date(int(match["year"]), MONTHS[match["month"].lower()], 1), 0.7


@_form(
    preceded(
        "in", "by", "of", "from", "for", "mid", "late", "early", "this", "next", "last", "since",
        "until", "till", "before", "after", "during",
    )
    + r"(?P<month>january|february|march|april|(?-i:May)|june|july|august|september|october"
    r"|november|december)\b(?! \d)",
    MONTHS,
)  # fmt: skip
def _month_alone(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    """The first of the next such month, this one included; after "last" the one before."""
    month, today = MONTHS[match["month"].lower()], clock.today
    before = match.string[max(0, match.start() - 6) : match.start()].lower()
    if before.endswith(("last ", "since ")):
        year = today.year if month < today.month else today.year - 1
    else:
        year = today.year if month >= today.month else today.year + 1
    return date(year, month, 1), 0.7


@_form(
    preceded("in", "during", "since", "from", "until", "till", "before", "after", "of", "by")
    + r"(?P<year>(?:19|20)\d\d)(?![\w%:/-]| ?[$€£]|[.,]\d)"
    r"(?=$|[,.!?;)]|\s+(?:to|and|or|but|until|till|when|i|we|it|the|on|at|for|with|was|is|while)\b)",
    [DIGIT],
)
@_form(
    r"(?:(?<=\b(?:[Aa]ct|[Ll]aw) of )|" + preceded("since", "back in", "early in", "late in") + ")"
    r"(?P<year>(?:19|20)\d\d)(?![\w%:/-]| ?[$€£]|[.,]\d)",
    [DIGIT],
)
def _year_alone(match: re.Match[str], _: Clock) -> tuple[date, float]:
    """ "since 2019": the first of January."""
    return date(int(match["year"]), 1, 1), 0.7


@_form(any_of(FEASTS) + r"\b", (name.replace("'", " ").split(" ")[0] for name in FEASTS))
def _feast(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    month, day = FEASTS[match[0].lower()]
    return in_year(month, day, None, clock.today), 1.0


# -- forms relative to today ------------------------------------------------------------------


@_form(
    rf"(?:the )?(?:day after {any_of(TOMORROW)}|day before yesterday|today|tonight"
    rf"|{any_of(TOMORROW)}|yesterday|this (?:morning|afternoon|evening)|last night)\b{PART}",
    ["the", "day", "today", "tonight", "yesterday", "this", "last", DIGIT],
    TOMORROW,
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
    rf"(?P<which>this coming|this|next|coming|last|past) (?P<weekday>{WEEKDAY})\b(?! ?[-'])"
    rf"{PART}",
    ["this", "next", "coming", "last", "past"],
)
def _which_weekday(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return weekday_of(clock.today, WEEKDAYS[match["weekday"].lower()], match["which"].lower()), 1.0


@_form(
    rf"(?P<weekday>{LONG_WEEKDAY})(?:(?:,? the|,)? (?P<day>{NUMBER})(?:st|nd|rd|th))?(?!\w|')"
    rf"(?: (?P<week>next week|this week|last week|week|in (?:a|one|two|three) weeks?))?{PART}",
    WEEKDAYS,
)
def _plain_weekday(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    weekday, today = WEEKDAYS[match["weekday"].lower()], clock.today
    if match["day"] is not None:
        return day_on_weekday(int(match["day"]), weekday, today), 1.0
    week = (match["week"] or "").lower()
    if week == "next week":
        return weekday_of(today, weekday, "next"), 1.0
    if week in ("this week", "last week"):
        monday = today - timedelta(days=today.weekday() + (7 if week == "last week" else 0))
        return monday + timedelta(days=weekday), 1.0
    if week.startswith("in "):
        weeks = {"two": 2, "three": 3}.get(week.split()[1], 1)
        return weekday_of(today, weekday, "this") + timedelta(days=7 * weeks), 0.9
    # "Friday week" is a week after Friday.
    return weekday_of(today, weekday, "last" if clock.past else "") + timedelta(
        days=7 if week else 0
    ), 0.95


@_form(preceded("on", "by", "or", "for") + r"(?P<weekday>sat|sun)\b(?! ?')", ["sat", "sun"])
def _short_weekend_day(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    return weekday_of(clock.today, WEEKDAYS[match["weekday"].lower()], ""), 0.8


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
        first = add_months(today.replace(day=1), step)
        last = monthrange(first.year, first.month)[1]
        return first.replace(day=last if closing else 1), 0.7
    year = today.year + step
    return date(year, 12, 31) if closing else date(year, 1, 1), 0.7


@_form(
    rf"(?:in|within) (?P<count>{SMALL}) ?(?P<unit>{UNIT})(?:'? time)?\b",
    ["in", "within"],
)
@_form(
    rf"(?P<count>{SMALL}) ?(?P<unit>{UNIT}) "
    r"(?P<direction>from (?:now|today|tomorrow)|later|ago)\b",
    [DIGIT, "a", "an", "couple", "half"],
    SMALL_WORDS,
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
    return add_months(today, whole if unit.startswith("month") else 12 * whole), confidence


@_form(
    rf"the {NTH}{AFTER_NTH}(?: of (?P<which>this|next|the) month)?{PART}",
    ["the"],
)
@_form(
    preceded("from", "to", "until", "till", "on", "by", "and", "between")
    + rf"{NTH}{AFTER_NTH}(?: of (?P<which>this|next|the) month)?{PART}",
    [DIGIT],
)
def _day_of_this_month(match: re.Match[str], clock: Clock) -> tuple[date, float]:
    which = match["which"].lower() if match["which"] else None
    return day_of_month(_nth(match), which, clock.today, clock.past), 0.85


# -- arithmetic -------------------------------------------------------------------------------


def _nth(match: re.Match[str]) -> int:
    if match["day"] is not None:
        return int(match["day"])
    return ORDINALS[match["ordinal"].lower().replace(" ", "-")]


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
