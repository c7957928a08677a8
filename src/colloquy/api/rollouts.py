"""`/v2/rollouts` and `/v2/rollbacks`: roll-outs that go on by themselves, the way back by level."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from ..model.rollouts import (
    LevelPage,
    LevelPlan,
    LevelRequest,
    LevelView,
    RolloutNote,
    RolloutPage,
    RolloutRequest,
    RolloutView,
)
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import HEX_ID, Caller, Cursor, Engine, Limit
from .responses import BODY, errors

_TAGS = ["Roll-outs"]
_MOVED = errors(*BODY, 401, 403, 404, 409, 503)

Flag = Annotated[
    str, PathParameter(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="The flag's name.")
]
RollbackId = Annotated[str, PathParameter(pattern=HEX_ID, description="The rollback's id.")]


@get(
    "/v2/rollouts",
    operation_id="listRollouts",
    summary="List roll-outs",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422),
)
async def list_rollouts(runtime: Engine, cursor: Cursor = None, limit: Limit = 50) -> RolloutPage:
    """The newest of each flag, with what the guard found; and how turns of V1 and V2 clients
    ended lately."""
    return runtime.rollouts.page(cursor, limit)


@post(
    "/v2/rollouts",
    operation_id="startRollout",
    summary="Begin a roll-out",
    tags=_TAGS,
    status_code=201,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def start_rollout(
    runtime: Engine, principal: Caller, data: JSONBody[RolloutRequest]
) -> RolloutView:
    """Serves the first percentage at once, goes on by itself, and takes the flag back where the
    guard finds it broken."""
    return await runtime.rollouts.begin(data, actor_of(principal))


@get(
    "/v2/rollouts/{flag:str}",
    operation_id="getRollout",
    summary="Show a flag's roll-out",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def get_rollout(runtime: Engine, flag: Flag) -> RolloutView:
    """The newest one of the flag: where it stands, what happened to it, and the verdict now."""
    return runtime.rollouts.show(flag)


@post(
    "/v2/rollouts/{flag:str}/pause",
    operation_id="pauseRollout",
    summary="Pause a roll-out",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def pause_rollout(
    runtime: Engine, principal: Caller, flag: Flag, data: JSONBody[RolloutNote]
) -> RolloutView:
    """It stays at its percentage. The guard still looks, and may take it back."""
    return await runtime.rollouts.pause(flag, data, actor_of(principal))


@post(
    "/v2/rollouts/{flag:str}/resume",
    operation_id="resumeRollout",
    summary="Resume a roll-out",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def resume_rollout(
    runtime: Engine, principal: Caller, flag: Flag, data: JSONBody[RolloutNote]
) -> RolloutView:
    """Its step is held anew, from now on."""
    return await runtime.rollouts.resume(flag, data, actor_of(principal))


@post(
    "/v2/rollouts/{flag:str}/cancel",
    operation_id="cancelRollout",
    summary="Cancel a roll-out",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def cancel_rollout(
    runtime: Engine, principal: Caller, flag: Flag, data: JSONBody[RolloutNote]
) -> RolloutView:
    """The flag is as it was before it began."""
    return await runtime.rollouts.cancel(flag, data, actor_of(principal))


@get(
    "/v2/rollbacks",
    operation_id="listRollbacks",
    summary="List rollbacks by level",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422, 503),
)
async def list_rollbacks(runtime: Engine, cursor: Cursor = None, limit: Limit = 50) -> LevelPage:
    """Those that the guard made, and those of operators."""
    return await runtime.rollouts.levels.page(cursor, limit)


@post(
    "/v2/rollbacks",
    operation_id="takeBack",
    summary="Take back by level",
    tags=_TAGS,
    status_code=201,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def take_back(runtime: Engine, principal: Caller, data: JSONBody[LevelRequest]) -> LevelView:
    """Flags and switches change in one transaction, everywhere within a second; then run the steps
    of your own, newest first, until one fails."""
    return await runtime.rollouts.levels.back(data, actor_of(principal))


@post(
    "/v2/rollbacks/preview",
    operation_id="previewTakingBack",
    summary="Say what a level would change",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def preview_taking_back(runtime: Engine, data: JSONBody[LevelRequest]) -> LevelPlan:
    """Nothing is changed."""
    return await runtime.rollouts.levels.preview(data)


@get(
    "/v2/rollbacks/{rollback_id:str}",
    operation_id="getRollback",
    summary="Show a rollback by level",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def get_rollback(runtime: Engine, rollback_id: RollbackId) -> LevelView:
    """What it changed, how its steps ended, and how long it took."""
    return await runtime.rollouts.levels.get(rollback_id)


@post(
    "/v2/rollbacks/{rollback_id:str}/undo",
    operation_id="undoRollback",
    summary="Undo a rollback by level",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def undo_rollback(runtime: Engine, principal: Caller, rollback_id: RollbackId) -> LevelView:
    """Flags and switches are what they were before it; what was changed since is left alone, and
    listed in `left`. Roll-outs that it ended do not go on."""
    return await runtime.rollouts.levels.undo(rollback_id, actor_of(principal))


ROUTES: list[HTTPRouteHandler] = [
    list_rollouts,
    start_rollout,
    get_rollout,
    pause_rollout,
    resume_rollout,
    cancel_rollout,
    list_rollbacks,
    take_back,
    preview_taking_back,
    get_rollback,
    undo_rollback,
]
