"""What is done to flags: changed and cleared by admins, killed and revived by operators."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...flags.state import NOTHING_SAID
from ...model.errors import ColloquyError, InvalidInput
from ..access import CurrentOperator, Operator, requires
from ..forms import FormRequest
from ..render import see
from .form import said, sent
from .pages import FLAGS_PAGE, show_all, show_one, state_of

_SHOWN = (412, 422)
"""Statuses that are said on the page, with what was sent; any other is a page of its own."""


@post("/flags/{name:str}", guards=[requires("admin")])
async def change_flag(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, name: FromPath[str]
) -> Response[Any]:
    """Says what the form says, unless somebody else changed the flag since it was shown."""
    runtime.flag_desk.show(name)  # raises NotFound
    form = await sent(request)
    # What the form leaves out is kept as it is now, not as this process knew it.
    await runtime.flag_desk.refresh()
    try:
        state = said(form, runtime.flags.registry[name], state_of(runtime, name))
        revision = await _revision(request)
        await runtime.flag_desk.change(name, state, operator.actor, revision=revision)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show_one(request, runtime, operator, name, form=form, error=error)
    return see(f"{FLAGS_PAGE}/{name}", done="flag-changed")


@post("/flags/{name:str}/clear", guards=[requires("admin")])
async def clear_flag(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, name: FromPath[str]
) -> Response[Any]:
    """As if nothing had been said of it."""
    try:
        revision = await _revision(request)
        await runtime.flag_desk.change(name, NOTHING_SAID, operator.actor, revision=revision)
    except ColloquyError as error:
        if error.status not in _SHOWN:
            raise
        return await show_one(request, runtime, operator, name, error=error)
    return see(f"{FLAGS_PAGE}/{name}", done="flag-cleared")


@post("/flags/{name:str}/kill", guards=[requires("operate")])
async def kill(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, name: FromPath[str]
) -> Response[Any]:
    """Throws a flag's own switch, or one that holds several."""
    reason = await request.field("reason")
    try:
        if not reason:
            raise InvalidInput("say why: whoever is asked later will be glad of it", field="reason")
        await runtime.flag_desk.throw(name, reason, operator.actor)
    except InvalidInput as error:
        return await _refused(request, runtime, operator, name, error)
    return _after(runtime, name, "flag-killed", "switch-thrown")


@post("/flags/{name:str}/revive", guards=[requires("operate")])
async def revive(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, name: FromPath[str]
) -> Response[Any]:
    """Puts a switch back."""
    try:
        await runtime.flag_desk.revive(name, operator.actor)
    except InvalidInput as error:
        return await _refused(request, runtime, operator, name, error)
    return _after(runtime, name, "flag-revived", "switch-revived")


async def _revision(request: FormRequest) -> int:
    """Of the flag as the page showed it. Raises InvalidInput."""
    text = await request.field("revision")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidInput("the page is out of date: reload it", field="revision")
    return int(text)


async def _refused(
    request: FormRequest, runtime: Engine, operator: Operator, name: str, error: ColloquyError
) -> Response[Any]:
    if name in runtime.flags.registry:
        return await show_one(request, runtime, operator, name, refused=error)
    return await show_all(request, runtime, operator, error, name)


def _after(runtime: Engine, name: str, flag: str, switch: str) -> Response[Any]:
    """To the page of the flag, or to the list for a switch of several."""
    if name in runtime.flags.registry:
        return see(f"{FLAGS_PAGE}/{name}", done=flag)
    return see(FLAGS_PAGE, done=switch)


ROUTES: list[HTTPRouteHandler] = [change_flag, clear_flag, kill, revive]
