"""Conflicts: what stands against restoring a record, explained and decided."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ...model.ledger import (
    ConflictDetail,
    ConflictPage,
    ConflictState,
    ConflictView,
    DecisionRequest,
)
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import Caller, Cursor, Engine, Limit
from ..preconditions import IfMatch
from ..responses import BODY, errors
from .parameters import ConflictId, OfOperation
from .reading import TAGS

State = Annotated[
    ConflictState | None,
    QueryParameter(name="state", required=False, description="Only those in this state."),
]


@get(
    "/v2/ledger/conflicts",
    operation_id="listConflicts",
    summary="List conflicts, newest first",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_conflicts(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    operation_id: OfOperation = None,
    only: State = None,
) -> ConflictPage:
    """Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.conflicts(
        cursor, limit, operation_id=operation_id, state=only or ""
    )


@get(
    "/v2/ledger/conflicts/{conflict_id:str}",
    operation_id="getConflict",
    summary="Show one conflict, explained",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def get_conflict(runtime: Engine, conflict_id: ConflictId) -> ConflictDetail:
    """Its values, both sides line by line, what can be done and what is recommended."""
    return await runtime.ledger.conflict(conflict_id)


@post(
    "/v2/ledger/conflicts/{conflict_id:str}/decision",
    operation_id="decideConflict",
    summary="Decide a conflict",
    tags=TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 412, 503),
)
async def decide_conflict(
    runtime: Engine,
    principal: Caller,
    conflict_id: ConflictId,
    data: JSONBody[DecisionRequest],
    precondition: IfMatch,
) -> ConflictView:
    """The operation goes on by itself. One of the conflict's `choices`; `edit` needs a `value`.
    With `If-Match` only if nobody decided meanwhile."""

    async def read() -> ConflictDetail:
        return await runtime.ledger.conflict(conflict_id)

    version = await precondition.version(read)
    return await runtime.ledger.decide(conflict_id, data, actor_of(principal), version)


ROUTES: list[HTTPRouteHandler] = [list_conflicts, get_conflict, decide_conflict]
