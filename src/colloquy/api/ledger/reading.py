"""Reading: changes, differences, records as they were, the audit trail, where the ledger is."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from ...ledger.scope import Scope
from ...model.ledger import (
    AuditPage,
    ChangeDetail,
    ChangePage,
    DifferencePage,
    LedgerStatus,
    RecordView,
)
from ..access import needs
from ..parameters import Cursor, Engine, Limit
from ..responses import errors
from .parameters import (
    Actor,
    At,
    Collection,
    CollectionName,
    Entity,
    Exclude,
    From,
    Include,
    Key,
    OfConversation,
    Origin,
    Position,
    RecordKey,
    Shown,
    Since,
    Style,
    To,
    Until,
    moment,
)

TAGS = ["Ledger"]

AuditEvent = Annotated[
    Literal[
        "rollback_created", "rollback_executed", "rollback_failed", "rollback_cancelled",
        "conflict_detected", "conflict_resolved", "point_deleted", "cleanup_performed",
        "snapshot_exported", "snapshot_imported", "files_restored",
    ] | None,
    QueryParameter(name="event", required=False, description="Only entries of this kind."),
]  # fmt: skip
AuditSeverity = Annotated[
    Literal["info", "warn", "error", "critical"] | None,
    QueryParameter(name="severity", required=False, description="Only entries of this severity."),
]


@get(
    "/v2/ledger/status",
    operation_id="ledgerStatus",
    summary="Show where the ledger is, and what can be restored",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 503),
)
async def ledger_status(runtime: Engine) -> LedgerStatus:
    """Positions from `horizon` on can be restored; of what was before, live points."""
    return await runtime.ledger.status()


@get(
    "/v2/ledger/changes",
    operation_id="listChanges",
    summary="List changes of records, newest first",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_changes(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    collection: Collection = None,
    key: Key = None,
    actor: Actor = None,
    conversation_id: OfConversation = None,
    origin: Origin = None,
    since: Since = None,
    until: Until = None,
) -> ChangePage:
    """Without their values. `key` needs `collection`. Page with `next` as `cursor` until it is
    null."""
    return await runtime.ledger.changes(
        cursor,
        limit,
        collection=collection or "",
        key=key or "",
        actor=actor or "",
        conversation_id=conversation_id,
        origin=origin or "",
        since=moment(since, "since"),
        until=moment(until, "until"),
    )


@get(
    "/v2/ledger/changes/{position:int}",
    operation_id="getChange",
    summary="Show one change with its values",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def get_change(runtime: Engine, position: Position, format: Style = "line") -> ChangeDetail:
    """What the record was before and after, and the difference of both."""
    return await runtime.ledger.change(position, format)


@get(
    "/v2/ledger/diff",
    operation_id="diffLedger",
    summary="Compare two moments, record by record",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422, 503),
)
async def diff_ledger(
    runtime: Engine,
    start: From,
    end: To = None,
    cursor: Cursor = None,
    limit: Shown = 50,
    collection: Collection = None,
    key: Key = None,
    include: Include = None,
    exclude: Exclude = None,
    entity: Entity = None,
    format: Style = "line",
) -> DifferencePage:
    """Records that differ, in the order of their names. `from` may be the later moment. `key` needs
    `collection`. Page with `next` as `cursor` until it is null."""
    scope = Scope(
        collections=() if collection is None or key is not None else (collection,),
        keys=() if key is None else (f"{collection or ''}/{key}",),
        include=() if include is None else (include,),
        exclude=() if exclude is None else (exclude,),
        entities=() if entity is None else (entity,),
    )
    return await runtime.ledger.differences(start, end, cursor, limit, scope=scope, format=format)


@get(
    "/v2/ledger/records/{collection:str}",
    operation_id="getRecord",
    summary="Show a record, now or as it was",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422, 503),
)
async def get_record(
    runtime: Engine, collection: CollectionName, key: RecordKey, at: At = None
) -> RecordView:
    """Without `value` there was none. The key is a parameter because any text may be one."""
    return await runtime.ledger.record(collection, key, at)


@get(
    "/v2/ledger/audit",
    operation_id="listLedgerAudit",
    summary="List who did what to points and operations, newest first",
    tags=TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_audit(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    event: AuditEvent = None,
    severity: AuditSeverity = None,
    actor: Actor = None,
    conversation_id: OfConversation = None,
    since: Since = None,
    until: Until = None,
) -> AuditPage:
    """Secrets and personal data are masked. Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.audit(
        cursor,
        limit,
        event=event or "",
        severity=severity or "",
        actor=actor or "",
        conversation_id=conversation_id,
        since=moment(since, "since"),
        until=moment(until, "until"),
    )


ROUTES: list[HTTPRouteHandler] = [
    ledger_status,
    list_changes,
    get_change,
    diff_ledger,
    get_record,
    list_audit,
]
