"""Numbers, ordinals, per cent, and how countries write them."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.understanding.entities.extract import EntityExtractor, Source

EXTRACTOR = EntityExtractor()


def found(text: str, region: str | None = None, language: str | None = None) -> list[Any]:
    (result,) = EXTRACTOR.extract_batch([Source(text, 0, None, region, language=language)])
    return [(one.label, one.text, one.value) for one in result.entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I have 3 questions", [("number", "3", 3)]),
        ("two", [("number", "two", 2)]),
        ("Twenty-five.", [("number", "Twenty-five", 25)]),
        ("the 2nd time", [("ordinal", "2nd", 2)]),
        ("my third message", [("ordinal", "third", 3)]),
        ("3.5% more", [("percentage", "3.5%", 3.5)]),
        ("fifty percent", [("percentage", "fifty percent", 50)]),
        ("-5 %", [("percentage", "-5 %", -5)]),
        ("charged 3 times", [("quantity", "3 times", {"value": 3, "unit": "time"})]),
    ],
)
def test_counts(text: str, expected: list[Any]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text", ["open 24/7", "unit 4B", "at first", "first of all", "a second", "one of them", "B2B"]
)
def test_what_is_no_count(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "region", "language", "value"),
    [
        ("1,234.56 kg", None, None, 1234.56),
        ("1.234,56 kg", None, None, 1234.56),
        ("1.234 km", "DE", "de", 1234),
        ("1.234 km", "US", "en", 1.234),
        ("1,234 km", "US", "en", 1234),
        ("1,234 km", "DE", "de", 1.234),
        ("1.234 km", None, None, 1234),
        ("1'234 km", "CH", "de", 1234),
        ("2,5 km", "US", "en", 2.5),
        ("1 234 km", "FR", "fr", 1234),
        ("٣ km", None, None, 3),
    ],
)
def test_numbers_by_country(
    text: str, region: str | None, language: str | None, value: float
) -> None:
    (quantity,) = found(text, region, language)
    assert quantity[2]["value"] == value


def test_money_has_no_thousandths() -> None:
    for region, language in (("US", "en"), ("DE", "de")):
        (money,) = found("1.234 €", region, language)
        assert money[2] == {"amount": "1234.00", "currency": "EUR"}
