"""From ledger rows to what is taken back: per record, runs of changes that follow each other."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ...storage.store import ChangeRow
from ..collections import Collections
from ..rows import ItemRow
from ..scope import Scope

Name = tuple[str, str]
Runs = dict[Name, list[list[int]]]
"""Record → [[position to return to or 0, newest position], …], oldest run first."""


def fold(runs: Runs, rows: Iterable[ChangeRow]) -> None:
    """Adds rows, in the order of their positions, to the runs of their records.

    Where a row in the middle is not to be taken back, the record has several runs.
    """
    for row in rows:
        name = (row.collection, row.key)
        previous = row.previous or 0
        of = runs.get(name)
        if of is None:
            runs[name] = [[previous, row.position]]
        elif of[-1][1] == previous:
            of[-1][1] = row.position
        else:
            of.append([previous, row.position])


def selected(
    rows: Iterable[ChangeRow],
    scope: Scope,
    sessions: frozenset[int],
    now: int,
    known: Collections,
) -> list[ChangeRow]:
    """Those in the scope. Rows of one record are best together: it is looked at once."""
    found: list[ChangeRow] = []
    by_key, by_change = scope.looks_at_keys, scope.looks_at_changes
    name: Name | None = None
    is_in = False
    for row in rows:
        if name is None or row.collection != name[0] or (by_key and row.key != name[1]):
            name = (row.collection, row.key)
            is_in = scope.has_record(*name, known)
        if is_in and (not by_change or scope.has_change(row, sessions, now)):
            found.append(row)
    return found


def item_of(name: Name, runs: list[list[int]], existed: bool, known: Collections) -> ItemRow:
    """`existed`: whether the record has a value at the position it returns to.

    Removals come before values, what others build on is removed last and restored first.
    """
    rank = known[name[0]].rank(name[1])
    return ItemRow(*name, rank if existed else -rank, msgspec.json.encode(runs))
