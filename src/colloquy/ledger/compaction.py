"""Compaction: old rows of the ledger go, what can still be asked for stays.

Up to a position, the *horizon*, a record keeps only its newest row as of the horizon, as of each
rollback point, and what operations need that run or can be undone. The rest is deleted, page by
page in the order of positions, and the row that follows gets its `previous` anew. The horizon is
moved first, so that nobody begins a rollback into what is being deleted.

A row becomes superfluous when a newer one of its record comes below the horizon, when a point
goes, or when an operation needs it no more. So a pass looks only at what the horizon passed since
the last one, at what followed points that are gone, and at what was kept for operations that ended.

What is below the horizon says what was so at its points, not any more who changed it in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..model.times import Clock
from ..storage.commit import Rows
from ..storage.store import Store
from .history import COMPACTED, History
from .rows import OPEN
from .superfluous import Done, Gone, Needs, Pass, Row, chosen, holder_of, spans_of

UNDO_FROM = "ledger_undo_from"
"""In `meta`: operations that finished from this time on (microseconds) can be undone although they
wrote below the horizon."""

PROGRESS = "ledger_compaction_pass"
"""In `meta`: the pass that is under way, so that the next process goes on with it."""

PLACE = "ledger_compaction_place"
"""In `meta`: how far that pass is."""

DONE = "ledger_compaction_done"
"""In `meta`: what the last whole pass left."""

BATCH = 500
"""Rows looked at in one transaction; at most as many again, and as many before them, go."""

PAUSE_S = 0.01
"""After a transaction, so that others write between two of them."""

Steps = Generator[tuple[str, Rows], Rows, Any]


class Compaction(Struct, frozen=True, kw_only=True):
    """What a call did. `bytes` are those of the deleted values; `upto` is the horizon now."""

    upto: int
    rows: int
    bytes: int
    batches: int


class _Place(Struct, frozen=True):
    """All up to `position` was looked at, in the spans before it and in its own."""

    position: int = -1
    held: dict[str, int] = {}


T = TypeVar("T")


class Compactor:
    """Compacts the ledger of one store. `undo_us`: operations finished within so long stay able
    to be undone. `sleep` is for tests."""

    def __init__(
        self,
        store: Store,
        history: History,
        clock: Clock,
        undo_us: int,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._history = history
        self._clock = clock
        self._undo_us = undo_us
        self._sleep = sleep

    async def compact(self, upto: int) -> Compaction:
        """Moves the horizon to `upto`, never back and never past the newest position, and deletes.

        A pass that was interrupted is finished first. May be called again at any time.
        """
        horizon, undo_from = await self._move(min(upto, await self._history.head()))
        done = Compaction(upto=horizon, rows=0, bytes=0, batches=0)
        begun = await self._read(PROGRESS, Pass)
        if begun is not None:
            done = await self._finish(begun, undo_from, done)
        return await self._finish(await self._begin(horizon, undo_from), undo_from, done)

    async def _move(self, upto: int) -> tuple[int, int]:
        """Moves the horizon; returns it with the time from which operations can be undone."""

        def steps() -> Steps:
            # Beginning an operation takes this row too: it sees the new horizon, or we see it.
            yield "counter_add", [("ledger_operations", 0)]
            ((horizon, undo_from),) = yield "ledger_horizon", [()]
            if upto > horizon:
                horizon = upto
                undo_from = max(undo_from, self._clock() - self._undo_us)
                yield "meta_set", [(COMPACTED, str(horizon))]
                yield "meta_set", [(UNDO_FROM, str(undo_from))]
            return horizon, undo_from

        found: tuple[int, int] = await self._store.transact(steps)
        return found

    async def _read(self, name: str, kind: type[T]) -> T | None:
        stored = await self._store.meta(name)
        return msgspec.json.decode(stored, type=kind) if stored else None

    async def _begin(self, horizon: int, undo_from: int) -> Pass:
        points = [at for (at,) in await self._store.query("ledger_point_positions", horizon)]
        rows = await self._store.query("ledger_pinning", undo_from)
        pinning = {holder_of(*row) for row in rows}
        last = await self._read(DONE, Done) or Done()
        kept = {key: at for key, at in last.held.items() if key in pinning}
        begun = Pass(horizon, points, spans_of(last, horizon, points, kept))

        def steps() -> Steps:
            yield "meta_set", [(PROGRESS, _text(begun))]
            yield "meta_set", [(PLACE, _text(_Place(held=kept)))]

        await self._store.transact(steps)
        return begun

    async def _finish(self, one: Pass, undo_from: int, done: Compaction) -> Compaction:
        """The rest of a pass. Adds to `done` what it deleted."""
        place = await self._read(PLACE, _Place) or _Place()
        for low, high in one.spans:
            if place.position < low:
                place = replace(place, position=low)
            while place.position < high:
                found = await self._store.scan("ledger_compact_page", place.position, high, BATCH)
                rows = [Row(*row) for row in found]
                end = rows[-1].position if len(rows) == BATCH else high
                if not chosen(rows, one, Needs({})).gone:
                    place = replace(place, position=end)
                    continue
                place, gone = await self._delete(one, rows, place, end, undo_from)
                done = replace(
                    done,
                    rows=done.rows + len(gone),
                    bytes=done.bytes + sum(row.size for row in gone),
                    batches=done.batches + 1,
                )
                await self._sleep(PAUSE_S)
        left = Done(one.upto, one.points, place.held)

        def steps() -> Steps:
            yield "meta_set", [(DONE, _text(left))]
            yield "meta_set", [(PROGRESS, "")]

        await self._store.transact(steps)
        return done

    async def _delete(
        self, one: Pass, rows: Sequence[Row], place: _Place, end: int, undo_from: int
    ) -> tuple[_Place, list[Gone]]:
        """Deletes what is needed no more, and remembers how far it came."""

        def steps() -> Steps:
            # No operation begins, and nobody writes a row after one that is being deleted.
            yield "counter_add", [("ledger_operations", 0)]
            yield "counter_add", [("ledger", 0)]
            found = yield "ledger_compact_rows", [(row.position,) for row in rows]
            again = [Row(*row) for row in sorted(found, key=lambda row: row[2])]
            names = {(row.collection, row.key) for row in again}
            needs = yield from self._needs(sorted(names), undo_from)
            choice = chosen(again, one, needs)
            if choice.gone:
                yield "changes_delete", [(row.position,) for row in choice.gone]
                yield "change_relink", [row[:3] for row in choice.gone]
            held = dict(place.held)
            for holder, position in choice.held.items():
                held[holder] = min(position, held.get(holder, position))
            then = _Place(end, held)
            yield "meta_set", [(PLACE, _text(then))]
            return then, choice.gone

        result: tuple[_Place, list[Gone]] = await self._store.transact(steps)
        return result

    def _needs(
        self, names: Iterable[tuple[str, str]], undo_from: int
    ) -> Generator[tuple[str, Rows], Rows, Needs]:
        pinned: dict[int, str] = {}
        asked = [(undo_from, *name) for name in names]
        for runs, before, written, number, status, phase in (yield "ledger_pins", asked):
            wanted = {before, written}
            if status in OPEN:
                wanted.update(one for run in msgspec.json.decode(runs) for one in run)
            pinned.update((one, holder_of(number, status, phase)) for one in wanted if one)
        for number, target in (yield "ledger_planning_from", [()]):
            return Needs(pinned, target, holder_of(number, "pending", "planning"))
        return Needs(pinned)


def _text(value: Struct) -> str:
    return msgspec.json.encode(value).decode()
