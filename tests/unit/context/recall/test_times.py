"""The times that questions name, in six languages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from colloquy.context.recall.days import CLOSE, LOOSE, WHOLE, day_of
from colloquy.context.recall.times import times_in
from support.two_people import at

NOW = at("2026-11-18T12:00")
"""A Wednesday."""


def named(text: str) -> list[tuple[str, str, float]]:
    epoch = date(1970, 1, 1)
    return [
        (str(epoch + timedelta(first)), str(epoch + timedelta(last)), weight)
        for first, last, weight in times_in(text, NOW)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "on 3 May 2025", "May 3, 2025", "the 3rd of May 2025", "am 3. Mai 2025", "le 3 mai 2025",
        "el 3 de mayo de 2025", "il 3 maggio 2025", "2025-05-03", "03.05.2025",
    ],
)  # fmt: skip
def test_a_day_is_meant_with_those_around_it_and_its_month(text: str) -> None:
    assert named(text) == [
        ("2025-04-30", "2025-05-06", WHOLE),
        ("2025-05-01", "2025-05-31", CLOSE),
    ]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("what did we say in May?", "2026-05-01", "2026-05-31"),
        ("in december", "2025-12-01", "2025-12-31"),
        ("in February 2024", "2024-02-01", "2024-02-29"),
        ("im März", "2026-03-01", "2026-03-31"),
        ("en août", "2026-08-01", "2026-08-31"),
        ("en mai", "2026-05-01", "2026-05-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("hace dos meses", "2026-09-01", "2026-09-30"),
    ],
)
def test_a_month_is_the_last_one_unless_its_year_is_said(text: str, first: str, last: str) -> None:
    assert named(text) == [(first, last, CLOSE)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("yesterday", "2026-11-17", "2026-11-17"),
        ("gestern", "2026-11-17", "2026-11-17"),
        ("hier", "2026-11-17", "2026-11-17"),
        ("ayer", "2026-11-17", "2026-11-17"),
        ("ieri", "2026-11-17", "2026-11-17"),
        ("this morning", "2026-11-18", "2026-11-18"),
        ("the day before yesterday", "2026-11-16", "2026-11-16"),
        ("vorgestern", "2026-11-16", "2026-11-16"),
        ("on Monday", "2026-11-16", "2026-11-16"),
        ("on Wednesday", "2026-11-11", "2026-11-11"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("letzte Woche", "2026-11-09", "2026-11-15"),
        ("la semaine dernière", "2026-11-09", "2026-11-15"),
        ("la semana pasada", "2026-11-09", "2026-11-15"),
        ("la settimana scorsa", "2026-11-09", "2026-11-15"),
        ("two weeks ago", "2026-11-02", "2026-11-08"),
        ("vor zwei Wochen", "2026-11-02", "2026-11-08"),
        ("il y a 3 jours", "2026-11-15", "2026-11-15"),
        ("tre giorni fa", "2026-11-15", "2026-11-15"),
    ],
)
def test_days_and_weeks_relative_to_now(text: str, first: str, last: str) -> None:
    assert named(text) == [(first, last, WHOLE)]


def test_years() -> None:
    assert named("in 2024") == [("2024-01-01", "2024-12-31", LOOSE)]
    assert named("31 April 2024") == [("2024-01-01", "2024-12-31", LOOSE)]
    assert named("999 years ago") == [("1027-01-01", "1027-12-31", LOOSE)]
    assert named("last year") == [("2025-01-01", "2025-12-31", LOOSE)]


def test_a_written_day_that_can_be_read_in_two_ways_is_read_in_both() -> None:
    whole = [(first, last) for first, last, weight in named("3/4/2026") if weight == WHOLE]
    assert whole == [("2026-03-31", "2026-04-06"), ("2026-03-01", "2026-03-07")]


@pytest.mark.parametrize(
    "text",
    [
        "May I ask something?", "we march on", "Jan said so", "set it up", "31 April",
        "2026-02-30", "12 puppies", "3000 years ago", "0.2024", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert named(text) == []


def test_the_day_of_a_moment() -> None:
    assert day_of(at("1970-01-02T23:59")) == 1
    assert day_of(-1) == -1
