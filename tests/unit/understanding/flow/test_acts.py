"""Dialogue acts: what a message is for, in five languages, whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.understanding import ACTS
from colloquy.understanding.flow.acts import act_of, acts_of
from colloquy.understanding.intent import tokens_of


@pytest.mark.parametrize(
    ("text", "act", "asks"),
    [
        ("Hello", "greet", False),
        ("good evening", "greet", False),
        ("Hallo, ist die Wohnung noch frei?", "question", True),
        ("thanks a lot!", "thank", False),
        ("Danke, und wo ist der Schlüssel?", "question", True),
        ("thanks, can you send me the contract?", "request", True),
        ("Yes, that works", "confirm", False),
        ("no, I don't want that", "reject", False),
        ("I called yesterday", "inform", False),
        ("When I called, nobody answered", "inform", False),
        ("what time do you open", "question", True),
        ("do you have a car park", "question", True),
        ("Have a nice day", "goodbye", False),
        ("Tschüss", "goodbye", False),
        ("book a table for two", "request", False),
        ("Je voudrais un rendez-vous", "request", False),
        ("Vorrei prenotare un tavolo", "request", False),
        ("¿Cuánto cuesta?", "question", True),
        ("Dove posso parcheggiare", "question", True),
        ("I'm so sorry for the delay", "apologize", False),
        ("the heating is still not working, this is unacceptable", "complain", False),
        ("", "inform", False),
    ],
)
def test_what_a_message_is_for(text: str, act: str, asks: bool) -> None:
    found = act_of(tokens_of(text))
    assert (found.act, found.asks) == (act, asks)


def test_what_is_bad_news_in_plain_words_complains() -> None:
    words = tokens_of("the room was a nightmare")
    assert act_of(words, 0.0).act == "inform"
    assert act_of(words, -0.8).act == "complain"


@given(st.lists(st.tuples(st.text(max_size=60), st.floats(-1, 1)), max_size=8))
def test_each_text_is_judged_as_if_it_were_alone(texts: list[tuple[str, float]]) -> None:
    words = [tokens_of(text) for text, _ in texts]
    moods = [mood for _, mood in texts]
    found = acts_of(words, moods)
    assert found == [act_of(one, mood) for one, mood in zip(words, moods, strict=True)]
    assert acts_of(words[::-1], moods[::-1]) == found[::-1]
    assert all(one.act in ACTS for one in found)
