"""Phrases: exact, overlapping, misspelled, fed at run time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput
from colloquy.understanding.entities.dictionary import (
    Dictionary,
    Entry,
    distance,
)
from colloquy.understanding.entities.span import Circumstances

NOW = Circumstances(0)
DICTIONARY = Dictionary(
    [
        Entry("city", "Paris", ["Paris", "City of Light"]),
        Entry("city", "New York", ["New York", "NYC"]),
        Entry("food", "margherita", ["margherita pizza", "Margherita"]),
        Entry("pet", "cat", ["cat", "cat sit"]),
        Entry("name", "Paris", ["Paris"]),
    ]
)


def found(text: str, dictionary: Dictionary = DICTIONARY) -> list[tuple[str, str, object]]:
    return [
        (span.label, text[span.start : span.end], span.value) for span in dictionary.find(text, NOW)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to NYC!", [("city", "NYC", "New York")]),
        ("Paris", [("city", "Paris", "Paris"), ("name", "Paris", "Paris")]),
        ("a cat sitter", [("pet", "cat", "cat")]),
        ("comparison", []),
        ("the city of lihgt", [("city", "city of lihgt", "Paris")]),
        ("two margerita pizzas", [("food", "margerita pizzas", "margherita")]),
        ("one margarita pizza, now", [("food", "margarita pizza", "margherita")]),
        ("new yrok", []),  # words of four letters must be right
        ("haris", []),  # so must the first letter
        ("", []),
    ],
)
def test_found(text: str, expected: list[tuple[str, str, object]]) -> None:
    assert found(text) == expected


def test_misspelled_is_less_sure() -> None:
    one, two = DICTIONARY.find("Pariss, Paris"[:6], NOW)
    assert one.confidence == two.confidence == 0.85
    (twice,) = DICTIONARY.find("margarita", NOW)
    assert twice.confidence == 0.72


@given(st.text(max_size=60) | st.sampled_from(["İParis", "Pariss margarita cat sit", "parİs"]))
def test_spans_are_inside_the_text(text: str) -> None:
    for span in DICTIONARY.find(text, NOW):
        assert 0 <= span.start < span.end <= len(text)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance(first: str, second: str) -> None:
    far = distance(first, second, 20)
    assert far is not None
    assert far == distance(second, first, 20)
    assert (far == 0) == (first == second)
    assert abs(len(first) - len(second)) <= far <= max(len(first), len(second))
    if far:
        assert distance(first, second, far - 1) is None


def test_swapped_letters_are_one_edit() -> None:
    assert distance("paris", "pairs", 2) == 1


def test_update_replaces_and_refuses() -> None:
    dictionary = Dictionary([Entry("a", "x", ["first"])])
    with pytest.raises(InvalidInput) as caught:
        dictionary.update([Entry("b", "y", ["fine", "  "])])
    assert caught.value.field == "entities.b"
    assert found("first", dictionary) == [("a", "first", "x")]
    dictionary.update([Entry("b", "y", ["second"])])
    assert found("first second", dictionary) == [("b", "second", "y")]
    assert len(dictionary) == 1


def test_many_phrases() -> None:
    dictionary = Dictionary(Entry("n", str(at), [f"phrase{at:05d}"]) for at in range(3_000))
    assert found("phrase02999 phrase_", dictionary) == [("n", "phrase02999", "2999")]
