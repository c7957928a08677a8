"""Rolling back: what and how, what it would do, and the go-ahead."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup

from ...api.parameters import Engine
from ...ledger.restoring.requests import recommend
from ...model.errors import ColloquyError
from ...model.ledger import PreviewView
from ...model.times import now_us
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..render import page, see
from ..words import word
from .fields import HOME, cursor_of, href, names_of
from .history import offered_points
from .wishes import LISTS, Wish, wish_of
from .words import ACTIONS, POLICIES, SEVERITIES, STRATEGIES

SAMPLE = 20
"""Records of a preview's page."""


@get("/ledger/rollback", guards=[requires("read")])
async def rollback_form(request: FormRequest, runtime: Engine) -> Response[Any]:
    """With what the address says filled in."""
    return await _form(request, runtime, wish_of(request.query_params))


@get("/ledger/rollback/preview", guards=[requires("read")])
async def preview(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Writes nothing."""
    wish, cursor = wish_of(request.query_params), cursor_of(request)
    try:
        found = await runtime.ledger.preview(wish.request(), cursor, SAMPLE, "html")
    except ColloquyError as error:
        if error.status >= 500:
            raise
        return await _form(request, runtime, wish, error)
    return page(
        request,
        "ledger/preview.html",
        wish=wish,
        preview=found,
        recommended=await _recommended(runtime, found),
        next=wish.preview_href(found.next) if found.next else None,
        first=wish.preview_href() if cursor else None,
        may_act=operator.may("admin"),
        actions=ACTIONS,
        severities=SEVERITIES,
        strategies=STRATEGIES,
        policies=POLICIES,
        word=word,
        safe=Markup,
        href=href,
        named=names_of(runtime),
    )


@post("/ledger/rollback", guards=[requires("admin")])
async def begin(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    wish = wish_of({name: values[0] for name, values in (await request.fields()).items()})
    try:
        operation = await runtime.ledger.rollback(wish.request(), operator.actor)
    except ColloquyError as error:
        if error.status >= 500:
            raise
        return await _form(request, runtime, wish, error)
    return see(f"{HOME}/operations/{operation.id}")


async def _recommended(runtime: Engine, found: PreviewView) -> tuple[str, str]:
    """The strategy that the server would choose, and why; a preview says so only where it was
    asked to choose."""
    rows = await runtime.store.query("change_from", found.target)
    now = now_us()
    at = rows[0][1] if rows else now
    return recommend(found.total, now - at, sum(found.conflicts.values()))


async def _form(
    request: FormRequest, runtime: Engine, wish: Wish, error: ColloquyError | None = None
) -> Response[Any]:
    return page(
        request,
        "ledger/rollback.html",
        200 if error is None else error.status,
        wish=wish,
        error=error,
        points=await offered_points(runtime),
        lists=LISTS,
        strategies=STRATEGIES,
        policies=POLICIES,
    )


ROUTES: list[HTTPRouteHandler] = [rollback_form, preview, begin]
