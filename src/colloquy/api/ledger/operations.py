"""Rollbacks: previewed, begun, watched, cancelled, undone."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ...model.ledger import (
    ItemPage,
    ItemState,
    OperationLog,
    OperationPage,
    OperationStatus,
    OperationView,
    PreviewView,
    RollbackRequest,
    UndoRequest,
)
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import Caller, Cursor, Engine, Limit
from ..responses import BODY, errors
from .parameters import OfPoint, OperationId, Shown, Style
from .reading import TAGS

Status = Annotated[
    OperationStatus | None,
    QueryParameter(name="status", required=False, description="Only those of this status."),
]
State = Annotated[
    ItemState | None,
    QueryParameter(name="state", required=False, description="Only records in this state."),
]


@post(
    "/v2/ledger/preview",
    operation_id="previewRollback",
    summary="Show what a rollback would do",
    tags=TAGS,
    status_code=200,
    guards=[needs("read")],
    responses=errors(*BODY, 401, 403, 404, 410, 503),
)
async def preview_rollback(
    runtime: Engine,
    data: JSONBody[RollbackRequest],
    cursor: Cursor = None,
    limit: Shown = 50,
    format: Style = "semantic",
) -> PreviewView:
    """Writes nothing. Page through the effects with `next` as `cursor` until it is null."""
    return await runtime.ledger.preview(data, cursor, limit, format)


@post(
    "/v2/ledger/rollbacks",
    operation_id="startRollback",
    summary="Begin a rollback",
    tags=TAGS,
    status_code=202,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 410, 503),
)
async def start_rollback(
    runtime: Engine, principal: Caller, data: JSONBody[RollbackRequest]
) -> OperationView:
    """It goes on by itself, also after a restart: ask for the operation until it is finished. A
    point before it is made by itself. 409 while another needs the same records."""
    return await runtime.ledger.rollback(data, actor_of(principal))


@get(
    "/v2/ledger/operations",
    operation_id="listOperations",
    summary="List operations, newest first",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422, 503),
)
async def list_operations(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    point: OfPoint = None,
) -> OperationPage:
    """Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.operations(cursor, limit, status=status or "", point=point or "")


@get(
    "/v2/ledger/operations/{operation_id:str}",
    operation_id="getOperation",
    summary="Show one operation and how far it is",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def get_operation(runtime: Engine, operation_id: OperationId) -> OperationView:
    """`waiting` means that conflicts wait for a decision."""
    return await runtime.ledger.operation(operation_id)


@get(
    "/v2/ledger/operations/{operation_id:str}/log",
    operation_id="listOperationLog",
    summary="Show what an operation wrote into its log",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_log(
    runtime: Engine, operation_id: OperationId, cursor: Cursor = None, limit: Limit = 50
) -> OperationLog:
    """Oldest first. Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.operation_log(operation_id, cursor, limit)


@get(
    "/v2/ledger/operations/{operation_id:str}/items",
    operation_id="listOperationItems",
    summary="List the records of an operation",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_items(
    runtime: Engine,
    operation_id: OperationId,
    cursor: Cursor = None,
    limit: Limit = 50,
    only: State = None,
) -> ItemPage:
    """In the order of their names. Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.operation_items(operation_id, cursor, limit, only or "")


@post(
    "/v2/ledger/operations/{operation_id:str}/cancel",
    operation_id="cancelOperation",
    summary="Cancel an operation",
    tags=TAGS,
    status_code=202,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def cancel_operation(runtime: Engine, operation_id: OperationId) -> OperationView:
    """It stops before the next batch and undoes what it did."""
    return await runtime.ledger.cancel(operation_id)


@post(
    "/v2/ledger/operations/{operation_id:str}/undo",
    operation_id="undoOperation",
    summary="Undo a finished operation",
    tags=TAGS,
    status_code=202,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 410, 503),
)
async def undo_operation(
    runtime: Engine, principal: Caller, operation_id: OperationId, data: JSONBody[UndoRequest]
) -> OperationView:
    """Takes back what it wrote, as an operation of its own."""
    return await runtime.ledger.undo(operation_id, data, actor_of(principal))


ROUTES: list[HTTPRouteHandler] = [
    preview_rollback,
    start_rollback,
    list_operations,
    get_operation,
    list_log,
    list_items,
    cancel_operation,
    undo_operation,
]
