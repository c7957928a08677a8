"""Words and queries: whatever is typed is data to the database, and folding is the same twice."""

from __future__ import annotations

import re

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from colloquy.storage import schema
from colloquy.storage.search import (
    MAX_QUERY_WORDS,
    MAX_WORD,
    match_of,
    query_words,
    words_of,
)


@pytest.fixture(scope="module")
def index() -> apsw.Connection:
    """The full-text table of a fresh database, with one text in it."""
    connection = apsw.Connection(":memory:")
    for statement in schema.statements(schema.fresh("sqlite")):
        connection.execute(statement).fetchall()
    words = " ".join(words_of("Is the flat on Main Street free?"))
    connection.execute("INSERT INTO search (rowid, words) VALUES (7, ?)", (words,))
    return connection


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zürich, ZU\u0308RICH zurich", ["zurich"]),
        ("Straße STRASSE", ["strasse"]),
        ("mia@example.com", ["mia", "example", "com"]),
        ("+49 170 123", ["49", "170", "123"]),
        ("snake_case", ["snake", "case"]),
        ("ﬁne ℡", ["fine", "tel"]),
        ("Привет мир", ["привет", "мир"]),
        ("🦊 \0 ''\"\"*:&|!()", []),
        ("x" * 500, ["x" * MAX_WORD]),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
@example("İstanbul ͅ ß ﬃ")
def test_folding_twice_changes_nothing(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words


@given(st.text(max_size=300))
@example('" OR words:* NEAR(a b, 1) -x ^y {z}')
@example("' | !a <-> b:*A \\")
@example("\0\0")
def test_nothing_that_is_typed_has_a_meaning_in_the_query(
    index: apsw.Connection, text: str
) -> None:
    words = query_words(text)
    assert len(words) <= MAX_QUERY_WORDS
    assert re.fullmatch(r"('[^\W_]+':\*( & (?!$)|$))*", match_of(words, "postgresql"))
    if words:
        match = match_of(words, "sqlite")
        found = index.execute("SELECT rowid FROM search WHERE search MATCH ?", (match,)).fetchall()
        said = ["is", "the", "flat", "on", "main", "street", "free"]
        hit = all(any(known.startswith(word) for known in said) for word in words)
        assert found == ([(7,)] if hit else [])


def test_each_word_is_the_beginning_of_one_that_was_said(index: apsw.Connection) -> None:
    def hits(query: str) -> int:
        match = match_of(query_words(query), "sqlite")
        return len(
            index.execute("SELECT rowid FROM search WHERE search MATCH ?", (match,)).fetchall()
        )

    assert hits("MAIN stre") == 1
    assert hits("street main f") == 1
    assert hits("main treet") == 0
    assert hits("main garage") == 0


def test_a_very_long_query_is_cut() -> None:
    assert len(query_words("word " * 2000 + "x" * 10_000)) == 1
    assert len(query_words(" ".join(map(str, range(10_000))))) == MAX_QUERY_WORDS
