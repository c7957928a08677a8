"""The mismatch ledger: every field in which the tables do not agree, and what became of it.

One row for a message, a field and a kind: found again it is the same row, open again if it was
repaired. What an operator ignores stays so for as long as both values are the ones that they saw.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import InvalidInput, NotFound
from ...model.migrations import Mismatch, MismatchPage
from ...model.times import Clock, rfc3339
from .comparing import Found
from .database import Ask, Database, Many
from .legacy import Key

__all__ = ["Mismatch", "MismatchPage", "Mismatches", "after_of"]

MAX_VALUE = 2000
"""Characters of a value that the ledger shows."""

_COLUMNS = "number, message, field, kind, v1, v2, reason, times, found_at, state, settled_at"


class Mismatches:
    """In the database of the V2 table."""

    def __init__(self, prefix: str, database: Database, clock: Clock) -> None:
        self.database = database
        self._name = f"{prefix}mismatches"
        self._table = table = database.quote(self._name)
        self._clock = clock
        mark = database.mark
        types = ("text", "text", "text", "text", "text", "text", "bigint")
        marks = ", ".join(mark(number, type_) for number, type_ in enumerate(types, 1))
        # A row that is ignored stays ignored while the values are the same.
        state = (
            f"CASE WHEN {table}.state = 'ignored' AND {table}.v1 = excluded.v1 "
            f"AND {table}.v2 = excluded.v2 THEN 'ignored' ELSE 'open' END"
        )
        self._record = (
            f"INSERT INTO {table} (message, field, kind, v1, v2, reason, found_at, times, state) "
            f"VALUES ({marks}, 1, 'open') ON CONFLICT (message, field, kind) DO UPDATE SET "
            f"state = {state}, v1 = excluded.v1, v2 = excluded.v2, reason = excluded.reason, "
            f"times = {table}.times + 1, settled_at = NULL, "
            f"found_at = CASE WHEN {table}.state = 'repaired' THEN excluded.found_at "
            f"ELSE {table}.found_at END"
        )

    def schema(self) -> list[str]:
        return [
            f"CREATE TABLE IF NOT EXISTS {self._table} (number {self.database.numbered}, "
            "message TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL, v1 TEXT NOT NULL, "
            "v2 TEXT NOT NULL, reason TEXT NOT NULL, times BIGINT NOT NULL, "
            "found_at BIGINT NOT NULL, state TEXT NOT NULL, settled_at BIGINT, "
            "UNIQUE (message, field, kind))",
            f"CREATE INDEX IF NOT EXISTS {self.database.quote(self._name + '_by_state')} "
            f"ON {self._table} (state, number)",
        ]

    def record(self, found: Sequence[Found], reason: str = "") -> Many:
        at = self.database.value(self._clock(), "bigint")
        return Many(
            self._record,
            [
                (
                    str(one.key), one.field, one.kind, _stored(one.v1), _stored(one.v2),
                    _stored(reason), at,
                )
                for one in found
            ],
        )  # fmt: skip

    def settle(self, keys: Sequence[Key], kinds: Sequence[str] = ()) -> Ask:
        """Says of these messages' open rows (of these kinds, or all) that they are repaired."""
        database = self.database
        condition = database.any_of("message", 2, "text")
        parameters = [
            database.value(self._clock(), "bigint"),
            database.keys([str(k) for k in keys]),
        ]
        if kinds:
            condition += f" AND {database.any_of('kind', 3, 'text')}"
            parameters.append(database.keys(list(kinds)))
        return Ask(
            f"UPDATE {self._table} SET state = 'repaired', "
            f"settled_at = {database.mark(1, 'bigint')} "
            f"WHERE state = 'open' AND {condition} RETURNING number",
            tuple(parameters),
        )

    async def open_among(self, keys: Sequence[Key]) -> set[str]:
        """Those of the messages that have an open row."""
        if not keys:
            return set()
        condition = self.database.any_of("message", 1, "text")
        rows = await self.database.ask(
            f"SELECT DISTINCT message FROM {self._table} WHERE state = 'open' AND {condition}",
            self.database.keys([str(key) for key in keys]),
        )
        return {name for (name,) in rows}

    async def open_page(self, after: int, limit: int) -> tuple[list[str], int]:
        """Up to `limit` messages with open rows numbered above `after`, and the number to go on
        from. A message with rows on both sides of a page's end is on both pages."""
        database = self.database
        rows = await database.ask(
            f"SELECT number, message FROM {self._table} WHERE state = 'open' "
            f"AND number > {database.mark(1, 'bigint')} ORDER BY number LIMIT {int(limit)}",
            database.value(after, "bigint"),
        )
        names = list(dict.fromkeys(name for _, name in rows))
        return names, rows[-1][0] if rows else after

    async def open_messages(self) -> int:
        ((count,),) = await self.database.ask(
            f"SELECT count(DISTINCT message) FROM {self._table} WHERE state = 'open'"
        )
        return int(count)

    async def explain(self, key: Key, reason: str) -> None:
        """Says of a message's open rows why they could not be repaired."""
        mark = self.database.mark
        ask = Ask(
            f"UPDATE {self._table} SET reason = {mark(1)} "
            f"WHERE state = 'open' AND message = {mark(2)} RETURNING number",
            (_stored(reason), str(key)),
        )
        await self.database.run(ask)

    async def note(self, found: Sequence[Found], reason: str = "") -> None:
        """Records rows in a transaction of their own."""
        if found:
            await self.database.run(self.record(found, reason))

    async def repaired(self, keys: Sequence[Key], kinds: Sequence[str] = ()) -> int:
        """As `settle`, in a transaction of its own; returns how many rows that closed."""
        if not keys:
            return 0
        ask = self.settle(keys, kinds)
        return len(await self.database.run(ask))

    async def ignore(self, number: int, reason: str) -> Mismatch:
        """Says of a row that nothing is to be done. Raises NotFound."""
        mark = self.database.mark
        at = self.database.value(self._clock(), "bigint")
        ask = Ask(
            f"UPDATE {self._table} SET state = 'ignored', reason = {mark(1)}, "
            f"settled_at = {mark(2, 'bigint')} WHERE number = {mark(3, 'bigint')} "
            f"RETURNING {_COLUMNS}",
            (_stored(reason), at, self.database.value(number, "bigint")),
        )
        rows = await self.database.run(ask)
        if not rows:
            raise NotFound(f"no mismatch {number}", field="number")
        return _shown(rows[0])

    async def page(self, state: str | None, after: int, limit: int) -> MismatchPage:
        """Rows above the number `after`, oldest first; `state` None: in whatever state they are."""
        mark = self.database.mark
        condition = f"number > {mark(1, 'bigint')}"
        parameters = [self.database.value(after, "bigint")]
        if state is not None:
            condition += f" AND state = {mark(2)}"
            parameters.append(state)
        rows = await self.database.ask(
            f"SELECT {_COLUMNS} FROM {self._table} WHERE {condition} "
            f"ORDER BY number LIMIT {limit + 1}",
            *parameters,
        )
        shown = [_shown(row) for row in rows[:limit]]
        return MismatchPage(shown, str(shown[-1].number) if len(rows) > limit else None)

    async def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """State → kind → field → rows."""
        rows = await self.database.ask(
            f"SELECT state, kind, field, count(*) FROM {self._table} "
            "GROUP BY state, kind, field ORDER BY state, kind, field"
        )
        found: dict[str, dict[str, dict[str, int]]] = {}
        for state, kind, field, count in rows:
            found.setdefault(state, {}).setdefault(kind, {})[field] = int(count)
        return found

    async def open(self) -> int:
        ((count,),) = await self.database.ask(
            f"SELECT count(*) FROM {self._table} WHERE state = 'open'"
        )
        return int(count)


def after_of(cursor: str | None) -> int:
    """The number behind a page's `next`. Raises InvalidInput."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise InvalidInput("not a cursor of this list", field="cursor")
    return int(cursor)


def _stored(text: str) -> str:
    text = text.replace("\0", "�")
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _shown(row: tuple[object, ...]) -> Mismatch:
    number, message, field, kind, v1, v2, reason, times, found_at, state, settled_at = row
    assert isinstance(number, int) and isinstance(times, int) and isinstance(found_at, int)
    return Mismatch(
        number=number,
        message=str(message),
        field=str(field),
        kind=str(kind),
        v1=str(v1),
        v2=str(v2),
        reason=str(reason),
        times=times,
        found_at=rfc3339(found_at),
        state=str(state),
        settled_at=rfc3339(settled_at) if isinstance(settled_at, int) else None,
    )
