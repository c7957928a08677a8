"""What is done to roll-outs: paused, resumed, cancelled, taken back by level, undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...model.errors import ColloquyError, InvalidInput
from ...model.message import input_error
from ...model.rollouts import LevelRequest, RolloutNote, RolloutView
from ..access import CurrentOperator, Operator, requires
from ..forms import FormRequest
from ..render import see
from .form import note_of
from .pages import HOME, ROLLBACKS, show_back, show_plan, show_taken

_SHOWN = (409, 422)
"""Statuses that are said on the page, with what was sent; any other is a page of its own."""

Move = Callable[[str, RolloutNote, str], Awaitable[RolloutView]]


@post("/rollouts/{flag:str}/pause", guards=[requires("operate")])
async def pause(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, flag: FromPath[str]
) -> Response[Any]:
    """It stays at its percentage."""
    return await _moved(request, runtime, operator, flag, runtime.rollouts.pause, "paused")


@post("/rollouts/{flag:str}/resume", guards=[requires("admin")])
async def resume(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, flag: FromPath[str]
) -> Response[Any]:
    """Its step is held anew."""
    return await _moved(request, runtime, operator, flag, runtime.rollouts.resume, "resumed")


@post("/rollouts/{flag:str}/cancel", guards=[requires("operate")])
async def cancel(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, flag: FromPath[str]
) -> Response[Any]:
    """The flag is as it was before."""
    return await _moved(request, runtime, operator, flag, runtime.rollouts.cancel, "cancelled")


@post("/rollouts/back", guards=[requires("admin")])
async def take_back(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Takes back what the level says."""
    names = ("level", "flag", "reason", "data")
    fields = {name: await request.field(name) for name in names}
    try:
        wanted = _level(fields)
        made = await runtime.rollouts.levels.back(wanted, operator.actor)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show_back(
            request,
            runtime,
            operator,
            await request.field("about"),
            level=fields["level"],
            reason=fields["reason"],
            error=error,
        )
    return see(f"{ROLLBACKS}/{made.id}", done="taken-back")


@post("/rollouts/rollbacks/{rollback_id:str}/undo", guards=[requires("admin")])
async def undo(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, rollback_id: FromPath[str]
) -> Response[Any]:
    """Flags and switches are what they were before it."""
    try:
        await runtime.rollouts.levels.undo(rollback_id, operator.actor)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show_taken(request, runtime, operator, rollback_id, error)
    return see(f"{ROLLBACKS}/{rollback_id}", done="taken-back-undone")


async def _moved(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    flag: str,
    move: Move,
    done: str,
) -> Response[Any]:
    try:
        await move(flag, await note_of(request), operator.actor)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        reason = await request.field("reason")
        return await show_plan(request, runtime, operator, flag, reason=reason, error=error)
    return see(f"{HOME}/{flag}", done=f"rollout-{done}")


def _level(fields: dict[str, str]) -> LevelRequest:
    """Raises InvalidInput."""
    if not fields["reason"]:
        raise InvalidInput("say why: whoever is asked later will be glad of it", field="reason")
    raw = {
        "level": fields["level"],
        "flag": fields["flag"] or None,
        "keep_data": fields["data"] != "restore",
        "reason": fields["reason"],
    }
    try:
        return msgspec.convert(raw, LevelRequest)
    except msgspec.ValidationError as error:
        raise input_error(error) from None


ROUTES: list[HTTPRouteHandler] = [pause, resume, cancel, take_back, undo]
