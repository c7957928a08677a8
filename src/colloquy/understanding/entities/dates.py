"""Days and times of a text joined into moments, by the message's clock in the sender's zone.

`days` and `clock` find English days and times of day, `foreign` those of others; neighbours are
joined ("Friday at 5pm", "half past 11 on the 3rd"), and two of them with "to" or a dash between
are an interval. Conventions where people differ:

- a day without a year is the next one from today on; a bare weekday is the next one after today;
- "next Friday" is the Friday of the next calendar week (Monday first), "this Friday" the nearest;
- 3/4/2026 is 4 March in regions that write the month first (US) and to writers of English, else
  3 April;
- a bare hour is between 8 and 19 o'clock; a time without a day is the next such time;
- a week, weekend, month or year is its first day, with confidence 0.7;
- a time that summer time skips is as much later as was skipped; of one that comes twice, the first.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from .clock import GATE as CLOCK_GATE
from .clock import ClockTime, clock_times, in_part, likely_hour
from .day_words import GATE as DAYS_GATE
from .days import Day, days_in
from .moments import add_months, at_clock, days_of, now_of, written
from .span import Circumstances, Span

GATE = f"{DAYS_GATE}|{CLOCK_GATE}"
_MONTH_FIRST = frozenset({"US", "PH", "PR", "GU", "FM", "PW"})
_MOST_SPANS = 200
_DAY_TO_TIME_REACH, _TIME_TO_DAY_REACH = 14, 9
"""Characters between a day and its time, at most."""
_INTERVAL_REACH = 12
"""Characters between the two ends of an interval, at most."""
_DASH = re.compile(
    r"(?<![\w/.:-])(\d{1,2}(?:st|nd|rd|th|\.)?)-(?=\d{1,2}(?:st|nd|rd|th|\.)? ?(?:of )?[^\W\d_]{3})"
)
_CLOCK_DASH = re.compile(
    r"(?<![\w/.:$€£-])(\d{1,2}(?::[0-5]\d)?(?: ?[ap]m)?) ?-(?= ?\d{1,2}(?::[0-5]\d| ?[ap]\.?m\b))",
    re.IGNORECASE,
)
_RANGE_MARK = "\u2013"
"""What the dash of "8-10am" is for the clock, to which one in front of a figure says it is none."""
_MONTH_NAME = re.compile(r"[^\W\d_]{3}")
_NUMBER_BEFORE = re.compile(
    r"(?<![\w./:$€£-])(?:(?:from|between|vom|von|du|del|dal|de|entre) )?(?:the |le |el |il )?"
    r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)? ?(?:-|to|till|until|and|bis|bis zum|au|al|a|ao)"
    r" ?(?:the )?$",
    re.IGNORECASE,
)
_NUMBER_AFTER = re.compile(
    r" ?(?:-|to|till|until|through) ?(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?![\w:/]|[.,]\d| ?[ap]\.?m)",
    re.IGNORECASE,
)


class Grammar(NamedTuple):
    """How a language tells moments.

    `day_to_time` and `time_to_day` match what may stand between a day and its time; `inside` what
    stands between the ends of an interval, `opening` (a search to the end) what comes before it.
    `closing`: what stands inside only after an opening ("between 3 and 5").
    """

    days: Callable[[str, datetime, bool], Iterable[Day]]
    times: Callable[[str], Iterable[ClockTime]]
    day_to_time: re.Pattern[str]
    time_to_day: re.Pattern[str]
    opening: re.Pattern[str]
    inside: re.Pattern[str]
    closing: re.Pattern[str]


ENGLISH = Grammar(
    days_in,
    clock_times,
    re.compile(
        r"^(?:,? ?(?:at|@|around|about|by|from|before|after|until|between|-|for)? ?(?:the )?)$",
        re.IGNORECASE,
    ),
    re.compile(r"^(?:,? ?(?:on|of)? ?(?:the )?)$", re.IGNORECASE),
    re.compile(r"\b(?:from|between) (?:the )?$", re.IGNORECASE),
    re.compile(r"^ ?(?:-|to|until|till|through|thru|til) ?(?:the )?$", re.IGNORECASE),
    re.compile(r"^ ?(?:-|to|until|till|and) ?(?:the )?$", re.IGNORECASE),
)


class _Found(NamedTuple):
    """A day, a time or both, at one place."""

    start: int
    end: int
    day: Day | None
    time: ClockTime | None
    confidence: float


def moments(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """English spans; see `moments_in`."""
    if circumstances.language in (None, "en"):
        return moments_in(text, circumstances, ENGLISH)
    # "Mon" and "sat" are words of other languages.
    return (
        span
        for span in moments_in(text, circumstances, ENGLISH)
        if span.end - span.start > 3 or not text[span.start : span.end].isalpha()
    )


def moments_in(text: str, circumstances: Circumstances, grammar: Grammar) -> Iterator[Span]:
    """Spans `date` ("2026-11-22"), `time` and `datetime` (RFC 3339 with the zone's offset), and
    `interval` with {"from", "to"} of these."""
    now = now_of(circumstances)
    # The dash of "12-15 December" is none of a code.
    spaced = _DASH.sub(r"\1 ", text) if "-" in text else text
    clocked = _CLOCK_DASH.sub(_with_range_mark, text) if "-" in text else text
    days = list(grammar.days(spaced, now, _month_first(circumstances)))
    starts = [day.start for day in days]
    times = []
    for time in grammar.times(clocked):
        before = bisect_left(starts, time.end)
        if not before or days[before - 1].end <= time.start:
            times.append(time)
    if not days and not times:
        return
    found = _joined(text, days, times, grammar)
    for one in found:
        label, value = _value(one, now)
        yield Span(label, one.start, one.end, value, one.confidence)
    for one in found:
        if one.time is None and one.day is not None and one.day.day is not None and (
            _MONTH_NAME.search(text, one.start, one.end)
        ):  # fmt: skip
            yield from _days_of_a_month(text, one, one.day.day)
    for first, second in pairwise(found):
        interval = _interval(text, first, second, grammar, now)
        if interval is not None:
            yield interval


def _with_range_mark(match: re.Match[str]) -> str:
    return match[0].replace("-", _RANGE_MARK)


def _month_first(circumstances: Circumstances) -> bool:
    """Whether 3/4 is in March: by the region, unless the language is one that never means that."""
    return circumstances.region in _MONTH_FIRST and circumstances.language in (None, "en", "tl")


def _joined(text: str, days: list[Day], times: list[ClockTime], grammar: Grammar) -> list[_Found]:
    """Days with the times that stand next to them, and what is left of both; in order."""
    found: list[_Found] = []
    free = dict.fromkeys(range(len(times)))
    ends = [time.end for time in times]
    for day in days[:_MOST_SPANS]:
        mine = None
        near = bisect_left(ends, day.start - _TIME_TO_DAY_REACH)
        for at_time in range(near, len(times)) if day.day is not None else ():
            time = times[at_time]
            if at_time not in free:
                continue
            if time.start - day.end > _DAY_TO_TIME_REACH:
                break
            if time.start - day.end >= 0 and grammar.day_to_time.match(text[day.end : time.start]):
                mine = at_time
                break
            gap = day.start - time.end
            if 0 <= gap <= _TIME_TO_DAY_REACH and grammar.time_to_day.match(
                text[time.end : day.start]
            ):
                mine = at_time
                break
        if mine is None:
            found.append(_Found(day.start, day.end, day, None, day.confidence))
        else:
            time = times[mine]
            del free[mine]
            found.append(
                _Found(
                    min(day.start, time.start), max(day.end, time.end), day, time,
                    round(min(day.confidence, time.confidence), 2),
                )
            )  # fmt: skip
    for at_time in free:
        time = times[at_time]
        found.append(_Found(time.start, time.end, None, time, time.confidence))
    return sorted(found)


def _value(one: _Found, now: datetime) -> tuple[str, str]:
    """Label and value."""
    if one.day is not None and one.time is not None and one.day.day is not None:
        return "datetime", written(_at(one.day.day, one.time, one.day.part, now))
    if one.day is not None and one.day.moment is not None:
        return "datetime", written(one.day.moment)
    if one.day is not None and one.day.day is not None:
        return "date", one.day.day.isoformat()
    assert one.time is not None
    return "time", written(_next_time(one.time, now))


def _next_time(time: ClockTime, now: datetime) -> datetime:
    moment = _at(now.date(), time, None, now)
    return moment if moment >= now else _at(now.date() + timedelta(days=1), time, None, now)


def _interval(
    text: str, first: _Found, second: _Found, grammar: Grammar, now: datetime
) -> Span | None:
    """From the first to the second, if the text says so and they are of one kind."""
    between = text[first.end : second.start]
    if len(between) > _INTERVAL_REACH:
        return None
    opening = grammar.opening.search(text[max(0, first.start - 20) : first.start])
    inner = None
    if first.day is not None and first.time is not None:
        # "Wednesday between 1pm and 3pm": what opens it stands inside the first end.
        inner = grammar.opening.search(text[first.day.end : first.time.start])
    if not (grammar.closing if opening or inner else grammar.inside).match(between):
        return None
    ends = _ends(text, first, second, now)
    if ends is None:
        return None
    start = first.start
    if opening:
        start -= len(opening[0])
    value = {"from": ends[0], "to": ends[1]}
    return Span(
        "interval", start, second.end, value, round(min(first.confidence, second.confidence), 2)
    )


def _days_of_a_month(text: str, one: _Found, day: date) -> Iterator[Span]:
    """ "12-15 December" and "December 12 to 15": the other end is a mere number."""
    before = _NUMBER_BEFORE.search(text[max(0, one.start - 20) : one.start])
    if before and text[one.start].isdigit() and 0 < int(before["day"]) < day.day:
        start = one.start - len(before[0])
        value = {"from": day.replace(day=int(before["day"])).isoformat(), "to": day.isoformat()}
        yield Span("interval", start, one.end, value, one.confidence)
    after = _NUMBER_AFTER.match(text, one.end)
    if after and text[one.start].isalpha() and day.day < int(after["day"]) <= 31:
        try:
            last = day.replace(day=int(after["day"]))
        except ValueError:
            return
        value = {"from": day.isoformat(), "to": last.isoformat()}
        yield Span("interval", one.start, after.end(), value, one.confidence)


def _ends(text: str, first: _Found, second: _Found, now: datetime) -> tuple[str, str] | None:
    if first.time is None and second.time is None:
        one, other = first.day, second.day
        if one is None or other is None or one.day is None or other.day is None:
            return None
        last = other.day
        if text[second.start].isdigit() and not _MONTH_NAME.search(
            text, second.start, second.end
        ):  # fmt: skip
            # "From 28 October to the 3rd": the next 3rd after the beginning.
            last = next(
                month.replace(day=last.day)
                for month in (add_months(one.day.replace(day=1), step) for step in range(4))
                if last.day <= days_of(month) and month.replace(day=last.day) > one.day
            )
        elif last < one.day and (one.day - last).days < 7:
            # "Friday to Monday" on a Saturday: the Monday after that Friday.
            last += timedelta(days=7)
        return (one.day.isoformat(), last.isoformat()) if last > one.day else None
    if first.time is None or second.time is None:
        return None
    named = first.day or second.day
    part = named.part if named is not None else None
    opens, closes = _settled(first.time, part), _settled(second.time, part)
    day = named.day if named is not None and named.day is not None else now.date()
    begin = _at(first.day.day if first.day and first.day.day else day, opens, None, now)
    if named is None and begin < now:
        day += timedelta(days=1)
        begin = _at(day, opens, None, now)
    until = second.day.day if second.day is not None and second.day.day else begin.date()
    end = _at(until, closes, None, now)
    if end <= begin and second.time.ambiguous and closes.hour < 12:
        end = _at(until, closes._replace(hour=closes.hour + 12), None, now)
    if end <= begin:
        end = _at(until + timedelta(days=1), closes, None, now)
    return (written(begin), written(end)) if end > begin else None


def _settled(time: ClockTime, part: str | None) -> ClockTime:
    """The time with its half of the day: that of the part, else of daytime business."""
    if not time.ambiguous:
        return time
    hour = in_part(time.hour, part) if part is not None else likely_hour(time.hour)
    return time._replace(hour=hour, ambiguous=False)


def _at(day: date, time: ClockTime, part: str | None, now: datetime) -> datetime:
    """The moment of a clock time on a day, in the zone of `now`."""
    hour = time.hour
    if time.ambiguous:
        hour = in_part(hour, part) if part is not None else likely_hour(hour)
        if part is None and hour < 12 and day == now.date() and (hour, time.minute) <= (
            now.hour, now.minute,
        ) < (hour + 12, time.minute):  # fmt: skip
            hour += 12
    return at_clock(day, hour, time.minute, time.second, now)
