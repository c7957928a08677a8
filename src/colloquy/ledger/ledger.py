"""The ledger of one store: records, their history, points in it, and the way back.

ledger = Ledger(store, Collections())
point = await ledger.points.create(NewPoint(name="before the import"), "ann")
await ledger.put("prices", "flat-12", {"amount": 310_000}, "ann")
operation = await ledger.start(Request(point=point.id), "ann")
await ledger.run(operation.id)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from typing import Any

from msgspec.structs import replace

from ..model.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from ..model.ids import uuid7
from ..model.times import Clock, now_us
from ..storage.commit import Rows
from ..storage.store import Store
from ..storage.write_set import Change
from .audit import AuditTrail
from .collections import Collections, check_key, encode_value
from .events import LedgerEvent, Listeners
from .history import History
from .merge import MISSING, Missing
from .points import NewPoint, Points
from .restoring.conflicts import Choice, Decisions
from .restoring.executor import Executor
from .restoring.folding import Name
from .restoring.operations import Operations, request_of
from .restoring.planning import Planner
from .restoring.previewing import Place, Preview, Previews
from .restoring.requests import Request, check_request
from .restoring.work import Tools
from .rows import ConflictRow, OperationRow, PointRow
from .scope import Scope
from .steps import RollbackSteps
from .values import Value

DAY_US = 86_400_000_000
AUTOMATIC_US = 7 * DAY_US
"""How long points live that are made by themselves before a risky operation."""


class Ledger:
    """Everything there is to do with it. All methods may raise StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        collections: Collections,
        *,
        clock: Clock = now_us,
        owner: str | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.store = store
        self.collections = collections
        self.clock = clock
        self.listeners = Listeners()
        self.points = Points(store, clock)
        self.history = History(store, collections, clock)
        self.audit = AuditTrail(store)
        self.operations = Operations(store, clock, owner or uuid7().hex())
        self.decisions = Decisions(store, self.operations, collections, clock)
        self.planner = Planner(store, collections, self.history, self.points, clock)
        self.previews = Previews(store, collections, self.planner, clock)
        self.steps = RollbackSteps(store, self.operations, clock)
        self._executor = Executor(
            Tools(
                store, collections, self.history, self.planner, self.operations, self.steps,
                self.listeners, clock, sleep,
            )
        )  # fmt: skip

    # -- records ------------------------------------------------------------------------------

    async def put(
        self,
        collection: str,
        key: str,
        value: Value | Missing,
        actor: str,
        *,
        expected: int | None = None,
    ) -> int:
        """Gives a record a value, or with MISSING removes it; returns the position.

        `expected`: the position of the record's newest change must be this one (0: none), else
        PreconditionFailed. Raises InvalidInput.
        """
        positions = await self.put_many([(collection, key, value, expected)], actor)
        return positions[0]

    async def put_many(
        self,
        records: Sequence[tuple[str, str, Value | Missing, int | None]],
        actor: str,
        origin: str | None = None,
    ) -> list[int]:
        """Writes up to 500 records in one transaction; see `put`."""
        if len(records) > MAX_RECORDS:
            raise InvalidInput(f"at most {MAX_RECORDS} records at a time")
        at = self.clock()
        changes: list[Change] = []
        wanted: dict[Name, int] = {}
        for collection, key, value, expected in records:
            name = check_key(collection, key)
            after = None if value is MISSING else encode_value(value)
            operation = "delete" if value is MISSING else "set"
            changes.append(Change(at, actor, None, operation, *name, after, origin))
            if expected is not None:
                wanted[name] = expected

        def steps() -> Generator[tuple[str, Rows], Rows, list[int]]:
            yield from self.collections.lock([(one.collection, one.key) for one in changes])
            if wanted:
                yield "counter_add", [("ledger", 0)]
                heads = {(row[0], row[1]): row[2] for row in (yield "change_heads", sorted(wanted))}
                for name, position in wanted.items():
                    if heads.get(name, 0) != position:
                        raise PreconditionFailed(
                            f"{'/'.join(name)} was changed at position {heads.get(name, 0)}"
                        )
            return (yield from self.collections.write(changes))

        positions: list[int] = await self.store.transact(steps)
        return positions

    async def get(self, collection: str, key: str, position: int | None = None) -> Value | Missing:
        """The record's value now, or as of a position; MISSING where it has none.

        Raises NotRestorable for a position of which compaction left too little.
        """
        name = check_key(collection, key)
        if position is not None:
            await self.history.check_restorable(position)
        return (await self.history.values([name], position)).get(name, MISSING)

    # -- points -------------------------------------------------------------------------------

    async def create_point(self, new: NewPoint, actor: str) -> PointRow:
        point = await self.points.create(new, actor)
        self.listeners.tell(LedgerEvent(name="rollback-point-created", point=point.id))
        return point

    # -- restoring ----------------------------------------------------------------------------

    async def preview(
        self, request: Request, after: Place | None = None, limit: int = 100
    ) -> Preview:
        """What the request would do, without a single write. Raises as `Previews.preview`."""
        request = await self._scoped(check_request(request))
        return await self.previews.preview(request, after, limit)

    async def start(self, request: Request, actor: str) -> OperationRow:
        """Begins an operation; `run` carries it out. A point before it is made by itself.

        Raises NotFound, PointExpired, NotRestorable, ScopeEmpty, InvalidInput, LedgerBusy.
        """
        check_request(request)
        if request.strategy == "dry_run" or request.execute is False:
            raise InvalidInput("a dry run is a preview: ask for that", field="strategy")
        request = await self._scoped(request)
        target = await self.planner.target(request)
        # It moves nothing: a position is all that it is.
        point = await self.points.create(
            NewPoint(
                name="before a rollback" if request.undo is None else "before an undo",
                description=request.reason,
                lifetime_us=AUTOMATIC_US,
                automatic="before_rollback",
            ),
            actor,
        )
        try:
            return await self.operations.begin(request, target, actor)
        except Conflict:
            await self.points.delete(point.id)
            raise

    async def _scoped(self, request: Request) -> Request:
        """An undo is about no more records than what it undoes, so that it waits for nobody else's
        operations. Raises NotFound."""
        if request.undo is None or request.scope.records() != Scope():
            return request
        try:
            undone = await self.operations.get(request.undo)
        except NotFound as error:
            raise NotFound(error.detail, field="undo") from None
        return replace(request, scope=request_of(undone).scope.records())

    async def run(self, operation: str) -> OperationRow:
        """Carries an operation out, from wherever it stands, until it is finished or waits."""
        return await self._executor.run(operation)

    async def resume(self) -> list[str]:
        """Operations that an earlier process, or a cancellation, left to be gone on with."""
        return [
            row.id
            for row in await self.operations.open()
            if row.status != "waiting" or row.cancelled
        ]

    async def cancel(self, operation: str) -> OperationRow:
        """Raises NotFound, Conflict. Whoever runs it stops at the next record and undoes."""
        return await self.operations.cancel(operation)

    async def decide(
        self, conflict: str, choice: Choice, actor: str, value: Value | Missing = MISSING
    ) -> ConflictRow:
        return await self.decisions.decide(conflict, choice, actor, value)


MAX_RECORDS = 500
