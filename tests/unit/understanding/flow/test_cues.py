"""Cues: stems of what a message is about, and its entities by name and value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.understanding import Emotion, Entity, Understanding
from colloquy.understanding.flow.cues import MAX_TOPIC, cues_of, cues_of_text, topic_of
from colloquy.understanding.flow.words import LONGEST_STEM, stem
from colloquy.understanding.intent import tokens_of


def test_forms_of_a_word_have_one_stem() -> None:
    for forms in (
        ("flat", "flats"), ("book", "booked", "booking", "books"), ("plan", "planned", "planning"),
        ("Wohnung", "Wohnungen"), ("appartement", "appartements"), ("ragazzo", "ragazzi"),
        ("casa", "casas"), ("Schlüssel", "schlussel"), ("story", "stories"),
    ):  # fmt: skip
        assert len({stem(form) for form in forms}) == 1, forms


def test_words_without_content_have_no_stem() -> None:
    assert [stem(word) for word in ("the", "und", "très", "para", "perché", "WHAT")] == [""] * 6


def test_a_reference_stays_whole() -> None:
    assert stem("AB12345678") == "ab12345678"


def test_the_topic_are_the_longest_words_and_no_number() -> None:
    words = tokens_of("Is the flat with 3 rooms in the Rosenweg still available?")
    assert topic_of(words) == ["availabl", "rosenweg", "room", "flat"]


def test_cues_take_over_what_was_understood() -> None:
    found = Understanding(
        intent="book",
        polarity=-0.4,
        urgent=True,
        emotion=Emotion(label="anger", intensity=0.7),
        entities=[
            Entity("unit", 0, 2, "4B"),
            Entity("money", 3, 8, "5 EUR", value={"currency": "EUR", "amount": 5}),
            Entity("address", 9, 60, "x" * 80),
        ],
    )
    cues = cues_of(tokens_of("can you book 4B"), found)
    assert (cues.act, cues.asks, cues.intent, cues.urgent) == ("request", True, "book", True)
    assert (cues.emotion, cues.intensity, cues.polarity, cues.words) == ("anger", 0.7, -0.4, 4)
    assert cues.entities[:2] == ["unit:4b", "money:5/EUR"]
    assert len(cues.entities[2]) < 40


def test_long_values_that_begin_alike_stay_apart() -> None:
    one, other = (
        cues_of([], Understanding(entities=[Entity("address", 0, 1, "y" * 60 + end)])).entities
        for end in ("a", "b")
    )
    assert one != other


def test_what_was_trained_to_know_acts_decides() -> None:
    assert cues_of(["hello"], Understanding(act="complain")).act == "complain"


@given(st.text(max_size=300))
def test_any_text_has_bounded_cues(text: str) -> None:
    cues = cues_of_text(text)
    assert len(cues.topic) <= MAX_TOPIC
    assert len(set(cues.topic)) == len(cues.topic)
    assert all(len(name) <= LONGEST_STEM or not name.isalpha() for name in cues.topic)
