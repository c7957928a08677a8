"""Rollback points: made, kept, given another expiry, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...model.errors import ColloquyError, InvalidInput
from ...model.ledger import PointChange, PointRequest
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..paging import PAGE
from ..render import page, see
from ..words import word
from .fields import HOME, LIFETIMES, cursor_of, href, lifetime_s, names_of, param
from .words import KINDS, OPERATION_STATES

POINTS = f"{HOME}/points"
DEFAULT_LIFETIME = "90"


@get("/ledger/points", guards=[requires("read")])
async def list_points(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Live ones, newest first."""
    cursor, conversation = cursor_of(request), param(request, "conversation")
    found = await runtime.ledger.points(cursor, PAGE, conversation_id=conversation or None)
    return page(
        request,
        "ledger/points.html",
        points=found.points,
        conversation=conversation,
        next=href(POINTS, conversation=conversation, cursor=found.next) if found.next else None,
        first=href(POINTS, conversation=conversation) if cursor else None,
        may_act=operator.may("operate"),
        named=names_of(runtime),
        href=href,
    )


@get("/ledger/points/new", guards=[requires("operate")])
async def new_point(request: FormRequest) -> Response[Any]:
    return _form(request, {})


@post("/ledger/points", guards=[requires("operate")])
async def create_point(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    names = ("name", "description", "expires", "tags", "conversation")
    values = {name: await request.field(name) for name in names}
    try:
        made = await runtime.ledger.create_point(_wanted(values), operator.actor)
    except ColloquyError as error:
        if error.status >= 500:
            raise
        return _form(request, values, error)
    return see(f"{POINTS}/{made.id}", done="point-made")


@get("/ledger/points/{point_id:str}", guards=[requires("read")])
async def show_point(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, point_id: FromPath[str]
) -> Response[Any]:
    return page(
        request,
        "ledger/point.html",
        point=await runtime.ledger.point(point_id),
        operations=(await runtime.ledger.operations(None, PAGE, point=point_id)).operations,
        kinds=KINDS,
        states=OPERATION_STATES,
        word=word,
        lifetimes=LIFETIMES,
        may_act=operator.may("operate"),
        named=names_of(runtime),
        href=href,
    )


@post("/ledger/points/{point_id:str}/expiry", guards=[requires("operate")])
async def change_expiry(
    request: FormRequest, runtime: Engine, point_id: FromPath[str]
) -> Response[Any]:
    """Counted from now; `keep` keeps it."""
    wanted = await request.field("expires")
    await runtime.ledger.change_point(point_id, PointChange(lifetime_s(wanted)))
    done = "point-kept" if wanted == "keep" else "point-expiry"
    return see(f"{POINTS}/{point_id}", done=done)


@post("/ledger/points/{point_id:str}/delete", guards=[requires("operate")])
async def delete_point(
    runtime: Engine, operator: CurrentOperator, point_id: FromPath[str]
) -> Response[Any]:
    await runtime.ledger.delete_point(point_id, operator.actor)
    return see(POINTS, done="point-deleted")


def _wanted(values: dict[str, str]) -> PointRequest:
    """Raises InvalidInput."""
    if not values["name"]:
        raise InvalidInput("a point needs a name", field="name")
    raw = {
        "name": values["name"],
        "description": values["description"],
        "expires_in_s": lifetime_s(values["expires"]),
        "tags": values["tags"].replace(",", " ").split(),
        "conversation_id": values["conversation"] or None,
    }
    try:
        return msgspec.convert(raw, PointRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def _form(
    request: FormRequest, values: dict[str, str], error: ColloquyError | None = None
) -> Response[Any]:
    return page(
        request,
        "ledger/new_point.html",
        error.status if error is not None else 200,
        error=error,
        values=values,
        expires=values.get("expires", DEFAULT_LIFETIME),
        lifetimes=LIFETIMES,
    )


ROUTES: list[HTTPRouteHandler] = [
    list_points,
    new_point,
    create_point,
    show_point,
    change_expiry,
    delete_point,
]
