"""Whose lines a question asks for."""

from __future__ import annotations

import pytest

from colloquy.context.recall import Vocabulary
from colloquy.context.recall.query import ANSWERING, read_query, roles_meant
from support.two_people import NOW


@pytest.mark.parametrize(
    "text",
    [
        "what did I say about the balcony?", "what have I told you", "Was habe ich gesagt?",
        "qu'est-ce que j\u2019ai dit", "\u00bfqu\u00e9 dije?", "cosa ho detto",
    ],
)  # fmt: skip
def test_what_i_said(text: str) -> None:
    assert set(roles_meant(text, "visitor")) == {"visitor"}
    assert set(roles_meant(text, "agent")) == {"agent"}


@pytest.mark.parametrize(
    "text",
    [
        "What did you promise me?", "you said it ships on Monday", "was hast du mir versprochen",
        "qu'avez-vous promis", "qu\u00e9 me prometiste", "che cosa avete detto",
    ],
)  # fmt: skip
def test_what_you_said(text: str) -> None:
    assert set(roles_meant(text, "visitor")) == ANSWERING
    assert set(roles_meant(text, "human")) == {"visitor"}


@pytest.mark.parametrize("text", ["he said so", "has she said", "you said I said it", "my parcel"])
def test_nobody_is_meant(text: str) -> None:
    assert roles_meant(text, "visitor") == ()


def test_names_are_no_terms_and_no_months(vocabulary: Vocabulary) -> None:
    query = read_query("What did April's dog eat?", NOW, vocabulary, {"april": 4}, "visitor")
    assert query.speakers == {4}
    assert sorted(query.terms.values()) == ["dog", "eat"]
    assert query.times == []
    assert read_query("What was in April?", NOW, vocabulary, {}, "visitor").times != []


def test_two_names_tell_nothing(vocabulary: Vocabulary) -> None:
    names = {"ann": 0, "lee": 0, "ben": 1}
    both = read_query("Did Ann see Ben?", NOW, vocabulary, names, "visitor")
    one = read_query("Did Ann Lee see it?", NOW, vocabulary, names, "visitor")
    assert both.speakers == frozenset()
    assert one.speakers == {0}
