"""What repeats: "every Monday at 9", "weekly", "every other day", "the 1st of each month".

The value is a rule of RFC 5545 (iCalendar) and the next time it holds after the message: a day, or
a moment when the text names a time or the rule is shorter than a day. A rule without a weekday or a
day of the month is counted from the message.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from .clock import ClockTime, clock_times, in_part, likely_hour
from .languages import ENGLISH, LEXICONS, fold, named, numbered, pattern_of
from .moments import add_months, at_clock, now_of, written
from .span import Circumstances, Span

GATE = (
    r"\b(every|each|everyday|daily|weekly|bi-?weekly|fortnightly|monthly|quarterly|yearly|annually"
    r"|hourly|nightly|weekdays|weekends|(mon|tues|wednes|thurs|fri|satur|sun)days)\b"
)
"""What an English text has that tells a repeat, for RE2."""

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = {
    "second": "SECONDLY", "minute": "MINUTELY", "hour": "HOURLY", "day": "DAILY",
    "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY",
}  # fmt: skip
_REACH = 24
"""Characters between a rule and its time, at most."""
_TIME_AFTER = re.compile(
    r"^,? ?(?:(?:at|@|around|from|by|um|gegen|ab|à|vers|a las|alle|às|as) )?$", re.I
)
_TIME_BEFORE = re.compile(r"^ ?(?:on )?$", re.IGNORECASE)
_NO_MOMENT = re.compile(r"\b(?:until|till|past|after|before|by|from|since) $", re.IGNORECASE)
"""Before a time: it bounds what repeats and does not say when ("until 8pm every day")."""
_MOST = 1_000

Times = Callable[[str], Iterable[ClockTime]]


class Rule(NamedTuple):
    """A rule with its parts; `days` are weekdays from Monday, 0."""

    frequency: str
    interval: int = 1
    days: tuple[int, ...] = ()
    month_day: int | None = None


class _Grammar:
    """The patterns of one language."""

    def __init__(self, code: str) -> None:
        lexicon = LEXICONS[code]
        self.weekdays = numbered(lexicon.weekdays)
        self.units = named(lexicon.units)
        self.numbers = {fold(word): value for word, value in lexicon.numbers.items()}
        self.adverbs = named(lexicon.adverbs)
        day = pattern_of(lexicon.weekdays)
        plural = r"(?:days?|s)?" if code != "en" else "s?"
        unit = pattern_of(lexicon.units.values())
        joint = rf"(?: ?(?:{lexicon.joint}) ?(?:{lexicon.every} )?)"
        other = pattern_of(lexicon.every_other)
        count = rf"(?:(?P<other>{other})|(?P<count>\d{{1,3}}|{pattern_of(lexicon.numbers)}))(?!\w)"
        days = rf"(?P<days>{day}{plural}(?:{joint}+{day}{plural})*)"
        every = rf"(?:{lexicon.every})"
        forms = [
            rf"(?P<adverb>{pattern_of(lexicon.adverbs.values())})",
            rf"{every} (?:{count} )?(?:(?P<unit>{unit})|{days})",
        ]
        if code == "en":
            names = "mon|tues|wednes|thurs|fri|satur|sun"
            ordinal = r"(?P<nth>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)"
            forms += [
                rf"(?P<plural>(?:{names})days(?:{joint}(?:{names})days)*)",
                rf"{ordinal} of (?:every|each|the) month",
                rf"(?:every|each) month on the {ordinal.replace('nth', 'on')}",
                rf"monthly on the {ordinal.replace('nth', 'monthly')}",
            ]
        elif lexicon.plural_days:
            forms.append(rf"{pattern_of(lexicon.plural_days)} (?P<plural>{day}(?:{joint}{day})*)")
        if code == "de":
            forms.append(r"(?P<plural>(?:mon|diens|donners|frei|sams|sonn)tags|mittwochs)")
        self.pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(forms)})(?![\w-])", re.IGNORECASE)
        self.day = re.compile(rf"(?<![^\W_]){day}(?={plural}(?!\w))", re.IGNORECASE)

    def rule(self, match: re.Match[str]) -> Rule | None:
        """What the match says."""
        parts = match.groupdict()
        if parts["adverb"] is not None:
            return rule_of(self.adverbs[fold(match["adverb"])])
        for name in ("nth", "on", "monthly"):
            if parts.get(name) is not None:
                return Rule("MONTHLY", month_day=int(match[name]))
        interval = 1
        if parts["other"] is not None:
            interval = 2
        elif parts["count"] is not None:
            said = fold(match["count"])
            interval = int(said) if said.isdigit() else self.numbers[said]
        if not 0 < interval <= _MOST:
            return None
        if parts["unit"] is not None:
            return Rule(_FREQUENCIES[self.units[fold(match["unit"])]], interval)
        said = match["days"] if parts["days"] is not None else match["plural"]
        found = {self.weekdays[fold(one[0])] for one in self.day.finditer(said)}
        return Rule("WEEKLY", interval, tuple(sorted(found))) if found else None


@lru_cache(maxsize=16)
def _grammar(language: str) -> _Grammar:
    return _Grammar(language)


def repeats(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """English `recurring`; see `repeats_in`."""
    return repeats_in(text, circumstances, ENGLISH.code, clock_times)


def repeats_in(
    text: str, circumstances: Circumstances, language: str, times_in: Times
) -> Iterator[Span]:
    """Spans `recurring` with {"rule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", "next": "…"}."""
    grammar = _grammar(language)
    matches = list(grammar.pattern.finditer(text))
    if not matches:
        return
    now = now_of(circumstances)
    times = list(times_in(text))
    starts, ends = [one.start for one in times], [one.end for one in times]
    for match in matches:
        rule = grammar.rule(match)
        if rule is None:
            continue
        start, end, time = match.start(), match.end(), None
        for one in times[bisect_left(ends, start - _REACH) : bisect_left(starts, end + _REACH)]:
            if one.start >= end and one.start - end < _REACH and _TIME_AFTER.match(
                text[end : one.start]
            ):  # fmt: skip
                time, end = one, one.end
                break
            if (
                one.end <= start
                and start - one.end < 5
                and _TIME_BEFORE.match(text[one.end : start])
                and not _NO_MOMENT.search(text, max(0, one.start - 8), one.start)
            ):
                time, start = one, one.start
                break
        hour, minute = _hour(time, match[0]) if time is not None else (None, 0)
        following = next_of(rule, now, hour, minute)
        if following is not None:
            value = {"rule": text_of(rule, hour, minute), "next": following}
            yield Span("recurring", start, end, value, 0.95)


def _hour(time: ClockTime, said: str) -> tuple[int, int]:
    """Hour and minute; "every evening" says itself which half of the day is meant."""
    if not time.ambiguous:
        return time.hour, time.minute
    part = said.lower().rpartition(" ")[2]
    known = part in ("morning", "afternoon", "evening", "night")
    return in_part(time.hour, part) if known else likely_hour(time.hour), time.minute


def rule_of(text: str) -> Rule:
    """The rule that RFC 5545 writes so; of its parts those that `Rule` has."""
    parts = dict(part.split("=") for part in text.split(";"))
    days = tuple(_DAYS.index(day) for day in parts.get("BYDAY", "").split(",") if day)
    return Rule(parts["FREQ"], int(parts.get("INTERVAL", "1")), days)


def text_of(rule: Rule, hour: int | None = None, minute: int = 0) -> str:
    """The rule as RFC 5545 writes it."""
    parts = [f"FREQ={rule.frequency}"]
    if rule.interval > 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.days:
        parts.append(f"BYDAY={','.join(_DAYS[day] for day in rule.days)}")
    if rule.month_day is not None:
        parts.append(f"BYMONTHDAY={rule.month_day}")
    if hour is not None:
        parts.append(f"BYHOUR={hour};BYMINUTE={minute}")
    return ";".join(parts)


def next_of(rule: Rule, now: datetime, hour: int | None, minute: int) -> str | None:
    """The next day (or moment, with an hour) after `now`; None beyond the calendar."""
    step = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3_600}.get(rule.frequency)
    if step is not None:
        moment = now.astimezone(UTC) + timedelta(seconds=step * rule.interval)
        return written(moment.astimezone(now.tzinfo))
    today = now.date()
    if rule.month_day is not None:
        candidates = (
            first.replace(day=rule.month_day)
            for first in (add_months(today.replace(day=1), step) for step in range(13))
            if rule.month_day <= (add_months(first, 1) - timedelta(days=1)).day
        )
    elif rule.days:
        candidates = (
            day
            for day in (today + timedelta(days=step) for step in range(15))
            if day.weekday() in rule.days
        )
    elif rule.frequency in ("DAILY", "WEEKLY"):
        length = rule.interval * (7 if rule.frequency == "WEEKLY" else 1)
        candidates = (today + timedelta(days=step) for step in (0, length))
    else:
        length = rule.interval * (12 if rule.frequency == "YEARLY" else 1)
        candidates = (add_months(today, step) for step in (0, length))
    for day in candidates:
        if hour is None:
            if day > today:
                return day.isoformat()
        else:
            moment = at_clock(day, hour, minute, 0, now)
            if moment > now:
                return written(moment)
    return None
