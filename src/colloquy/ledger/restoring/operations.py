"""Operations as rows: begun, moved on by their owner, logged, cancelled, listed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from ...model.errors import Conflict, LedgerBusy, NotFound, StaleLease
from ...model.ids import uuid7
from ...model.times import Clock
from ...storage.commit import Rows
from ...storage.store import Store
from ..audit import Entry, audit_steps
from ..rows import ConflictRow, Figures, ItemRow, LogRow, OperationRow, Page
from ..scope import Scope
from .requests import Request
from .targets import Target, not_compacted

LEASE_US = 30_000_000
"""An owner that does not move its operation on for so long is believed to be gone."""

_requests = msgspec.json.Decoder(Request)

Steps = Generator[tuple[str, Rows], Rows, Any]


def request_of(row: OperationRow) -> Request:
    return _requests.decode(row.request)


class Operations:
    """The operations of one store. `owner` names this process. Methods may raise
    StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self.owner = owner

    # -- life ---------------------------------------------------------------------------------

    async def begin(self, request: Request, target: Target, actor: str) -> OperationRow:
        """Raises LedgerBusy while another operation may touch the same records, NotRestorable."""
        now = self._clock()
        id_ = uuid7().hex()
        body = msgspec.json.encode(request)
        kind = "rollback" if request.undo is None else "undo"
        entry = Entry(
            at=now, actor=actor, event="rollback_created", message=f"{kind} begun",
            operation=id_, point=request.point, reason=request.reason,
            data={"target": target.position, "head": target.head},
        )  # fmt: skip

        def steps() -> Steps:
            # The counter's row is what keeps two from beginning at once.
            ((number,),) = yield "counter_add", [("ledger_operations", 1)]
            yield from not_compacted(request, target, now)
            for row in (yield "ledger_operations_open", [()]):
                other = OperationRow(*row)
                if request_of(other).scope.overlaps(request.scope):
                    raise LedgerBusy(
                        f"operation {other.id} is under way on records that this one needs",
                        operation=other.id,
                    )
            yield (
                "ledger_operation_insert",
                [(
                    number, id_, kind, body, request.point, target.position, target.head,
                    _scope_key(target.scope), request.strategy, target.position,
                    msgspec.json.encode(Figures()), actor, request.reason, now, now, self.owner,
                    now + LEASE_US,
                )],
            )  # fmt: skip
            yield from audit_steps([entry])

        await self._store.transact(steps)
        return await self.get(id_)

    async def take(self, row: OperationRow) -> bool:
        """Whether this process owns the operation now: it is free, ours, or its owner is gone.

        On an engine that one process owns, every other owner is gone.
        """
        now = self._clock()
        late = now if self._store.shared else 2**62
        taken = await self._store.change_one(
            "ledger_operation_take", self.owner, now + LEASE_US, row.number, late
        )
        return bool(taken)

    async def release(self, row: OperationRow) -> None:
        await self._store.change_one("ledger_operation_release", row.number, self.owner)

    def fence(self, number: int) -> Generator[tuple[str, Rows], Rows, bool]:
        """Inside a transaction: renews the lease; returns whether somebody cancelled.

        Raises StaleLease when the operation is finished or somebody else's.
        """
        found = yield (
            "ledger_operation_fence",
            [(self._clock() + LEASE_US, number, self.owner)],
        )
        if not found:
            raise StaleLease("this ledger operation is no longer ours")
        return bool(found[0][0])

    def move(self, row: OperationRow) -> Generator[tuple[str, Rows], Rows, None]:
        """Inside a transaction: stores how far the operation is. Raises StaleLease."""
        now = self._clock()
        found = yield (
            "ledger_operation_move",
            [(
                row.status, row.phase, row.planned_to, row.total, row.counts, row.error_code,
                row.error, row.started_at, now, row.finished_at, now + LEASE_US, row.strategy,
                row.number, self.owner,
            )],
        )  # fmt: skip
        if not found:
            raise StaleLease("this ledger operation is no longer ours")

    async def cancel(self, id_: str) -> OperationRow:
        """Asks the operation to stop and to undo what it did. Raises NotFound; Conflict for one
        that is finished."""
        if not await self._store.change_one("ledger_operation_cancel", id_):
            row = await self.get(id_)
            raise Conflict(f"operation {id_} is finished: {row.status}")
        return await self.get(id_)

    # -- reading ------------------------------------------------------------------------------

    async def get(self, id_: str) -> OperationRow:
        """Raises NotFound."""
        rows = await self._store.query("ledger_operation", id_)
        if not rows:
            raise NotFound(f"no ledger operation {id_!r:.80}", field="operation")
        return OperationRow(*rows[0])

    async def page(
        self, before: int | None, limit: int, *, status: str = "", point: str = ""
    ) -> Page:
        """Newest first; `before` is the number of the last one seen."""
        top = 2**62 if before is None else before
        found = await self._store.query("ledger_operations_page", top, status, point, limit)
        rows = [OperationRow(*row) for row in found]
        return Page(rows, rows[-1].number if len(rows) == limit else None)

    async def open(self) -> list[OperationRow]:
        return [OperationRow(*row) for row in await self._store.query("ledger_operations_open")]

    async def log(self, row: OperationRow, after: int, limit: int) -> Page:
        found = await self._store.query("ledger_log_page", row.number, after, limit)
        lines = [LogRow(*line) for line in found]
        return Page(lines, lines[-1].number if len(lines) == limit else None)

    async def items(
        self, row: OperationRow, after: tuple[str, str] | None, limit: int, state: str = ""
    ) -> Page:
        found = await self._store.query(
            "ledger_items_page", row.number, *(after or ("", "")), state, limit
        )
        items = [ItemRow(*item) for item in found]
        return Page(items, items[-1].name if len(items) == limit else None)

    # -- conflicts ----------------------------------------------------------------------------

    async def conflict(self, id_: str) -> ConflictRow:
        """Raises NotFound."""
        rows = await self._store.query("ledger_conflict", id_)
        if not rows:
            raise NotFound(f"no conflict {id_!r:.80}", field="conflict")
        return ConflictRow(*rows[0])

    async def conflicts(
        self, before: str | None, limit: int, *, operation: int | None = None, state: str = ""
    ) -> Page:
        """Newest first; `before` is the id of the last one seen."""
        found = await self._store.query(
            "ledger_conflicts_page", before or "~", -1 if operation is None else operation, state,
            limit,
        )  # fmt: skip
        rows = [ConflictRow(*row) for row in found]
        return Page(rows, rows[-1].id if len(rows) == limit else None)


def _scope_key(scope: Scope) -> str:
    return "everything" if scope.is_whole else msgspec.json.encode(scope).decode()[:2000]
