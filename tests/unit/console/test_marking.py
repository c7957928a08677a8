"""Entities marked in a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colloquy.console.marking import MAX_VALUE, Label, Piece, mark, value_text
from colloquy.model.understanding import Entity

texts = st.text(st.characters(codec="utf-8"), max_size=30)
spans = st.tuples(st.integers(-5, 40), st.integers(-5, 40))


def entities_of(text: str, found: list[tuple[int, int]]) -> list[Entity]:
    return [
        Entity(f"label {number}", start, end, text[max(start, 0) : max(end, 0)])
        for number, (start, end) in enumerate(found)
    ]


@given(texts, st.lists(spans, max_size=6))
def test_every_character_is_covered_by_the_entities_around_it(
    text: str, found: list[tuple[int, int]]
) -> None:
    pieces = mark(text, entities_of(text, found))
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    depths = [piece.depth for piece in pieces for _ in piece.text]
    assert depths == [
        sum(start <= place < end for start, end in found) for place in range(len(text))
    ]


@given(texts, st.lists(spans, max_size=6))
def test_every_entity_is_named_once_where_it_ends(text: str, found: list[tuple[int, int]]) -> None:
    entities = entities_of(text, found)
    seen: list[tuple[str, int]] = []
    place = 0
    for piece in mark(text, entities):
        place += len(piece.text)
        seen += [(label.name, place) for label in piece.ends]
    assert sorted(seen) == sorted(
        (entity.label, min(entity.end, len(text)))
        for entity in entities
        if max(entity.start, 0) < min(entity.end, len(text))
    )


def test_astral_characters_count_as_one() -> None:
    text = "👩🏽‍🚀 wants 𝟚 rooms"
    start = text.index("𝟚")
    assert mark(text, [Entity("quantity", start, start + 7, "𝟚 rooms", 2)]) == [
        Piece("👩🏽‍🚀 wants "),
        Piece("𝟚 rooms", 1, (Label("quantity", "2"),)),
    ]


def test_what_overlaps_is_cut_at_every_edge() -> None:
    text = "Monday at noon in Rome"
    pieces = mark(
        text,
        [
            Entity("datetime", 0, 14, "Monday at noon", "2026-11-23T12:00:00Z"),
            Entity("time_of_day", 10, 14, "noon", "noon"),
        ],
    )
    assert [(piece.text, piece.depth) for piece in pieces] == [
        ("Monday at ", 1),
        ("noon", 2),
        (" in Rome", 0),
    ]
    # A value that the text says itself is not repeated.
    assert pieces[1].ends == (
        Label("datetime", "2026-11-23T12:00:00Z"),
        Label("time of day", ""),
    )


def test_values_in_a_line() -> None:
    assert value_text(None) == ""
    assert value_text({"amount": 1150, "currency": "EUR"}) == "1150 EUR"
    assert value_text([1, 2]) == "[1,2]"
    assert len(value_text("x" * 200)) == MAX_VALUE
