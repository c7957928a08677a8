"""Operations on the ledger: `/v2/ledger`."""

from __future__ import annotations

from datetime import datetime

from ..model.ledger import (
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
from .operation import operation, paged
from .request import Ask, json, nothing


class LedgerOperations:
    """`/v2/ledger`."""

    @operation("GET", "/v2/ledger/status")
    def ledger_status(self) -> Ask[LedgerStatus]:
        """Where the ledger is, and what can be restored."""
        return Ask(json(LedgerStatus))

    # -- the log ------------------------------------------------------------------------------

    @operation("GET", "/v2/ledger/changes")
    def change_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        collection: str | None = None,
        key: str | None = None,
        actor: str | None = None,
        conversation_id: str | None = None,
        origin: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Ask[ChangePage]:
        """One page of changes, newest first. `key` needs `collection`."""
        query = {
            "cursor": cursor,
            "limit": limit,
            "collection": collection,
            "key": key,
            "actor": actor,
            "conversation_id": conversation_id,
            "origin": origin,
            "since": _moment(since),
            "until": _moment(until),
        }
        return Ask(json(ChangePage), query=query)

    changes = paged(
        change_page,
        lambda page: page.changes,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/ledger/changes/{position}")
    def change(self, position: int, format: Format | None = None) -> Ask[ChangeDetail]:
        """One change with the values before and after it."""
        return Ask(json(ChangeDetail), path={"position": position}, query={"format": format})

    @operation("GET", "/v2/ledger/diff")
    def ledger_diff_page(
        self,
        start: str,
        end: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        collection: str | None = None,
        key: str | None = None,
        include: str | None = None,
        exclude: str | None = None,
        entity: str | None = None,
        format: Format | None = None,
    ) -> Ask[DifferencePage]:
        """One page of records that differ. Moments are positions, ids of points, or times."""
        query = {
            "from": start,
            "to": end,
            "cursor": cursor,
            "limit": limit,
            "collection": collection,
            "key": key,
            "include": include,
            "exclude": exclude,
            "entity": entity,
            "format": format,
        }
        return Ask(json(DifferencePage), query=query)

    ledger_diff = paged(
        ledger_diff_page,
        lambda page: page.differences,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/ledger/records/{collection}")
    def record(self, collection: str, key: str, at: str | None = None) -> Ask[RecordView]:
        """A record now, or at a moment."""
        return Ask(json(RecordView), path={"collection": collection}, query={"key": key, "at": at})

    @operation("GET", "/v2/ledger/audit")
    def audit_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        event: str | None = None,
        severity: str | None = None,
        actor: str | None = None,
        conversation_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Ask[AuditPage]:
        """One page of the audit trail, newest first."""
        query = {
            "cursor": cursor,
            "limit": limit,
            "event": event,
            "severity": severity,
            "actor": actor,
            "conversation_id": conversation_id,
            "since": _moment(since),
            "until": _moment(until),
        }
        return Ask(json(AuditPage), query=query)

    audit = paged(
        audit_page,
        lambda page: page.entries,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    # -- points -------------------------------------------------------------------------------

    @operation("GET", "/v2/ledger/points")
    def point_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        conversation_id: str | None = None,
        automatic: str | None = None,
    ) -> Ask[PointPage]:
        """One page of live points, newest first."""
        query = {
            "cursor": cursor,
            "limit": limit,
            "conversation_id": conversation_id,
            "automatic": automatic,
        }
        return Ask(json(PointPage), query=query)

    points = paged(
        point_page,
        lambda page: page.points,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/ledger/points")
    def create_point(self, request: PointRequest) -> Ask[PointView]:
        """A new point at the newest position."""
        return Ask(json(PointView), body=request)

    @operation("GET", "/v2/ledger/points/{point_id}")
    def point(self, point_id: str) -> Ask[PointView]:
        """One point."""
        return Ask(json(PointView), path={"point_id": point_id})

    @operation("PATCH", "/v2/ledger/points/{point_id}")
    def change_point(self, point_id: str, change: PointChange) -> Ask[PointView]:
        """Keeps a point, or lets it expire."""
        return Ask(json(PointView), path={"point_id": point_id}, body=change)

    @operation("DELETE", "/v2/ledger/points/{point_id}")
    def delete_point(self, point_id: str) -> Ask[None]:
        """What only it kept goes with the next compaction."""
        return Ask(nothing, path={"point_id": point_id})

    @operation("GET", "/v2/ledger/points/{point_id}/export")
    def export_point(self, point_id: str) -> Ask[bytes]:
        """The records as of a point, as a snapshot. It is held in memory whole."""
        return Ask(bytes, path={"point_id": point_id})

    @operation("POST", "/v2/ledger/import")
    def import_snapshot(
        self, snapshot: bytes, policy: ImportPolicy | None = None, reason: str | None = None
    ) -> Ask[ImportView]:
        """Writes the records of a snapshot, once all of it was verified."""
        query = {"policy": policy, "reason": reason}
        return Ask(json(ImportView), query=query, content=snapshot, has_id=True)

    @operation("POST", "/v2/ledger/compact")
    def compact_ledger(self, request: CompactRequest) -> Ask[CompactionView]:
        """Forgets what is old, but for what live points need."""
        return Ask(json(CompactionView), body=request)

    # -- restoring ----------------------------------------------------------------------------

    @operation("POST", "/v2/ledger/preview")
    def preview_rollback(
        self,
        request: RollbackRequest,
        cursor: str | None = None,
        limit: int | None = None,
        format: Format | None = None,
    ) -> Ask[PreviewView]:
        """What a rollback would do. Nothing is written."""
        query = {"cursor": cursor, "limit": limit, "format": format}
        return Ask(json(PreviewView), query=query, body=request)

    @operation("POST", "/v2/ledger/rollbacks")
    def rollback(self, request: RollbackRequest) -> Ask[OperationView]:
        """Begins an operation, which goes on by itself."""
        return Ask(json(OperationView), body=request)

    @operation("GET", "/v2/ledger/operations")
    def ledger_operation_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        status: OperationStatus | None = None,
        point: str | None = None,
    ) -> Ask[OperationPage]:
        """One page of operations, newest first."""
        query = {"cursor": cursor, "limit": limit, "status": status, "point": point}
        return Ask(json(OperationPage), query=query)

    ledger_operations = paged(
        ledger_operation_page,
        lambda page: page.operations,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/ledger/operations/{operation_id}")
    def ledger_operation(self, operation_id: str) -> Ask[OperationView]:
        """One operation and how far it is."""
        return Ask(json(OperationView), path={"operation_id": operation_id})

    @operation("GET", "/v2/ledger/operations/{operation_id}/log")
    def operation_log_page(
        self, operation_id: str, cursor: str | None = None, limit: int | None = None
    ) -> Ask[OperationLog]:
        """One page of an operation's log, oldest first."""
        return Ask(
            json(OperationLog),
            path={"operation_id": operation_id},
            query={"cursor": cursor, "limit": limit},
        )

    operation_log = paged(
        operation_log_page,
        lambda page: page.lines,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/ledger/operations/{operation_id}/items")
    def operation_item_page(
        self,
        operation_id: str,
        cursor: str | None = None,
        limit: int | None = None,
        state: ItemState | None = None,
    ) -> Ask[ItemPage]:
        """One page of an operation's records, in the order of their names."""
        return Ask(
            json(ItemPage),
            path={"operation_id": operation_id},
            query={"cursor": cursor, "limit": limit, "state": state},
        )

    operation_items = paged(
        operation_item_page,
        lambda page: page.items,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/ledger/operations/{operation_id}/cancel")
    def cancel_operation(self, operation_id: str) -> Ask[OperationView]:
        """It stops before its next batch and undoes what it did."""
        return Ask(json(OperationView), path={"operation_id": operation_id})

    @operation("POST", "/v2/ledger/operations/{operation_id}/undo")
    def undo_operation(
        self, operation_id: str, request: UndoRequest | None = None
    ) -> Ask[OperationView]:
        """Takes back what a finished operation wrote."""
        return Ask(
            json(OperationView),
            path={"operation_id": operation_id},
            body=request or UndoRequest(),
        )

    # -- conflicts ----------------------------------------------------------------------------

    @operation("GET", "/v2/ledger/conflicts")
    def conflict_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        operation_id: str | None = None,
        state: ConflictState | None = None,
    ) -> Ask[ConflictPage]:
        """One page of conflicts, newest first."""
        query = {"cursor": cursor, "limit": limit, "operation_id": operation_id, "state": state}
        return Ask(json(ConflictPage), query=query)

    conflicts = paged(
        conflict_page,
        lambda page: page.conflicts,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/ledger/conflicts/{conflict_id}")
    def conflict(self, conflict_id: str) -> Ask[ConflictDetail]:
        """One conflict with its values, explained."""
        return Ask(json(ConflictDetail), path={"conflict_id": conflict_id})

    @operation("POST", "/v2/ledger/conflicts/{conflict_id}/decision")
    def decide_conflict(self, conflict_id: str, request: DecisionRequest) -> Ask[ConflictView]:
        """Its operation goes on by itself."""
        return Ask(json(ConflictView), path={"conflict_id": conflict_id}, body=request)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
