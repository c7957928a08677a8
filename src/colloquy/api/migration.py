"""`/v2/migration`: a table of V1 messages that is moved, its steps and its mismatches."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from ..model.migrations import (
    IgnoreRequest,
    MigrationJob,
    MigrationJobList,
    MigrationJobRequest,
    MigrationMove,
    MigrationStart,
    MigrationView,
    Mismatch,
    MismatchPage,
    MismatchState,
)
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import Caller, Cursor, Engine, Limit
from .responses import BODY, errors

_TAGS = ["Migration"]
_MOVED = errors(*BODY, 401, 403, 404, 409, 503)

MismatchNumber = Annotated[int, PathParameter(ge=1, le=2**53, description="The mismatch's number.")]
JobNumber = Annotated[int, PathParameter(ge=1, le=2**53, description="The job's number.")]
State = Annotated[
    MismatchState | None,
    QueryParameter(
        name="state", required=False, description="Only those in this state; else all of them."
    ),
]


@get(
    "/v2/migration",
    operation_id="getMigration",
    summary="Show the migration",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def get_migration(runtime: Engine, limit: Limit = 50) -> MigrationView:
    """The report, some seconds old at most, and the newest `limit` steps. 404 where the setting
    `versions.migration` names no plan."""
    return await runtime.migration.view(limit)


@get(
    "/v2/migration/mismatches",
    operation_id="listMismatches",
    summary="List mismatches",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_mismatches(
    runtime: Engine, cursor: Cursor = None, limit: Limit = 50, only: State = None
) -> MismatchPage:
    """Every field in which the two tables did not agree, oldest first."""
    return await runtime.migration.mismatches(cursor, limit, only)


@post(
    "/v2/migration/mismatches/{mismatch:int}/ignore",
    operation_id="ignoreMismatch",
    summary="Ignore a mismatch",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def ignore_mismatch(
    runtime: Engine, mismatch: MismatchNumber, data: JSONBody[IgnoreRequest]
) -> Mismatch:
    """It may stay, for as long as both values are what they are."""
    return await runtime.migration.ignore(mismatch, data)


@post(
    "/v2/migration/start",
    operation_id="startMigration",
    summary="Start the migration",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def start_migration(
    runtime: Engine, principal: Caller, data: JSONBody[MigrationStart]
) -> MigrationView:
    """Checks the old table, makes the new one beside it, and begins: `shadow`."""
    return await runtime.migration.begin(data, actor_of(principal))


@post(
    "/v2/migration/advance",
    operation_id="advanceMigration",
    summary="Take the next step",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def advance_migration(
    runtime: Engine, principal: Caller, data: JSONBody[MigrationMove]
) -> MigrationView:
    """If the figures of this moment allow it; else `migration_not_ready` with all that is
    missing."""
    return await runtime.migration.advance(data, actor_of(principal))


@post(
    "/v2/migration/back",
    operation_id="takeMigrationBack",
    summary="Take one step back",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def take_migration_back(
    runtime: Engine, principal: Caller, data: JSONBody[MigrationMove]
) -> MigrationView:
    """Nothing is deleted on either side."""
    return await runtime.migration.back(data, actor_of(principal))


@get(
    "/v2/migration/jobs",
    operation_id="listMigrationJobs",
    summary="List jobs of the migration",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def list_jobs(runtime: Engine) -> MigrationJobList:
    """The newest twenty, and how far each came."""
    return await runtime.migration.jobs()


@post(
    "/v2/migration/jobs",
    operation_id="beginMigrationJob",
    summary="Begin a job of the migration",
    tags=_TAGS,
    status_code=202,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=_MOVED,
)
async def begin_job(
    runtime: Engine, principal: Caller, data: JSONBody[MigrationJobRequest]
) -> MigrationJob:
    """One at a time. It outlives the process: a backfill and a recording go on behind their last
    batch, a comparison and a repair begin again."""
    return await runtime.migration.begin_job(data, actor_of(principal))


@delete(
    "/v2/migration/jobs/{job:int}",
    operation_id="stopMigrationJob",
    summary="Stop a job of the migration",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def stop_job(runtime: Engine, job: JobNumber) -> MigrationJob:
    """It ends within a second, and what it has done stays."""
    return await runtime.migration.stop_job(job)


ROUTES: list[HTTPRouteHandler] = [
    get_migration,
    list_mismatches,
    ignore_mismatch,
    start_migration,
    advance_migration,
    take_migration_back,
    list_jobs,
    begin_job,
    stop_job,
]
