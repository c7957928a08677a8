"""Which rows of the ledger nothing needs any more. No input or output: `compaction` has that."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from .rows import OPEN

Span = tuple[int, int]
"""Positions above the first, up to the second."""


class Row(NamedTuple):
    """A row that may make its record's former row superfluous, or is a removal."""

    collection: str
    key: str
    position: int
    removes: int
    size: int
    previous: int | None
    previous_removes: int
    previous_size: int
    before_previous: int | None


class Gone(NamedTuple):
    collection: str
    key: str
    position: int
    size: int


class Done(Struct, frozen=True):
    """What the last whole pass left. `held`: operation → the lowest position of what was kept for
    its sake alone."""

    upto: int = 0
    points: list[int] = []
    held: dict[str, int] = {}


class Pass(Struct, frozen=True):
    """One way through the spans, as of the points that there were when it began."""

    upto: int
    points: list[int]
    spans: list[Span]


class Needs(NamedTuple):
    """What must stay beside what points need: row → the operation that needs it. One that is being
    planned, `planning`, reads all above `all_from`, and returns to what was so there."""

    pinned: dict[int, str]
    all_from: int = 2**62
    planning: str = ""


class Choice(NamedTuple):
    gone: list[Gone]
    held: dict[str, int]


def holder_of(number: int, status: str, phase: str) -> str:
    """An operation and what it needs: another name when it needs less than before."""
    if status not in OPEN:
        return f"{number} finished"
    return f"{number} planning" if phase == "planning" else f"{number} open"


def spans_of(last: Done, horizon: int, points: Sequence[int], kept: dict[str, int]) -> list[Span]:
    """Where rows may have become superfluous since the last pass, in order, without overlap."""
    found: list[Span] = []
    if horizon > last.upto:
        # The row at the former horizon had to stay, and may be a removal.
        found.append((last.upto - 1, horizon))
    for point in set(last.points).difference(points):
        # What follows the next point makes nothing superfluous that this one needed.
        index = bisect_right(points, point)
        end = points[index] if index < len(points) else last.upto
        found.append((point, min(end, last.upto)))
    found += [(at - 1, last.upto) for key, at in last.held.items() if key not in kept]
    merged: list[Span] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def chosen(rows: Sequence[Row], one: Pass, needs: Needs) -> Choice:
    """What goes of the rows and of those before them. Of `rows`, oldest first, any may be missing
    that has neither a former row nor removes its record."""
    gone: dict[int, Gone] = {}
    before: dict[int, int | None] = {}
    held: dict[str, int] = {}

    def settle(row: Gone, end: int, former: int | None) -> None:
        holder = needs.pinned.get(row.position)
        if end > needs.all_from:
            holder = needs.planning
        if holder is None:
            gone[row.position] = row
            before[row.position] = former
        else:
            held[holder] = min(row.position, held.get(holder, row.position))

    for row in rows:
        former = row.previous
        if former is not None and former not in gone:
            earlier = row.before_previous
            while earlier in before:
                earlier = before[earlier]
            is_nothing = row.previous_removes and earlier is None
            if former != one.upto and (is_nothing or not _has_point(one, former, row.position)):
                settle(
                    Gone(row.collection, row.key, former, row.previous_size),
                    row.position, earlier,
                )  # fmt: skip
        while former in before:
            former = before[former]
        # A record that begins with its removal is as absent without it. The row at the horizon
        # stays: it tells when that was, so that a time after it is not one before it.
        if row.removes and former is None and row.position != one.upto:
            settle(Gone(row.collection, row.key, row.position, row.size), one.upto + 1, None)
    return Choice(list(gone.values()), held)


def _has_point(one: Pass, start: int, end: int) -> bool:
    index = bisect_left(one.points, start)
    return index < len(one.points) and one.points[index] < end
