"""Moments in the sender's zone: what days, clock times and repeats are computed with."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ...model.times import to_datetime
from .span import Circumstances

LAST_YEAR = 9_000
"""Later days are none: near the year 9999 Python's datetime overflows in other zones."""
_LAST_US = (LAST_YEAR - 2_000) * 31_556_952_000_000


@lru_cache(maxsize=1_024)
def zone_of(name: str | None) -> tzinfo:
    """The zone, UTC for None and for names nobody knows."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def now_of(circumstances: Circumstances) -> datetime:
    """When the text was written, in its zone."""
    # A clock that is out of range is somebody's error; the text still has its days.
    at_us = min(max(circumstances.at_us, 0), _LAST_US)
    return to_datetime(at_us).astimezone(zone_of(circumstances.time_zone))


def at_clock(day: date, hour: int, minute: int, second: int, now: datetime) -> datetime:
    """That time of that day in the zone of `now`.

    A time that summer time skips is as much later as was skipped (2:30 is 3:30); of one that comes
    twice in autumn the first is meant.
    """
    zone = now.tzinfo
    local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)


def written(moment: datetime) -> str:
    """RFC 3339 with the zone's offset, in seconds."""
    return moment.isoformat(timespec="seconds")


def add_months(day: date, months: int) -> date:
    """The same day that many months on, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_of(month: date) -> int:
    """How many days its month has."""
    return monthrange(month.year, month.month)[1]


def in_year(month: int, day: int, year: str | None, today: date, past: bool = False) -> date:
    """The day in that year, or the next one from today on (the last one, if `past`).

    29 February waits for a leap year.

    Raises ValueError for a day that is none.
    """
    if year is not None:
        number = int(year)
        return date(number + 2000 if len(year) == 2 else number, month, day)
    for step in range(9):
        number = today.year - step if past else today.year + step
        if day <= monthrange(number, month)[1]:
            found = date(number, month, day)
            if found <= today if past else found >= today:
                return found
    raise ValueError("no such day")


def weekday_of(today: date, weekday: int, which: str) -> date:
    """That weekday (Monday is 0): the next after today; "this", "next", "last" as in `dates`."""
    ahead = (weekday - today.weekday()) % 7
    if which == "next":
        return today + timedelta(days=7 - today.weekday() + weekday)
    if which in ("last", "past"):
        return today - timedelta(days=7 - ahead if ahead else 7)
    if which == "this":
        return today + timedelta(days=ahead)
    return today + timedelta(days=ahead or 7)


def day_of_month(day: int, which: str | None, today: date, past: bool = False) -> date:
    """The next such day from today on (the last one, if `past`), or that of "next", "this" or
    "the" month.

    Raises ValueError when there is none.
    """
    if which == "next":
        first = add_months(today.replace(day=1), 1)
        return first.replace(day=day)
    for step in range(3):
        first = add_months(today.replace(day=1), -step if past else step)
        if day <= monthrange(first.year, first.month)[1]:
            found = first.replace(day=day)
            if which in ("this", "the") or (found <= today if past else found >= today):
                return found
    raise ValueError("no such day")


def day_on_weekday(day: int, weekday: int, today: date) -> date:
    """ "Friday the 29th": the next 29th that is a Friday, within a year; else the next 29th."""
    for step in range(12):
        first = add_months(today.replace(day=1), step)
        if day <= monthrange(first.year, first.month)[1]:
            found = first.replace(day=day)
            if found >= today and found.weekday() == weekday:
                return found
    return day_of_month(day, None, today)
