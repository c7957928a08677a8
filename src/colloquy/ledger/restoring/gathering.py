"""What an operation takes back, read from the ledger record by record, in the order of names.

Of few changes the ledger's rows are sorted; of many, the index of records is walked once, which
has them in that order: no more than a page is held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import starmap
from typing import NamedTuple

import msgspec

from ...storage.commit import Rows
from ...storage.store import ChangeRow, Store
from ..collections import Collection, Collections
from ..rows import ItemRow
from .folding import Name, Runs, fold, item_of, selected
from .targets import Target

FEW = 2_000
"""Changes that are sorted rather than found by walking the index. Sorting a change costs as much
as passing some hundred records that did not change."""

PAGE = 5_000
"""Rows of the ledger read at a time."""


class Gathered(NamedTuple):
    """The next records, complete. `actors`: whose changes are taken back."""

    runs: Runs
    actors: Counter[str]


class Standing(NamedTuple):
    """How a record stands against what is to be restored."""

    collection: str
    key: str
    live: int
    """The position of its newest change."""
    had: int
    """1 if it has a value at the position it returns to."""
    has: int
    """1 if the newest change that is taken back left it a value."""
    same: int
    """1 if those two are the same."""


class Gathering:
    """Reads one store's ledger. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store, collections: Collections) -> None:
        self._store = store
        self._collections = collections

    async def pages(
        self, target: Target, after: Name | None = None, rows: int = PAGE
    ) -> AsyncIterator[Gathered]:
        """`rows`: how many of the ledger each page reads at most; a page may be empty."""
        is_few = target.head - target.position <= FEW
        query, limit = ("ledger_span_few", FEW + 1) if is_few else ("ledger_span_page", rows)
        place: tuple[str, str, int] = ("", "", 0) if after is None else (*after, 2**62)
        runs: Runs = {}
        while True:
            found = await self._store.scan(query, target.position, target.head, *place, limit)
            changes = self._selected(found, target)
            fold(runs, changes)
            is_end = len(found) < limit
            rest: Runs = {}
            if not is_end:
                last = ChangeRow(*found[-1])
                place = (last.collection, last.key, last.position)
                # More of its changes may come with the next page.
                if place[:2] in runs:
                    rest[place[:2]] = runs.pop(place[:2])
            yield Gathered(runs, Counter(change.actor for change in changes))
            if is_end:
                return
            runs = rest

    async def of(self, names: Sequence[Name], target: Target) -> list[ItemRow]:
        """The items of those records that are taken back too."""
        asked = [(*name, target.position, target.head) for name in names]
        runs: Runs = {}
        fold(runs, self._selected(await self._store.read("changes_of_span", asked), target))
        return await self.items(runs)

    async def items(self, runs: Runs) -> list[ItemRow]:
        """The records' items, in the same order."""
        asked = [(of[0][0],) for of in runs.values() if of[0][0]]
        had = {row[0] for row in await self._store.read("changes_present", asked)}
        return [item_of(name, of, of[0][0] in had, self._collections) for name, of in runs.items()]

    async def standings(self, runs: Runs) -> list[Standing]:
        """In any order."""
        asked = [(*name, of[0][0], of[-1][1]) for name, of in runs.items()]
        return list(starmap(Standing, await self._store.read("change_standing", asked)))

    async def contested(self, items: Sequence[ItemRow]) -> list[ItemRow]:
        """Those of which only their values tell what becomes of them."""
        runs: Runs = {item.name: msgspec.json.decode(item.runs) for item in items}
        found = {
            (one.collection, one.key)
            for one in await self.standings(runs)
            if is_contested(one, runs, self._collections[one.collection])
        }
        return [item for item in items if item.name in found]

    def _selected(self, rows: Rows, target: Target) -> list[ChangeRow]:
        changes = starmap(ChangeRow, rows)
        return selected(changes, target.scope, target.sessions, target.now, self._collections)


def is_contested(one: Standing, runs: Runs, collection: Collection) -> bool:
    """Whether others changed the record since or in between, or its collection may object."""
    of = runs[one.collection, one.key]
    return not collection.plain or len(of) > 1 or of[0][1] != one.live


def items_of(runs: Runs, standings: Iterable[Standing], known: Collections) -> list[ItemRow]:
    """The items of the records that stand so, out of their runs."""
    return [
        item_of((one.collection, one.key), runs[one.collection, one.key], bool(one.had), known)
        for one in standings
    ]
