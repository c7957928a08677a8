"""Operations: listed, watched while they run, cancelled, undone."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...model.cursors import encode_cursor
from ...model.ledger import LogLine, OperationView, UndoRequest
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..paging import PAGE
from ..render import HEADERS, page, see
from ..words import word
from .fields import HOME, choice, cursor_of, href, names_of, param
from .figures import duration_s
from .wishes import undo_scope, undoing
from .words import ITEM_STATES, KINDS, OPEN_STATES, OPERATION_STATES, POLICIES, STRATEGIES

OPERATIONS = f"{HOME}/operations"
LOG_TAIL = 10
"""Lines of the log that are shown while an operation runs."""


@get("/ledger/operations", guards=[requires("read")])
async def list_operations(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Newest first."""
    cursor, state = cursor_of(request), choice(param(request, "state"), OPERATION_STATES)
    found = await runtime.ledger.operations(cursor, PAGE, status=state)
    return page(
        request,
        "ledger/operations.html",
        operations=found.operations,
        state=state,
        states=OPERATION_STATES,
        kinds=KINDS,
        word=word,
        next=href(OPERATIONS, state=state, cursor=found.next) if found.next else None,
        first=href(OPERATIONS, state=state) if cursor else None,
        named=names_of(runtime),
        href=href,
    )


@get("/ledger/operations/{operation_id:str}", guards=[requires("read")])
async def show_operation(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, operation_id: FromPath[str]
) -> Response[Any]:
    """As a part: how far it is, or its records (`part=items`). A page that shows another state
    (`seen`) is told to load itself again, for then there is something else to do."""
    operation = await runtime.ledger.operation(operation_id)
    is_part = request.headers.get("hx-request") == "true"
    seen = seen_of(operation)
    if is_part and param(request, "seen") != seen:
        return Response(b"", headers={**HEADERS, "hx-refresh": "true"}, media_type="text/html")
    shared: dict[str, Any] = {
        "operation": operation,
        "state": word(OPERATION_STATES, operation.status),
        "is_open": operation.status in OPEN_STATES,
        "seconds": duration_s(operation),
        "log": await _tail(runtime, operation),
        "seen": seen,
        "href": href,
    }
    if is_part:
        if param(request, "part") == "items":
            listed = await _items(request, runtime, operation_id)
            return page(request, "ledger/_items.html", href=href, **listed)
        return page(request, "ledger/_progress.html", **shared)
    return page(
        request,
        "ledger/operation.html",
        **shared,
        **await _items(request, runtime, operation_id),
        kinds=KINDS,
        strategies=STRATEGIES,
        policies=POLICIES,
        scope=_scope(operation),
        undo_href=undoing(operation).preview_href(),
        may_cancel=operator.may("operate"),
        may_undo=operator.may("admin"),
        named=names_of(runtime),
    )


@get("/ledger/operations/{operation_id:str}/log", guards=[requires("read")])
async def operation_log(
    request: FormRequest, runtime: Engine, operation_id: FromPath[str]
) -> Response[Any]:
    """The whole of it, oldest first."""
    cursor = cursor_of(request)
    found = await runtime.ledger.operation_log(operation_id, cursor, PAGE)
    here = f"{OPERATIONS}/{operation_id}/log"
    return page(
        request,
        "ledger/log.html",
        operation=await runtime.ledger.operation(operation_id),
        log=found.lines,
        next=href(here, cursor=found.next) if found.next else None,
        first=here if cursor else None,
        kinds=KINDS,
        text=_text,
    )


@post("/ledger/operations/{operation_id:str}/cancel", guards=[requires("operate")])
async def cancel(runtime: Engine, operation_id: FromPath[str]) -> Response[Any]:
    await runtime.ledger.cancel(operation_id)
    return see(f"{OPERATIONS}/{operation_id}", done="operation-cancelled")


@post("/ledger/operations/{operation_id:str}/undo", guards=[requires("admin")])
async def undo(
    runtime: Engine, operator: CurrentOperator, operation_id: FromPath[str]
) -> Response[Any]:
    """Leads to the operation that undoes it."""
    scope = undo_scope(await runtime.ledger.operation(operation_id))
    begun = await runtime.ledger.undo(operation_id, UndoRequest(scope=scope), operator.actor)
    return see(f"{OPERATIONS}/{begun.id}", done="undo-begun")


def seen_of(operation: OperationView) -> str:
    """What decides which buttons a page has."""
    return f"{operation.status}-{int(operation.is_cancelled)}"


async def _items(request: FormRequest, runtime: Engine, operation_id: str) -> dict[str, Any]:
    """A page of its records, for templates."""
    cursor, state = cursor_of(request), choice(param(request, "items"), ITEM_STATES)
    found = await runtime.ledger.operation_items(operation_id, cursor, PAGE, state)
    here = f"{OPERATIONS}/{operation_id}"
    return {
        "items": found.items,
        "items_state": state,
        "items_cursor": cursor,
        "item_states": ITEM_STATES,
        "word": word,
        "next": href(here, items=state, cursor=found.next) if found.next else None,
        "first": href(here, items=state) if cursor else None,
    }


def _scope(operation: OperationView) -> str:
    """What the request says of it as JSON; "" for everything."""
    body = msgspec.json.encode(operation.request.scope)
    return "" if body == b"{}" else msgspec.json.format(body, indent=2).decode()


def _text(data: msgspec.Raw) -> str:
    return bytes(data).decode()


async def _tail(runtime: Engine, operation: OperationView) -> list[LogLine]:
    """The last lines of the log."""
    ((top,),) = await runtime.store.query("ledger_log_top", operation.number)
    cursor = encode_cursor(max(0, top - LOG_TAIL))
    return (await runtime.ledger.operation_log(operation.id, cursor, LOG_TAIL)).lines


ROUTES: list[HTTPRouteHandler] = [
    list_operations,
    show_operation,
    operation_log,
    cancel,
    undo,
]
