"""Durations, ages, repeats, intervals, summer time: values against a fixed clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.times import to_us
from colloquy.understanding.entities.durations import iso_of
from colloquy.understanding.entities.extract import EntityExtractor, Source
from colloquy.understanding.entities.other_dates import other_dates
from colloquy.understanding.entities.span import Circumstances

SATURDAY = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # 10:00 in New York, 16:00 in Berlin
EXTRACTOR = EntityExtractor()


def found(
    text: str,
    language: str | None = None,
    zone: str = "America/New_York",
    region: str = "US",
    now: datetime = SATURDAY,
) -> list[tuple[str, str, Any]]:
    source = Source(text, to_us(now), zone, region, language=language)
    (result,) = EXTRACTOR.extract_batch([source])
    assert result.failed == []
    return [(one.label, one.text, one.value) for one in result.entities]


def european(text: str, language: str) -> list[tuple[str, str, Any]]:
    return found(text, language, "Europe/Berlin", "DE")


@pytest.mark.parametrize(
    ("text", "span", "iso", "seconds"),
    [
        ("I waited 2 hours", "2 hours", "PT2H", 7_200),
        ("half an hour", "half an hour", "PT30M", 1_800),
        ("an hour and a half", "an hour and a half", "PT1H30M", 5_400),
        ("two and a half hours", "two and a half hours", "PT2H30M", 9_000),
        ("1.5 hours", "1.5 hours", "PT1H30M", 5_400),
        ("1 hour and 30 mins", "1 hour and 30 mins", "PT1H30M", 5_400),
        ("a couple of weeks", "a couple of weeks", "P2W", 1_209_600),
        ("for a week", "a week", "P1W", 604_800),
        ("twenty-five minutes", "twenty-five minutes", "PT25M", 1_500),
        ("1 week and 2 days", "1 week and 2 days", "P9D", 777_600),
        ("a year and a half", "a year and a half", "P18M", 46_656_000),
    ],
)
def test_durations(text: str, span: str, iso: str, seconds: int) -> None:
    assert found(text) == [("duration", span, {"iso": iso, "seconds": seconds})]


@pytest.mark.parametrize("text", ["twice a day", "once a week", "what a year", "day by day"])
def test_what_is_no_duration(text: str) -> None:
    assert "duration" not in [label for label, _, _ in found(text)]


def test_a_price_per_time_is_a_price() -> None:
    assert [label for label, _, _ in found("$20 an hour, $300 a week")] == ["money", "money"]


@given(st.dictionaries(st.sampled_from(["hour", "minute", "day"]), st.integers(1, 99), min_size=1))
def test_iso_names_every_unit(amounts: dict[str, int]) -> None:
    iso = iso_of({unit: Decimal(value) for unit, value in amounts.items()})
    for unit, letter in (("day", "D"), ("hour", "H"), ("minute", "M")):
        assert (f"{amounts[unit]}{letter}" in iso) if unit in amounts else letter not in iso


@pytest.mark.parametrize(
    ("text", "span", "years"),
    [
        ("I'm 34 years old", "34 years old", 34), ("my 6 yr old", "6 yr old", 6),
        ("a 45-year-old man", "45-year-old", 45), ("14yo", "14yo", 14), ("aged 30", "30", 30),
        ("one year old", "one year old", 1),
    ],
)  # fmt: skip
def test_ages(text: str, span: str, years: int) -> None:
    assert found(text) == [("age", span, {"value": years, "unit": "year"})]


def test_nobody_is_that_old() -> None:
    assert "age" not in [label for label, _, _ in found("a 300 year old house")]


@pytest.mark.parametrize(
    ("text", "span", "rule", "following"),
    [
        ("every monday at 9am", "every monday at 9am",
         "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", "2026-11-23T09:00:00-05:00"),
        ("every saturday at 9am", "every saturday at 9am",
         "FREQ=WEEKLY;BYDAY=SA;BYHOUR=9;BYMINUTE=0", "2026-11-28T09:00:00-05:00"),
        ("8pm every day", "8pm every day", "FREQ=DAILY;BYHOUR=20;BYMINUTE=0",
         "2026-11-21T20:00:00-05:00"),
        ("each tuesday and thursday", "each tuesday and thursday", "FREQ=WEEKLY;BYDAY=TU,TH",
         "2026-11-24"),
        ("weekly", "weekly", "FREQ=WEEKLY", "2026-11-28"),
        ("every other week", "every other week", "FREQ=WEEKLY;INTERVAL=2", "2026-12-05"),
        ("every 3 months", "every 3 months", "FREQ=MONTHLY;INTERVAL=3", "2027-02-21"),
        ("the 1st of every month", "1st of every month", "FREQ=MONTHLY;BYMONTHDAY=1",
         "2026-12-01"),
        ("the 31st of each month", "31st of each month", "FREQ=MONTHLY;BYMONTHDAY=31",
         "2026-12-31"),
        ("on mondays", "mondays", "FREQ=WEEKLY;BYDAY=MO", "2026-11-23"),
        ("weekdays", "weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-11-23"),
        ("every 10 minutes", "every 10 minutes", "FREQ=MINUTELY;INTERVAL=10",
         "2026-11-21T10:10:00-05:00"),
        ("yearly", "yearly", "FREQ=YEARLY", "2027-11-21"),
        ("every single night", "every single night", "FREQ=DAILY", "2026-11-22"),
        ("every evening at 8", "every evening at 8", "FREQ=DAILY;BYHOUR=20;BYMINUTE=0",
         "2026-11-21T20:00:00-05:00"),
    ],
)  # fmt: skip
def test_repeats(text: str, span: str, rule: str, following: str) -> None:
    assert found(text) == [("recurring", span, {"rule": rule, "next": following})]


@pytest.mark.parametrize(
    ("text", "span", "begin", "end"),
    [
        ("from 3 to 5 pm", "from 3 to 5 pm", "2026-11-21T15:00:00-05:00",
         "2026-11-21T17:00:00-05:00"),
        ("between 9 and 11 am", "between 9 and 11 am", "2026-11-22T09:00:00-05:00",
         "2026-11-22T11:00:00-05:00"),
        ("tomorrow from 2 to 4pm", "tomorrow from 2 to 4pm", "2026-11-22T14:00:00-05:00",
         "2026-11-22T16:00:00-05:00"),
        ("10pm to 2am", "10pm to 2am", "2026-11-21T22:00:00-05:00", "2026-11-22T02:00:00-05:00"),
        ("from 9 to 5", "from 9 to 5", "2026-11-22T09:00:00-05:00", "2026-11-22T17:00:00-05:00"),
        ("from 6 to 8", "from 6 to 8", "2026-11-21T18:00:00-05:00", "2026-11-21T20:00:00-05:00"),
        ("12-15 december", "12-15 december", "2026-12-12", "2026-12-15"),
        ("march 13th to 15th", "march 13th to 15th", "2027-03-13", "2027-03-15"),
        ("from monday to wednesday", "from monday to wednesday", "2026-11-23", "2026-11-25"),
        ("from the 28th to the 3rd", "from the 28th to the 3rd", "2026-11-28", "2026-12-03"),
        ("Dec 28 to Jan 3", "Dec 28 to Jan 3", "2026-12-28", "2027-01-03"),
        ("tuesday 8-10am", "tuesday 8-10am", "2026-11-24T08:00:00-05:00",
         "2026-11-24T10:00:00-05:00"),
        ("from 9-17:30 on monday", "from 9-17:30 on monday", "2026-11-23T09:00:00-05:00",
         "2026-11-23T17:30:00-05:00"),
        ("called Wednesday between 1pm and 3pm", "Wednesday between 1pm and 3pm",
         "2026-11-18T13:00:00-05:00", "2026-11-18T15:00:00-05:00"),
    ],
)  # fmt: skip
def test_intervals(text: str, span: str, begin: str, end: str) -> None:
    assert found(text) == [("interval", span, {"from": begin, "to": end})]


def test_a_time_that_bounds_a_repeat_is_not_its_own() -> None:
    labels = [(label, span) for label, span, _ in found("open until 8pm every day")]
    assert labels == [("time", "8pm"), ("recurring", "every day")]


def test_counts_are_no_intervals_of_time() -> None:
    labels = [label for label, _, _ in found("from 2 to 3 bedrooms")]
    assert labels == ["number", "quantity"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I paid on the 5th", "2026-11-05"), ("pay on the 5th", "2026-12-05"),
        ("we called Monday", "2026-11-16"), ("call Monday", "2026-11-23"),
        ("ordered it on November 3", "2026-11-03"), ("order by November 3", "2027-11-03"),
        ("I called to book for Monday", "2026-11-23"),
        ("charged me 12.99 eur on Nov 3", "2026-11-03"), ("was meant to come Friday", "2026-11-20"),
        ("the visit was scheduled for Friday", "2026-11-27"),
    ],
)  # fmt: skip
def test_what_has_happened_lies_in_the_past(text: str, day: str) -> None:
    assert [value for label, _, value in found(text) if label == "date"] == [day]


def test_summer_time() -> None:
    # New York skips 2:00 to 3:00 on 14 March 2027 and repeats 1:00 to 2:00 on 1 November 2026.
    spring = datetime(2027, 3, 13, 17, 0, tzinfo=UTC)
    autumn = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
    assert found("tomorrow at 2:30 am", now=spring)[0][2] == "2027-03-14T03:30:00-04:00"
    assert found("tomorrow at 3:00 am", now=spring)[0][2] == "2027-03-14T03:00:00-04:00"
    assert found("tomorrow at 1:30 am", now=autumn)[0][2] == "2026-11-01T01:30:00-04:00"
    assert found("tomorrow at 2:30 am", now=autumn)[0][2] == "2026-11-01T02:30:00-05:00"
    # An hour is an hour: what is counted from now crosses the gap.
    late = datetime(2027, 3, 14, 6, 30, tzinfo=UTC)
    assert found("in 1 hour", now=late)[0][2] == "2027-03-14T03:30:00-04:00"
    # A day of 23 hours is still the next day.
    assert found("tomorrow at 9am", now=spring)[0][2] == "2027-03-14T09:00:00-04:00"
    (every,) = found("every day at 2:30 am", now=spring)
    assert every[2]["next"] == "2027-03-14T03:30:00-04:00"


@given(
    st.integers(0, 366 * 24),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_moments_are_after_now_and_on_the_clock(hours: int, zone: str) -> None:
    now = SATURDAY + timedelta(hours=hours)
    (label, _, value) = found("at 8:15 pm", zone=zone, now=now)[0]
    moment = datetime.fromisoformat(value)
    assert label == "time"
    assert (moment.hour, moment.minute) == (20, 15)
    assert timedelta(0) <= moment - now <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("language", "text", "label", "span", "value"),
    [
        ("de", "morgen um 15 Uhr", "datetime", "morgen um 15 Uhr", "2026-11-22T15:00:00+01:00"),
        ("de", "am nächsten Montag um halb zehn", "datetime", "nächsten Montag um halb zehn",
         "2026-11-23T09:30:00+01:00"),
        ("de", "übermorgen", "date", "übermorgen", "2026-11-23"),
        ("de", "vor drei Tagen", "date", "vor drei Tagen", "2026-11-18"),
        ("de", "um viertel vor acht abends", "time", "viertel vor acht abends",
         "2026-11-21T19:45:00+01:00"),
        ("de", "1. Dezember 2027", "date", "1. Dezember 2027", "2027-12-01"),
        ("de", "15.03.", "date", "15.03.", "2027-03-15"),
        ("fr", "demain à 14h30", "datetime", "demain à 14h30", "2026-11-22T14:30:00+01:00"),
        ("fr", "lundi prochain", "date", "lundi prochain", "2026-11-23"),
        ("fr", "il y a deux semaines", "date", "il y a deux semaines", "2026-11-07"),
        ("fr", "le 1er janvier", "date", "1er janvier", "2027-01-01"),
        ("fr", "demain soir à 8 heures", "datetime", "demain soir à 8 heures",
         "2026-11-22T20:00:00+01:00"),
        ("es", "mañana a las 5 de la tarde", "datetime", "mañana a las 5 de la tarde",
         "2026-11-22T17:00:00+01:00"),
        ("es", "el próximo viernes", "date", "próximo viernes", "2026-11-27"),
        ("es", "a las seis y media de la mañana", "time", "seis y media de la mañana",
         "2026-11-22T06:30:00+01:00"),
        ("es", "hace 2 días", "date", "hace 2 días", "2026-11-19"),
        ("es", "15 de enero de 2028", "date", "15 de enero de 2028", "2028-01-15"),
        ("it", "domani alle 18", "datetime", "domani alle 18", "2026-11-22T18:00:00+01:00"),
        ("it", "lunedì prossimo", "date", "lunedì prossimo", "2026-11-23"),
        ("it", "lunedi prossimo", "date", "lunedi prossimo", "2026-11-23"),
        ("it", "due giorni fa", "date", "due giorni fa", "2026-11-19"),
        ("it", "tra tre settimane", "date", "tra tre settimane", "2026-12-12"),
        ("pt", "amanhã às 15h", "datetime", "amanhã às 15h", "2026-11-22T15:00:00+01:00"),
        ("pt", "daqui a 2 dias", "date", "daqui a 2 dias", "2026-11-23"),
        ("de", "jeden Freitag", "recurring", "jeden Freitag",
         {"rule": "FREQ=WEEKLY;BYDAY=FR", "next": "2026-11-27"}),
        ("fr", "tous les lundis", "recurring", "tous les lundis",
         {"rule": "FREQ=WEEKLY;BYDAY=MO", "next": "2026-11-23"}),
        ("es", "cada dos semanas", "recurring", "cada dos semanas",
         {"rule": "FREQ=WEEKLY;INTERVAL=2", "next": "2026-12-05"}),
        ("it", "ogni martedì alle 9", "recurring", "ogni martedì alle 9",
         {"rule": "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;BYMINUTE=0",
          "next": "2026-11-24T09:00:00+01:00"}),
        ("de", "eine halbe Stunde", "duration", "eine halbe Stunde",
         {"iso": "PT30M", "seconds": 1_800}),
        ("fr", "trois jours", "duration", "trois jours", {"iso": "P3D", "seconds": 259_200}),
        ("es", "dos semanas", "duration", "dos semanas", {"iso": "P2W", "seconds": 1_209_600}),
        ("it", "sei mesi", "duration", "sei mesi", {"iso": "P6M", "seconds": 15_552_000}),
        ("de", "zwei Personen", "quantity", "zwei Personen", {"value": 2, "unit": "person"}),
        ("de", "1.200,5 qm", "quantity", "1.200,5 qm", {"value": 1200.5, "unit": "square_metre"}),
        ("fr", "deux chambres", "quantity", "deux chambres", {"value": 2, "unit": "bedroom"}),
        ("es", "tengo 40 años", "age", "40 años", {"value": 40, "unit": "year"}),
        ("de", "34 Jahre alt", "age", "34 Jahre alt", {"value": 34, "unit": "year"}),
        ("de", "von 9 bis 11 Uhr", "interval", "von 9 bis 11 Uhr",
         {"from": "2026-11-22T09:00:00+01:00", "to": "2026-11-22T11:00:00+01:00"}),
        ("fr", "payé le 5, merci", "date", "5", "2026-11-05"),
        ("it", "il 5 alle 9", "datetime", "5 alle 9", "2026-12-05T09:00:00+01:00"),
        ("de", "ich zahle am 5.", "date", "5.", "2026-12-05"),
        ("fr", "entre midi et deux", "interval", "entre midi et deux",
         {"from": "2026-11-22T12:00:00+01:00", "to": "2026-11-22T14:00:00+01:00"}),
        ("es", "entre las 9 y las 11", "interval", "entre las 9 y las 11",
         {"from": "2026-11-22T09:00:00+01:00", "to": "2026-11-22T11:00:00+01:00"}),
        ("fr", "à 10h", "time", "10h", "2026-11-22T10:00:00+01:00"),
        ("fr", "à 8h du soir", "time", "8h du soir", "2026-11-21T20:00:00+01:00"),
        ("es", "pagué el 2 de noviembre", "date", "2 de noviembre", "2026-11-02"),
        ("de", "am 2. November bezahlt", "date", "2. November", "2026-11-02"),
        ("de", "am 2. November kommt er", "date", "2. November", "2027-11-02"),
        ("fr", "du 12 au 15 juin", "interval", "du 12 au 15 juin",
         {"from": "2027-06-12", "to": "2027-06-15"}),
    ],
)  # fmt: skip
def test_other_languages(language: str, text: str, label: str, span: str, value: Any) -> None:
    assert european(text, language) == [(label, span, value)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Guten Morgen"), ("es", "por la mañana"), ("fr", "Mon appartement"),
        ("it", "alle persone"),
    ],
)  # fmt: skip
def test_words_that_only_look_like_times(language: str, text: str) -> None:
    assert european(text, language) == []


def test_a_known_language_keeps_the_others_away() -> None:
    assert [label for label, _, _ in found("tres noches", "es")] == ["quantity"]
    assert found("tres noches", "en") == []


def test_the_month_comes_first_only_in_english() -> None:
    assert found("3/4/2027")[0][2] == "2027-03-04"
    assert found("3/4/2027", "en")[0][2] == "2027-03-04"
    assert found("3/4/2027", "es")[0][2] == "2027-04-03"


def test_languages_without_a_grammar() -> None:
    pytest.importorskip("dateparser")
    assert found("ik kom op 15 stycznia", "pl") == [("date", "15 stycznia", "2027-01-15")]
    where = Circumstances(to_us(SATURDAY), language="pl")
    assert list(other_dates("mamy 12 domów", where)) == []
    assert list(other_dates("15 stycznia", where._replace(language="xx"))) == []
    assert list(other_dates("15 stycznia", where._replace(language="en"))) == []
