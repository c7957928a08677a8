"""Two sentences about the same that cannot both be so."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.context.validation.contradictions import contradictions
from colloquy.context.validation.rule import view_of
from support.contexts import NOON, context_of, known, said


def found(first: str, second: str, *, days: int = 0, **fields: Any) -> list[str]:
    """What is wrong with the second."""
    later = f"2026-06-{1 + days:02}T13:00:00.000000Z"
    context = context_of(said(1, first), said(2, second, at=later, **fields))
    return [one.message for one in contradictions(view_of(context, NOON, None, ()))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The rent is 940 euros.", "Hello. The rent is 980 euros!"),
        ("The rent of the flat: 940", "The rent of the flat: 1,040"),
        ("There are two bedrooms on the third floor.", "There are six bedrooms on the third floor"),
        ("The viewing of the flat is on 3 May.", "The viewing of the flat is on 4 May."),
        ("The viewing takes place on Tuesday.", "The viewing takes place on Friday."),
        ("The viewing starts at 10:00.", "The viewing starts at 11:30."),
        ("Die Miete der Wohnung beträgt 940 Euro.", "Die Miete der Wohnung beträgt 980 Euro."),
        ("The flat has a balcony.", "The flat has no balcony."),
        ("The landlord doesn't allow dogs.", "The landlord allows dogs."),
        ("Der Vermieter erlaubt keine Hunde.", "Der Vermieter erlaubt Hunde."),
    ],
)
def test_a_contradiction(first: str, second: str) -> None:
    assert len(found(first, second)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The rent is 940 euros.", "The rent is 940 euros, as I said."),
        ("The rent is 940 euros.", "The deposit is 1880 euros."),
        ("The rent is 940 euros.", "Is the rent 980 euros?"),
        ("The rent is not 980 euros.", "The rent is 940 euros."),
        ("I have 2 cats.", "We have 3 cats."),
        ("No.", "Yes."),
        ("Not today.", "Today."),
        ("The flat has a balcony.", "The house has no balcony."),
        ("", "…"),
    ],
)
def test_no_contradiction(first: str, second: str) -> None:
    assert found(first, second) == []


def test_each_speaks_of_themselves() -> None:
    assert found("My budget for rent is 900.", "My budget for rent is 950.")
    assert not found("My budget for rent is 900.", "My budget for rent is 950.", role="human")
    assert found("The budget for rent is 900.", "The budget for rent is 950.", role="human")


def test_days_of_the_week_count_within_one_week() -> None:
    first, second = "The viewing takes place on Tuesday.", "The viewing takes place on Friday."
    assert found(first, second, days=1)
    assert not found(first, second, days=9)


def test_one_who_corrects_themselves_within_a_line_does_not_contradict() -> None:
    context = context_of(said(1, "The rent is 940 euros. Sorry: the rent is 980 euros."))
    assert not list(contradictions(view_of(context, NOON, None, ())))


def test_both_sources_are_named_and_who_is_named_by_a_number_is_not() -> None:
    items = [
        known("The phone number of the office is 555 0199 321.", "fact:a|phone"),
        said(2, "The phone number of the office is 555 0199 999."),
        said(3, "The door code is 4711."),
        said(4, "The door code is 4712."),
    ]
    checked = view_of(context_of(*items), NOON, None, ())
    assert list(contradictions(checked)) == [("says 4712, and event:3 says 4711", "event:4")]


def test_odd_texts_do_no_harm() -> None:
    texts = ["\ud800", "is 5" * 3000, "." * 9000, "9" * 9000, "not " * 2000, "é" * 5000]
    items = [said(seq, text, at="yesterday") for seq, text in enumerate(texts, 1)]
    assert list(contradictions(view_of(context_of(*items), NOON, None, ()))) == []
