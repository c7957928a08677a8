"""The log of changes: found again, compared, and each record as it once was."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup
from msgspec import UNSET, Struct

from ...api.ledger.parameters import Position
from ...api.parameters import Engine
from ...ledger.scope import Scope
from ...model.errors import ColloquyError
from ...model.ledger import ChangePage, DifferencePage, PointView
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..paging import PAGE
from ..render import page
from ..words import word
from .diffs import pretty, sides
from .fields import HOME, cursor_of, href, lines, moment, names_of, param, time_of
from .words import DIFFERENCES

HISTORY = f"{HOME}/history"
RECORD = f"{HOME}/record"
COMPARE = f"{HOME}/compare"
OFFERED_POINTS = 50


class Query(Struct, frozen=True):
    """What the address asks for; "" stands for any."""

    collection: str = ""
    key: str = ""
    actor: str = ""
    conversation: str = ""
    origin: str = ""
    since: str = ""
    until: str = ""

    def href(self, **changes: str | None) -> str:
        return href(HISTORY, **{**msgspec.structs.asdict(self), **changes})

    @property
    def is_narrow(self) -> bool:
        return self != Query()


def _query(request: FormRequest) -> Query:
    return Query(**{name: param(request, name) for name in Query.__struct_fields__})


@get("/ledger/history", guards=[requires("read")])
async def history(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Changes, newest first."""
    query, cursor = _query(request), cursor_of(request)
    error: ColloquyError | None = None
    found = ChangePage([], None)
    try:
        found = await runtime.ledger.changes(
            cursor,
            PAGE,
            collection=query.collection,
            key=query.key,
            actor=query.actor,
            conversation_id=query.conversation or None,
            origin=query.origin,
            since=time_of(query.since, "since"),
            until=time_of(query.until, "until"),
        )
    except ColloquyError as problem:
        if problem.status >= 500:
            raise
        error = problem
    return page(
        request,
        "ledger/history.html",
        200 if error is None else error.status,
        query=query,
        error=error,
        changes=found.changes,
        collections=(await runtime.ledger.status()).collections,
        next=query.href(cursor=found.next) if found.next else None,
        first=query.href() if cursor else None,
        href=href,
        named=names_of(runtime),
    )


@get("/ledger/changes/{position:int}", guards=[requires("read")])
async def change(request: FormRequest, runtime: Engine, position: Position) -> Response[Any]:
    """One change; as a part: what it did, side by side."""
    found = await runtime.ledger.change(position)
    is_part = request.headers.get("hx-request") == "true"
    return page(
        request,
        "ledger/_sides.html" if is_part else "ledger/change.html",
        change=found.change,
        sides=sides(found.before, found.after),
        was_absent=found.before is UNSET,
        is_absent=found.after is UNSET,
        href=href,
        named=names_of(runtime),
    )


@get("/ledger/record", guards=[requires("read")])
async def record(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    """A record now, or as of `at`, with its history up to then."""
    collection, key, at = (param(request, name, 4096) for name in ("collection", "key", "at"))
    cursor = cursor_of(request)
    found = await runtime.ledger.record(collection, key, moment(at) or None)
    changes = await runtime.ledger.changes(cursor, PAGE, collection=collection, key=key)
    here = href(RECORD, collection=collection, key=key, at=at)
    return page(
        request,
        "ledger/record.html",
        record=found,
        at=at,
        value=pretty(found.value),
        changes=changes.changes,
        next=href(RECORD, collection=collection, key=key, at=at, cursor=changes.next)
        if changes.next
        else None,
        first=here if cursor else None,
        href=href,
        may_act=operator.may("operate"),
        named=names_of(runtime),
    )


@get("/ledger/compare", guards=[requires("read")])
async def compare(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Records that differ between two positions, points or times."""
    start, end, collections = (param(request, name) for name in ("from", "to", "collections"))
    cursor = cursor_of(request)
    error: ColloquyError | None = None
    found: DifferencePage | None = None
    if start:
        try:
            found = await runtime.ledger.differences(
                moment(start),
                moment(end) or None,
                cursor,
                PAGE,
                scope=Scope(collections=tuple(lines(collections.replace(",", "\n")))),
                format="html",
            )
        except ColloquyError as problem:
            if problem.status >= 500:
                raise
            error = problem
    asked = {"from": start, "to": end, "collections": collections}
    return page(
        request,
        "ledger/compare.html",
        200 if error is None else error.status,
        start=start,
        end=end,
        collections=collections,
        error=error,
        found=found,
        points=await offered_points(runtime),
        next=href(COMPARE, **asked, cursor=found.next) if found and found.next else None,
        first=href(COMPARE, **asked) if cursor else None,
        actions=DIFFERENCES,
        word=word,
        href=href,
        safe=Markup,
    )


async def offered_points(runtime: Engine) -> list[PointView]:
    """The newest points, to choose from."""
    return (await runtime.ledger.points(None, OFFERED_POINTS)).points


ROUTES: list[HTTPRouteHandler] = [history, change, record, compare]
