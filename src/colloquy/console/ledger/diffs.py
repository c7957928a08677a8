"""Differences as pages show them: rows side by side, with what did not change folded away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET, Struct

from ...ledger.collections import decode_value
from ...ledger.diff.render import CONTEXT, text_of, visible
from ...ledger.diff.side_by_side import side_by_side
from ...model.ledger import SideRow, Value


class Kind(Protocol):
    """What is asked of a row."""

    @property
    def kind(self) -> str: ...


Row = TypeVar("Row", bound=Kind)


class Gap(Struct, frozen=True):
    """Rows that are the same on both sides and are not shown."""

    count: int
    kind: str = "gap"


class Sides(Struct, frozen=True):
    """Two values side by side. `hidden`: characters that were not compared."""

    rows: list[SideRow | Gap]
    hidden: int = 0

    @property
    def is_same(self) -> bool:
        return all(row.kind in ("equal", "gap") for row in self.rows)


def folded(rows: Sequence[Row], context: int = CONTEXT) -> list[Row | Gap]:
    """The rows, with those that are equal and far from a change told by their number.

    One row is never folded: the note would take its place.
    """
    near: set[int] = set()
    for place, row in enumerate(rows):
        if row.kind != "equal":
            near.update(range(place - context, place + context + 1))
    found: list[Row | Gap] = []
    hidden: list[Row] = []
    for place, row in enumerate(rows):
        if place not in near:
            hidden.append(row)
            continue
        found += _gap(hidden)
        hidden = []
        found.append(row)
    return [*found, *_gap(hidden)]


def _gap(hidden: Sequence[Row]) -> list[Row | Gap]:
    return [Gap(len(hidden))] if len(hidden) > 1 else list(hidden)


def sides(before: Value, after: Value) -> Sides:
    """Two values of a record side by side."""
    found = side_by_side(_text(before), _text(after))
    rows = msgspec.convert(found.rows, list[SideRow], from_attributes=True)
    return Sides(folded(rows), found.hidden)


def pretty(value: Value) -> str | None:
    """A value to read: a string as it is, else indented JSON; None for none."""
    text = _text(value)
    return None if text is None else visible(text)


def editable(value: Value) -> str:
    """A value to edit as JSON; "" for none."""
    return "" if value is UNSET else msgspec.json.format(bytes(value), indent=2).decode()


def _text(value: Value) -> str | None:
    return None if value is UNSET else text_of(decode_value(bytes(value)))
