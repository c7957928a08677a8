"""Steps of the migration, and mismatches that may stay: for admins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...model.errors import ColloquyError, Conflict, InvalidInput
from ...model.message import input_error
from ...model.migrations import (
    MAX_REASON,
    IgnoreRequest,
    MigrationJobRequest,
    MigrationMove,
    MigrationStart,
    MigrationView,
)
from ..access import CurrentOperator, Operator, requires
from ..forms import FormRequest
from ..render import see
from .pages import HOME, MISMATCHES, show, show_mismatches

_SHOWN = (409, 422)
"""Statuses that are said on the page, with what was sent; any other is a page of its own."""


@post("/migration/start", guards=[requires("admin")])
async def start(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    async def step(move: MigrationMove) -> MigrationView:
        return await runtime.migration.begin(MigrationStart(reason=move.reason), operator.actor)

    return await _moved(request, runtime, operator, step, "started")


@post("/migration/advance", guards=[requires("admin")])
async def advance(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    async def step(move: MigrationMove) -> MigrationView:
        return await runtime.migration.advance(move, operator.actor)

    return await _moved(request, runtime, operator, step, "advanced")


@post("/migration/back", guards=[requires("admin")])
async def back(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    async def step(move: MigrationMove) -> MigrationView:
        return await runtime.migration.back(move, operator.actor)

    return await _moved(request, runtime, operator, step, "back")


@post("/migration/mismatches/{number:int}/ignore", guards=[requires("admin")])
async def ignore(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, number: FromPath[int]
) -> Response[Any]:
    """It may stay, for as long as its values are what they are."""
    try:
        wanted = IgnoreRequest(reason=_reason(await request.field("reason")))
        await runtime.migration.ignore(number, wanted)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show_mismatches(request, runtime, operator, error, number)
    return see(MISMATCHES, done="mismatch-ignored")


@post("/migration/jobs", guards=[requires("admin")])
async def begin_job(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Long work on the tables, done by the server."""
    try:
        wanted = _job(await request.field("kind"), await request.field("rate"))
        await runtime.migration.begin_job(wanted, operator.actor)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show(request, runtime, operator, error=error, place="jobs")
    return see(HOME, done="migration-job-begun")


@post("/migration/jobs/{number:int}/stop", guards=[requires("admin")])
async def stop_job(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, number: FromPath[int]
) -> Response[Any]:
    """It ends within a second."""
    try:
        await runtime.migration.stop_job(number)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show(request, runtime, operator, error=error, place="jobs")
    return see(HOME, done="migration-job-stopped")


def _job(kind: str, rate: str) -> MigrationJobRequest:
    """Raises InvalidInput."""
    try:
        return msgspec.convert(
            {"kind": kind, "rate": float(rate) if rate.strip() else None}, MigrationJobRequest
        )
    except msgspec.ValidationError as error:
        raise input_error(error) from None
    except ValueError:
        raise InvalidInput("a rate is a number of messages per second", field="rate") from None


async def _moved(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    step: Callable[[MigrationMove], Awaitable[MigrationView]],
    done: str,
) -> Response[Any]:
    reason = await request.field("reason")
    try:
        # Two people who press the same button mean one step.
        state = (await runtime.migration.view(1)).state
        if await request.field("stage") != state.stage:
            raise Conflict("the migration moved meanwhile: this page shows where it stands now")
        move = MigrationMove(reason=_reason(reason), force=await request.field("force") == "yes")
        await step(move)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show(request, runtime, operator, reason=reason, error=error)
    return see(HOME, done=f"migration-{done}")


def _reason(text: str) -> str:
    if len(text) > MAX_REASON:
        raise InvalidInput(f"at most {MAX_REASON} characters", field="reason")
    return text


ROUTES: list[HTTPRouteHandler] = [
    start,
    advance,
    back,
    ignore,
    begin_job,
    stop_job,
]
