"""Reading the ledger: the log, values as of a position, what changed between two positions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from hashlib import blake2b
from typing import NamedTuple

from ..model.errors import NotFound, NotRestorable
from ..model.times import Clock, now_us
from ..storage.store import ChangeRow, Store
from .canonical import canonical
from .collections import Collections, decode_value
from .merge import MISSING, Missing
from .restoring.folding import Name, Runs, fold
from .rows import Page
from .scope import Scope
from .values import Value

PAGE = 500
"""Rows of the ledger read at a time."""

COMPACTED = "ledger_compacted"
"""In `meta`: up to this position only what live points need is kept."""


class RecordsDigest:
    """BLAKE2b (256 bits) of records, to be added in the order of their names, by canonical JSON.

    It covers names and values alone (engine decision 31): the same records have the same digest,
    however they came about. One without a value adds nothing.
    """

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=32)

    def add(self, collection: str, key: str, after: bytes | None) -> None:
        if after is not None:
            self._digest.update(canonical([collection, key, decode_value(after)]))

    def text(self) -> str:
        """64 hexadecimal digits."""
        return self._digest.hexdigest()


class Filter(NamedTuple):
    """What rows of the log must have; "" and None are anything. Times in microseconds."""

    collection: str = ""
    key: str = ""
    actor: str = ""
    session: int | None = None
    origin: str = ""
    since: int = 0
    until: int = 2**62


class Difference(NamedTuple):
    """A record that is not the same at two positions. MISSING is absent."""

    collection: str
    key: str
    before: Value | Missing
    after: Value | Missing
    position: int
    """Of the newest change in between."""
    changes: int


class History:
    """The ledger of one store. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store, collections: Collections, clock: Clock = now_us) -> None:
        self._store = store
        self._collections = collections
        self._clock = clock

    async def head(self) -> int:
        """The newest position; 0 in an empty ledger."""
        ((value,),) = await self._store.query("ledger_head")
        return int(value)

    async def log(self, wanted: Filter, before: int | None, limit: int) -> Page:
        """Changes, newest first. `before` is the position of the last one seen."""
        top = 2**62 if before is None else before
        if wanted.key:
            found = await self._store.query(
                "changes_of_key_before", wanted.collection, wanted.key, top, limit
            )
        else:
            session = -1 if wanted.session is None else wanted.session
            found = await self._store.scan(
                "changes_before", top, wanted.collection, wanted.actor, session, wanted.origin,
                wanted.since, wanted.until, limit,
            )  # fmt: skip
        rows = [ChangeRow(*row) for row in found]
        return Page(rows, rows[-1].position if len(rows) == limit else None)

    async def change(self, position: int) -> ChangeRow:
        """Raises NotFound."""
        rows = await self._store.read("changes_by_position", [(position,)])
        if not rows:
            raise NotFound(f"no change at position {position}")
        return ChangeRow(*rows[0])

    async def values(self, names: Iterable[Name], position: int | None = None) -> dict[Name, Value]:
        """The records that have a value, now or at a position."""
        if position is None:
            rows = await self._store.read("change_heads", list(names))
        else:
            rows = await self._store.read("change_values_at", [(*name, position) for name in names])
        return {
            (collection, key): decode_value(after)
            for collection, key, _, after in rows
            if after is not None
        }

    async def position_at(self, time_us: int) -> int:
        """The newest position at or before a time; 0 before the first.

        Times follow positions but for the moments that commits take, so a binary search is as
        exact as the question.
        """
        low, high = 0, await self.head()
        while low < high:
            middle = (low + high + 1) // 2
            rows = await self._store.query("change_from", middle)
            if not rows or rows[0][1] > time_us:
                high = middle - 1
            else:
                low = rows[0][0]
        return low

    async def check_restorable(self, position: int) -> None:
        """Raises NotRestorable for a position whose records compaction no longer kept."""
        ((horizon, _),) = await self._store.query("ledger_horizon")
        if position < horizon and not await self._store.query(
            "ledger_point_at", position, self._clock()
        ):
            raise NotRestorable(
                f"the ledger is compacted up to position {horizon}: of what was before, only"
                " positions of rollback points can be restored"
            )

    async def rows_between(self, after: int, upto: int) -> AsyncIterator[list[ChangeRow]]:
        """Pages of changes above `after`, up to `upto`, oldest first."""
        while after < upto:
            found = await self._store.query("changes_between", after, upto, PAGE)
            if not found:
                return
            rows = [ChangeRow(*row) for row in found]
            yield rows
            after = rows[-1].position

    async def differences(
        self, start: int, end: int, scope: Scope, after: Name | None, limit: int
    ) -> Page:
        """Records that differ between two positions, in the order of their names.

        `start` may be the later one. Reads the changes between them once per page.
        """
        low, high = sorted((start, end))
        runs: Runs = {}
        async for rows in self.rows_between(low, high):
            fold(
                runs,
                (row for row in rows
                 if scope.has_record(row.collection, row.key, self._collections)),
            )  # fmt: skip
        names = sorted(name for name in runs if after is None or name > after)
        found: list[Difference] = []
        for index in range(0, len(names), PAGE):
            part = names[index : index + PAGE]
            before = await self.values(part, start)
            then = await self.values(part, end)
            for name in part:
                old, new = before.get(name, MISSING), then.get(name, MISSING)
                if old is not MISSING and new is not MISSING and canonical(old) == canonical(new):
                    continue
                if old is new:
                    continue
                of = runs[name]
                found.append(Difference(*name, old, new, of[-1][1], len(of)))
                if len(found) == limit:
                    return Page(found, name)
        return Page(found, None)

    async def records(
        self, position: int, scope: Scope
    ) -> AsyncIterator[list[tuple[str, str, bytes]]]:
        """Pages of (collection, key, value as JSON) as of a position, in the order of names."""
        place = ("", "")
        while True:
            rows = await self._store.scan("ledger_records_page", *place, position, PAGE)
            if not rows:
                return
            yield [
                (collection, key, after)
                for collection, key, _, after in rows
                if scope.has_record(collection, key, self._collections)
            ]
            place = (rows[-1][0], rows[-1][1])

    async def checksum(self, position: int | None = None, scope: Scope | None = None) -> str:
        """`RecordsDigest` of all records in the scope as of a position, now by default."""
        top = await self.head() if position is None else position
        digest = RecordsDigest()
        async for page in self.records(top, scope or Scope()):
            for collection, key, after in page:
                digest.add(collection, key, after)
        return digest.text()
