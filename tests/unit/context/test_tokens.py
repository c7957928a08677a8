"""The offline count of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.tokens import EstimatedTokens

COUNTER = EstimatedTokens()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("Hello", 1, 2),
        # What a byte-pair tokenizer (Tekken) says, and a third around it.
        ("I would like to book a table for two people tomorrow evening.", 12, 17),
        ("12345", 3, 5),
        ("不知道你们的", 3, 7),
        ("😀", 1, 4),
        ("привет как дела", 4, 9),
        ("https://example.com/a/b?c=1", 9, 16),
        ("a1b2c3d4e5f60718", 11, 18),
        ("...", 1, 1),
    ],
)
def test_estimate(text: str, low: int, high: int) -> None:
    assert low <= COUNTER.count(text) <= high


def test_unknown_words_grow_with_their_length() -> None:
    assert COUNTER.count("Donaudampfschifffahrtsgesellschaft") >= 8


def test_blanks_cost_nothing() -> None:
    assert COUNTER.count("  \n\t ") == 0


@given(st.text(), st.text())
def test_two_texts_cost_what_they_cost_apart(one: str, other: str) -> None:
    assert COUNTER.count(f"{one} {other}") == COUNTER.count(one) + COUNTER.count(other)


@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_something_costs_something(text: str) -> None:
    assert COUNTER.count(text) >= 1
