"""Checkpoints of the graph: rollback points that know what they are about."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from ...model.checkpoints import (
    CheckpointContent,
    CheckpointPage,
    CheckpointRequest,
    CheckpointView,
)
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import HEX_ID, Caller, Cursor, Engine, Limit
from ..responses import BODY, errors
from .reading import TAGS

CheckpointId = Annotated[
    str, PathParameter(pattern=HEX_ID, description="The checkpoint's id: that of its point.")
]


@get(
    "/v2/graph/checkpoints",
    operation_id="listCheckpoints",
    summary="List checkpoints of the graph, newest first",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422, 503),
)
async def list_checkpoints(
    runtime: Engine, cursor: Cursor = None, limit: Limit = 50
) -> CheckpointPage:
    """Those that have not expired. Page with `next` as `cursor` until it is null."""
    return await runtime.knowledge.checkpoints.page(cursor, limit)


@post(
    "/v2/graph/checkpoints",
    operation_id="createCheckpoint",
    summary="Make a checkpoint of the graph",
    tags=TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def create_checkpoint(
    runtime: Engine, principal: Caller, data: JSONBody[CheckpointRequest]
) -> CheckpointView:
    """A rollback point at the newest position, about the seeds and what lies around them. It is
    kept for `graph.checkpoint_days`; as any point it can be kept longer or deleted."""
    return await runtime.knowledge.checkpoints.create(data, actor_of(principal))


@get(
    "/v2/graph/checkpoints/{checkpoint_id:str}",
    operation_id="getCheckpoint",
    summary="Show a checkpoint and what lay around its seeds",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422, 503),
)
async def get_checkpoint(
    runtime: Engine, checkpoint_id: CheckpointId, cursor: Cursor = None, limit: Limit = 100
) -> CheckpointContent:
    """The entities within its hops as of its position, a page of them. 410 once it has expired,
    until it is deleted."""
    return await runtime.knowledge.checkpoints.show(checkpoint_id, cursor, limit)


ROUTES: list[HTTPRouteHandler] = [list_checkpoints, create_checkpoint, get_checkpoint]
