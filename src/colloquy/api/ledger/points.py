"""Rollback points: names for positions of the ledger."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ...model.ledger import PointChange, PointPage, PointRequest, PointView
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import Caller, Cursor, Engine, Limit
from ..responses import BODY, errors
from .parameters import OfConversation, PointId
from .reading import TAGS

Automatic = Annotated[
    str | None,
    QueryParameter(
        required=False,
        pattern=r"^[a-z_]{1,64}$",
        description="Only those made by themselves on this occasion: `before_rollback`, `session`.",
    ),
]


@get(
    "/v2/ledger/points",
    operation_id="listPoints",
    summary="List rollback points, newest first",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_points(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    conversation_id: OfConversation = None,
    automatic: Automatic = None,
) -> PointPage:
    """Those that have not expired. Page with `next` as `cursor` until it is null."""
    return await runtime.ledger.points(
        cursor, limit, conversation_id=conversation_id, automatic=automatic or ""
    )


@post(
    "/v2/ledger/points",
    operation_id="createPoint",
    summary="Make a rollback point",
    tags=TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def create_point(
    runtime: Engine, principal: Caller, data: JSONBody[PointRequest]
) -> PointView:
    """At the newest position. It expires after 90 days unless `expires_in_s` says otherwise."""
    return await runtime.ledger.create_point(data, actor_of(principal))


@get(
    "/v2/ledger/points/{point_id:str}",
    operation_id="getPoint",
    summary="Show one rollback point",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422, 503),
)
async def get_point(runtime: Engine, point_id: PointId) -> PointView:
    """410 for one that has expired, until it is deleted."""
    return await runtime.ledger.point(point_id)


@patch(
    "/v2/ledger/points/{point_id:str}",
    operation_id="changePoint",
    summary="Keep a rollback point, or let it expire",
    tags=TAGS,
    guards=[needs("operate")],
    responses=errors(*BODY, 401, 403, 404, 410, 503),
)
async def change_point(
    runtime: Engine, point_id: PointId, data: JSONBody[PointChange]
) -> PointView:
    """Counted from now."""
    return await runtime.ledger.change_point(point_id, data)


@delete(
    "/v2/ledger/points/{point_id:str}",
    operation_id="deletePoint",
    summary="Delete a rollback point",
    tags=TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def delete_point(runtime: Engine, principal: Caller, point_id: PointId) -> None:
    """What only it kept goes with the next compaction. 409 while an operation uses it."""
    await runtime.ledger.delete_point(point_id, actor_of(principal))


ROUTES: list[HTTPRouteHandler] = [list_points, create_point, get_point, change_point, delete_point]
