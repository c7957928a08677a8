"""Days and times of a text joined into moments, against the message's clock in the sender's zone.

`days` finds days, `clock` finds times of day; neighbours are joined ("Friday at 5pm", "half past 11
on the 3rd"). Conventions where people differ:

- a day without a year is the next one from today on; a bare weekday is the next one after today;
- "next Friday" is the Friday of the next calendar week (Monday first), "this Friday" the nearest;
- 3/4/2026 is 4 March in regions that write the month first (US), else 3 April;
- a bare hour is between 8 and 19 o'clock; a time without a day is the next such time;
- a week, weekend, month or year is its first day, with confidence 0.7.

Month names are read in six languages, everything else in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ...model.times import to_datetime
from .clock import GATE as CLOCK_GATE
from .clock import ClockTime, clock_times, in_part, likely_hour
from .days import GATE as DAYS_GATE
from .days import LAST_YEAR, Day, days_in
from .span import Circumstances, Span

GATE = f"{DAYS_GATE}|{CLOCK_GATE}"
_LAST_US = (LAST_YEAR - 2_000) * 31_556_952_000_000
_MONTH_FIRST = frozenset({"US", "PH", "PR", "GU", "FM", "PW"})
_DAY_TO_TIME = re.compile(
    r"^(?:,? ?(?:at|@|around|about|by|from|before|after|until|between|-|for)? ?(?:the )?)$",
    re.IGNORECASE,
)
_TIME_TO_DAY = re.compile(r"^(?:,? ?(?:on|of)? ?(?:the )?)$", re.IGNORECASE)
_MOST_SPANS = 200


@lru_cache(maxsize=1_024)
def zone_of(name: str | None) -> tzinfo:
    """The zone, UTC for None and for names nobody knows."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def moments(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Spans `date` ("2026-11-22"), `time` and `datetime` (RFC 3339 with the zone's offset)."""
    zone = zone_of(circumstances.time_zone)
    # A clock that is out of range is somebody's error; the text still has its days.
    at_us = min(max(circumstances.at_us, 0), _LAST_US)
    now = to_datetime(at_us).astimezone(zone)
    days = list(days_in(text, now, circumstances.region in _MONTH_FIRST))
    times = [
        time
        for time in clock_times(text)
        if not any(day.start < time.end and time.start < day.end for day in days)
    ]
    joined = _joined(text, days, times)
    used_days = {pair[0] for pair in joined}
    used_times = {pair[1] for pair in joined}
    for at_day, at_time in joined:
        day, time = days[at_day], times[at_time]
        assert day.day is not None
        moment = _at(day.day, time, day.part, now)
        confidence = round(min(day.confidence, time.confidence), 2)
        start, end = min(day.start, time.start), max(day.end, time.end)
        yield Span("datetime", start, end, _written(moment), confidence)
    for index, day in enumerate(days):
        if index in used_days:
            continue
        if day.moment is not None:
            yield Span("datetime", day.start, day.end, _written(day.moment), day.confidence)
        elif day.day is not None:
            yield Span("date", day.start, day.end, day.day.isoformat(), day.confidence)
    for index, time in enumerate(times):
        if index not in used_times:
            moment = _at(now.date(), time, None, now)
            if moment < now:
                moment = _at(now.date() + timedelta(days=1), time, None, now)
            yield Span("time", time.start, time.end, _written(moment), time.confidence)


def _joined(text: str, days: list[Day], times: list[ClockTime]) -> list[tuple[int, int]]:
    """Pairs of a day and a time that stand next to each other; each is used once."""
    pairs: list[tuple[int, int]] = []
    free = set(range(len(times)))
    for at_day, day in enumerate(days[:_MOST_SPANS]):
        if day.day is None:
            continue
        for at_time in sorted(free):
            time = times[at_time]
            if time.start - day.end > 14:
                break
            if time.start - day.end >= 0 and _DAY_TO_TIME.match(text[day.end : time.start]):
                joins = True
            else:
                gap = day.start - time.end
                joins = 0 <= gap <= 9 and _TIME_TO_DAY.match(text[time.end : day.start]) is not None
            if joins:
                pairs.append((at_day, at_time))
                free.discard(at_time)
                break
    return pairs


def _at(day: date, time: ClockTime, part: str | None, now: datetime) -> datetime:
    """The moment of a clock time on a day, in the zone of `now`; what DST skips moves forward."""
    hour = time.hour
    if time.ambiguous:
        hour = in_part(hour, part) if part is not None else likely_hour(hour)
        if part is None and hour < 12 and day == now.date() and (hour, time.minute) <= (
            now.hour, now.minute,
        ) < (hour + 12, time.minute):  # fmt: skip
            hour += 12
    zone = now.tzinfo
    local = datetime(day.year, day.month, day.day, hour, time.minute, time.second, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
