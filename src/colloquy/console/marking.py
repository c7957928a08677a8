"""Entities marked in a text: cut into pieces at every edge, since entities may overlap.

Offsets count code points, as Python strings do, so that emoji and other astral characters are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from ..model.message import encode
from ..model.understanding import Entity

MAX_VALUE = 80
"""Characters of a value that are shown."""


class Label(Struct, frozen=True):
    """What an entity is called and what it means."""

    name: str
    value: str
    """The normalised value; "" where it says no more than the text."""


class Piece(Struct, frozen=True):
    """A part of a text. `depth`: how many entities cover it; `ends`: those that end with it."""

    text: str
    depth: int = 0
    ends: tuple[Label, ...] = ()


def mark(text: str, entities: Sequence[Entity]) -> list[Piece]:
    """The text in pieces, which joined make the text again. Spans outside of it are cut or left
    out: what is shown was made by an extractor that may be wrong."""
    starts: Counter[int] = Counter()
    ends: dict[int, list[Label]] = {}
    for entity in entities:
        start, end = max(entity.start, 0), min(entity.end, len(text))
        if start < end:
            starts[start] += 1
            ends.setdefault(end, []).append(_label(entity))
    edges = sorted({0, len(text), *starts, *ends})
    pieces: list[Piece] = []
    depth = 0
    for start, end in pairwise(edges):
        depth += starts[start] - len(ends.get(start, ()))
        pieces.append(Piece(text[start:end], depth, tuple(ends.get(end, ()))))
    return pieces


def _label(entity: Entity) -> Label:
    value = value_text(entity.value)
    return Label(entity.label.replace("_", " "), "" if value == entity.text else value)


def value_text(value: Any) -> str:
    """A value in a line: `1150 EUR`, `+49 30 123`; "" for none."""
    if value is None:
        return ""
    if isinstance(value, dict):
        shown = " ".join(value_text(item) for item in value.values())
    else:
        shown = value if isinstance(value, str) else encode(value).decode()
    return shown if len(shown) <= MAX_VALUE else shown[: MAX_VALUE - 1] + "…"
