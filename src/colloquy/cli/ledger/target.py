"""The ledger of a running server or of a closed database, by the same methods."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...model.ledger import (
    AuditPage,
    ChangeDetail,
    ChangePage,
    CompactionView,
    CompactRequest,
    ConflictDetail,
    ConflictPage,
    ConflictState,
    ConflictView,
    DecisionRequest,
    DifferencePage,
    Format,
    ImportPolicy,
    ImportView,
    ItemPage,
    ItemState,
    LedgerStatus,
    LogLine,
    OperationLog,
    OperationPage,
    OperationStatus,
    OperationView,
    PointChange,
    PointPage,
    PointRequest,
    PointView,
    PreviewView,
    RecordView,
    RollbackRequest,
    UndoRequest,
)
from ..options import Reach
from ..target import ACTOR, Local, reached

if TYPE_CHECKING:
    from ...client import AsyncClient
    from ...runtime.ledger import LedgerDesk

T = TypeVar("T")

POLL_S = 0.2
ENDED = ("completed", "failed", "cancelled")
OVER = (*ENDED, "waiting")
"""Where an operation stands still."""


class LocalLedger:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, desk: LedgerDesk) -> None:
        self.desk = desk

    async def ledger_status(self) -> LedgerStatus:
        return await self.desk.status()

    async def change_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        collection: str | None = None,
        key: str | None = None,
        actor: str | None = None,
        conversation_id: str | None = None,
        origin: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> ChangePage:
        return await self.desk.changes(
            cursor,
            limit,
            collection=collection or "",
            key=key or "",
            actor=actor or "",
            conversation_id=conversation_id,
            origin=origin or "",
            since=since,
            until=until,
        )

    async def change(self, position: int, format: Format = "line") -> ChangeDetail:
        return await self.desk.change(position, format)

    async def ledger_diff_page(
        self,
        start: str,
        end: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        collection: str | None = None,
        key: str | None = None,
        include: str | None = None,
        exclude: str | None = None,
        format: Format = "line",
    ) -> DifferencePage:
        from ...ledger.scope import Scope

        scope = Scope(
            collections=() if collection is None or key is not None else (collection,),
            keys=() if key is None else (f"{collection or ''}/{key}",),
            include=() if include is None else (include,),
            exclude=() if exclude is None else (exclude,),
        )
        return await self.desk.differences(start, end, cursor, limit, scope=scope, format=format)

    async def record(self, collection: str, key: str, at: str | None = None) -> RecordView:
        return await self.desk.record(collection, key, at)

    async def audit_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        event: str | None = None,
        severity: str | None = None,
        actor: str | None = None,
    ) -> AuditPage:
        return await self.desk.audit(
            cursor, limit, event=event or "", severity=severity or "", actor=actor or ""
        )

    async def point_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        conversation_id: str | None = None,
        automatic: str | None = None,
    ) -> PointPage:
        return await self.desk.points(
            cursor, limit, conversation_id=conversation_id, automatic=automatic or ""
        )

    async def create_point(self, request: PointRequest) -> PointView:
        return await self.desk.create_point(request, ACTOR)

    async def change_point(self, point_id: str, change: PointChange) -> PointView:
        return await self.desk.change_point(point_id, change)

    async def delete_point(self, point_id: str) -> None:
        await self.desk.delete_point(point_id, ACTOR)

    async def preview_rollback(
        self, request: RollbackRequest, cursor: str | None = None, limit: int = 50
    ) -> PreviewView:
        return await self.desk.preview(request, cursor, limit)

    async def rollback(self, request: RollbackRequest) -> OperationView:
        return await self.desk.rollback(request, ACTOR)

    async def undo_operation(self, operation_id: str, request: UndoRequest) -> OperationView:
        return await self.desk.undo(operation_id, request, ACTOR)

    async def cancel_operation(self, operation_id: str) -> OperationView:
        await self.desk.cancel(operation_id)
        return await self.desk.carry_out(operation_id)

    async def ledger_operation_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        status: OperationStatus | None = None,
        point: str | None = None,
    ) -> OperationPage:
        return await self.desk.operations(cursor, limit, status=status or "", point=point or "")

    async def ledger_operation(self, operation_id: str) -> OperationView:
        return await self.desk.operation(operation_id)

    async def operation_log_page(
        self, operation_id: str, cursor: str | None = None, limit: int = 50
    ) -> OperationLog:
        return await self.desk.operation_log(operation_id, cursor, limit)

    async def operation_item_page(
        self,
        operation_id: str,
        cursor: str | None = None,
        limit: int = 50,
        state: ItemState | None = None,
    ) -> ItemPage:
        return await self.desk.operation_items(operation_id, cursor, limit, state or "")

    async def conflict_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        operation_id: str | None = None,
        state: ConflictState | None = None,
    ) -> ConflictPage:
        return await self.desk.conflicts(
            cursor, limit, operation_id=operation_id, state=state or ""
        )

    async def conflict(self, conflict_id: str) -> ConflictDetail:
        return await self.desk.conflict(conflict_id)

    async def decide_conflict(self, conflict_id: str, request: DecisionRequest) -> ConflictView:
        decided = await self.desk.decide(conflict_id, request, ACTOR)
        await self.desk.carry_out(decided.operation_id)
        return decided

    async def export_point(self, point_id: str) -> bytes:
        file = io.BytesIO()
        await self.desk.export(file, ACTOR, point_id)
        return file.getvalue()

    async def import_snapshot(
        self, snapshot: bytes, policy: ImportPolicy = "abort", reason: str = ""
    ) -> ImportView:
        with tempfile.NamedTemporaryFile() as file:
            file.write(snapshot)
            file.flush()
            return await self.desk.import_snapshot(Path(file.name), policy, ACTOR, reason)

    async def compact_ledger(self, request: CompactRequest) -> CompactionView:
        return await self.desk.compact(request)


if TYPE_CHECKING:
    Target = LocalLedger | AsyncClient


def asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    """What the ledger that `reach` means answers; raises as `reached` does."""

    async def work() -> T:
        async with reached(reach) as target:
            return await ask(
                LocalLedger(target.runtime.ledger) if isinstance(target, Local) else target
            )

    return asyncio.run(work())


async def followed(
    target: Target, operation: OperationView, seen: Callable[[OperationView], None]
) -> OperationView:
    """The operation once it stands still; `seen` is told how far it is. In a database that nobody
    serves it is carried out here."""
    running: asyncio.Task[OperationView] | None = None
    if isinstance(target, LocalLedger):
        running = asyncio.create_task(target.desk.carry_out(operation.id))
    try:
        while operation.status not in OVER:
            if running is not None:
                await asyncio.wait([running], timeout=POLL_S)
                if running.done():
                    return running.result()
            else:
                await asyncio.sleep(POLL_S)
            operation = await target.ledger_operation(operation.id)
            seen(operation)
    finally:
        if running is not None:
            await running
    return operation


async def log_followed(
    target: Target,
    operation_id: str,
    cursor: str | None,
    limit: int,
    seen: Callable[[LogLine], None],
) -> None:
    """Tells `seen` each line of an operation's log once, until the operation has ended. In a
    database that nobody serves nothing follows: what is there is told."""
    last = 0
    while True:
        # First, so that the log which is read then has its last line.
        operation = await target.ledger_operation(operation_id)
        while True:
            page = await target.operation_log_page(operation_id, cursor, limit)
            for line in page.lines:
                if line.number > last:
                    seen(line)
                    last = line.number
            if page.next is None:
                break
            cursor = page.next
        if operation.status in ENDED or isinstance(target, LocalLedger):
            return
        await asyncio.sleep(POLL_S)
