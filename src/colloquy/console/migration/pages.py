"""Where the migration stands, and the mismatches behind its figures."""

from __future__ import annotations

from typing import Any, cast, get_args

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from ...api.parameters import Engine
from ...model.errors import ColloquyError, Unavailable
from ...model.migrations import (
    MigrationJob,
    MigrationStage,
    MigrationView,
    MismatchPage,
    MismatchState,
)
from ..access import CurrentOperator, Operator, requires
from ..forms import FormRequest
from ..ledger.fields import cursor_of, href, names_of, param
from ..render import page
from .words import (
    GOAL,
    JOB_STATES,
    JOBS,
    KINDS,
    STAGES,
    STATES,
    WORK,
    adoption_of,
    percent_of,
    strip_of,
)

HOME = "/console/migration"
MISMATCHES = f"{HOME}/mismatches"
PAGE = 50
STEPS = 20
"""Newest steps that the page shows."""


@get("/migration", guards=[requires("operate")])
async def show_migration(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Stage, figures, what the next step misses, history; says so where there is no migration."""
    return await show(request, runtime, operator)


@get("/migration/jobs", guards=[requires("operate")])
async def show_jobs(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """How far the job is: a part of the page, asked for again until it is over."""
    stage = await runtime.migration.stage()
    jobs = (await runtime.migration.jobs()).jobs
    return page(
        request, "migration/_jobs.html", **_jobs(runtime, operator, stage, jobs), error=None
    )


@get("/migration/mismatches", guards=[requires("operate")])
async def list_mismatches(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Of one state, the oldest first. Raises NotFound where there is no migration."""
    return await show_mismatches(request, runtime, operator)


async def show(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    *,
    reason: str = "",
    error: ColloquyError | None = None,
    place: str = "step",
) -> Response[Any]:
    """`error`: why a step (or in the `place` jobs a job) was refused, `reason` what was sent with
    it."""
    view: MigrationView | None = None
    jobs: list[MigrationJob] = []
    away: ColloquyError | None = None
    if runtime.migration.is_configured:
        try:
            view = await runtime.migration.view(STEPS)
            jobs = (await runtime.migration.jobs()).jobs
        except Unavailable as found:
            away = found
    status = next((one.status for one in (error, away) if one is not None), 200)
    adoption = adoption_of(runtime.rollouts.page(None, 1).versions)
    return page(
        request,
        "migration/page.html",
        status,
        view=view,
        away=away,
        error=error,
        place=place,
        missing=[] if error is None else error.extra.get("missing", []),
        reason=reason,
        strip=strip_of(view.state.stage) if view is not None else [],
        adoption=adoption,
        goal=GOAL,
        **_jobs(runtime, operator, None if view is None else view.state.stage, jobs),
        may_read=operator.may("read"),
        stages=STAGES,
        work=WORK,
        kinds=KINDS,
        states=STATES,
        percent=percent_of,
        href=href,
    )


async def show_mismatches(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    error: ColloquyError | None = None,
    refused: int = 0,
) -> Response[Any]:
    """`error`: why the mismatch `refused` was not ignored."""
    asked = param(request, "state", 20)
    chosen = asked if asked in get_args(MismatchState) else "open"
    cursor = cursor_of(request)
    found: MismatchPage = await runtime.migration.mismatches(
        cursor, PAGE, cast("MismatchState", chosen)
    )
    return page(
        request,
        "migration/mismatches.html",
        200 if error is None else error.status,
        rows=found.mismatches,
        chosen=chosen,
        cursor=cursor or "",
        next=href(MISMATCHES, state=chosen, cursor=found.next) if found.next else None,
        first=href(MISMATCHES, state=chosen) if cursor else None,
        error=error,
        refused=refused,
        may_change=operator.may("admin"),
        kinds=KINDS,
        states=STATES,
        href=href,
        home=MISMATCHES,
    )


def _jobs(
    runtime: Any, operator: Operator, stage: MigrationStage | None, jobs: list[MigrationJob]
) -> dict[str, Any]:
    """What the part with the jobs sees, but for `error` and `place`."""
    return {
        "stage": stage,
        "jobs": jobs,
        "job_kinds": JOBS,
        "job_states": JOB_STATES,
        "may_change": operator.may("admin"),
        "who": names_of(runtime),
    }


ROUTES: list[HTTPRouteHandler] = [show_migration, show_jobs, list_mismatches]
