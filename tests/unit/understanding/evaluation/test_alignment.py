"""A pattern's label stands for an annotated one only where both were always the same span."""

from __future__ import annotations

from colloquy.understanding.entities.tagger.words import Found
from colloquy.understanding.evaluation.alignment import Spans, aligned, merged

CARD: Spans = [(0, 16, "card")]


def test_a_label_needs_its_spans_and_enough_of_them() -> None:
    annotated: list[Spans] = [[(0, 16, "CREDIT_CARD")]]
    assert aligned(annotated * 5, [CARD] * 5) == {"card": ("CREDIT_CARD", 6 / 7)}
    assert aligned(annotated * 4, [CARD] * 4) == {}
    assert aligned([[(0, 15, "CREDIT_CARD")]] * 20, [CARD] * 20) == {}
    assert aligned(annotated * 15 + [[]] * 5, [CARD] * 20) == {}


def test_the_better_of_two_labels_counts() -> None:
    annotated: list[Spans] = [[(0, 16, "A")]] * 18 + [[(0, 16, "B")]]
    assert aligned(annotated, [CARD] * 19) == {"card": ("A", 19 / 21)}


def test_an_aligned_span_puts_the_tagger_s_aside() -> None:
    labels = {"card": ("CREDIT_CARD", 0.9)}
    tagged = [Found(4, 20, "PHONE"), Found(16, 18, "NAME"), Found(30, 34, "NAME")]
    assert merged(tagged, [(0, 16, "card"), (20, 24, "number")], labels) == [
        Found(0, 16, "CREDIT_CARD", confidence=0.9),
        Found(16, 18, "NAME"),
        Found(30, 34, "NAME"),
    ]
    assert merged(tagged, [], labels) == tagged
