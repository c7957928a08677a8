"""Polarity and urgency: signs and orderings rather than exact figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding.intent import tokens_of
from colloquy.understanding.polarity import EMOJI, EMOJI_WEIGHT, LEXICON, is_urgent, polarity_of


def polarity(text: str) -> float:
    return polarity_of(text, tokens_of(text))


def urgent(text: str) -> bool:
    return is_urgent(text, tokens_of(text))


@pytest.mark.parametrize(
    "text",
    ["I love it!", "great, thanks", "not bad", "😍", "perfect :)", "it isn’t bad at all", "👍"],
)
def test_good(text: str) -> None:
    assert polarity(text) > 0


@pytest.mark.parametrize(
    "text",
    [
        "this is terrible",
        "I am not happy",
        "not a very good flat",
        "😡",
        "don’t like it",
        "I am feeling frustrated",
        "nice, but the bathroom is dirty and broken",
        "sad :(",
    ],
)
def test_bad(text: str) -> None:
    assert polarity(text) < 0


@pytest.mark.parametrize(
    "text", ["", "the flat has two rooms", "see http://x.org", "\u0000", "12:30"]
)
def test_neutral(text: str) -> None:
    assert polarity(text) == 0


def test_degrees() -> None:
    assert polarity("good") < polarity("very good") < polarity("very good!!!")
    assert polarity("slightly bad") > polarity("bad") > polarity("extremely bad")
    assert polarity("bad") < polarity("not good") < polarity("good")


def test_an_emoji_counts_half_more_than_a_word_of_its_strength() -> None:
    word = next(word for word, strength in LEXICON.items() if strength == 2.0)
    symbol = next(symbol for symbol, strength in EMOJI.items() if strength == 2.0)
    three_words, two_symbols = " ".join([word] * 3), symbol * 2
    assert EMOJI_WEIGHT == 1.5
    assert polarity(two_symbols) == polarity(three_words)


@given(st.text(max_size=200))
def test_bounds(text: str) -> None:
    assert -1 <= polarity(text) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "this is URGENT",
        "asap please",
        "there is a gas leak",
        "I am locked out",
        "call me right now",
        "WHERE IS MY REFUND!!!",
        "not urgent for the lamp, but the burst pipe is an emergency",
        "I can't wait any longer",
    ],
)
def test_urgent(text: str) -> None:
    assert urgent(text)


@pytest.mark.parametrize(
    "text",
    [
        "it's not urgent",
        "no rush",
        "there is no emergency",
        "who is my emergency contact",
        "can't wait to see it!",
        "OK!!",
        "wait for me",
        "hello",
        "",
    ],
)
def test_not_urgent(text: str) -> None:
    assert not urgent(text)
