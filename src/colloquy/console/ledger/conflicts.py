"""Conflicts of rollbacks: what stands against each other, and the decision."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import UNSET

from ...api.parameters import Engine
from ...model.errors import ColloquyError, InvalidInput
from ...model.ledger import ConflictDetail, DecisionRequest
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..paging import PAGE
from ..render import page, see
from ..words import word
from .diffs import Sides, editable, folded, pretty
from .fields import HOME, choice, cursor_of, href, names_of, param
from .words import CONFLICT_STATES, DECISIONS, SEVERITIES

CONFLICTS = f"{HOME}/conflicts"
ANY = "all"


@get("/ledger/conflicts", guards=[requires("read")])
async def list_conflicts(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Open ones, newest first; `state` names others, `operation` leaves out those of others."""
    cursor, operation = cursor_of(request), param(request, "operation")
    state = choice(param(request, "state"), (*CONFLICT_STATES, ANY)) or "open"
    found = await runtime.ledger.conflicts(
        cursor, PAGE, operation_id=operation or None, state="" if state == ANY else state
    )
    asked = {"state": state, "operation": operation}
    return page(
        request,
        "ledger/conflicts.html",
        conflicts=found.conflicts,
        state=state,
        operation_id=operation,
        states=CONFLICT_STATES,
        severities=SEVERITIES,
        decisions=DECISIONS,
        any=ANY,
        word=word,
        next=href(CONFLICTS, **asked, cursor=found.next) if found.next else None,
        first=href(CONFLICTS, **asked) if cursor else None,
        href=href,
    )


@get("/ledger/conflicts/{conflict_id:str}", guards=[requires("read")])
async def show_conflict(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, conflict_id: FromPath[str]
) -> Response[Any]:
    return await _shown(request, runtime, operator, conflict_id)


@post("/ledger/conflicts/{conflict_id:str}", guards=[requires("operate")])
async def decide(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, conflict_id: FromPath[str]
) -> Response[Any]:
    """Leads to the next open conflict of the operation, else to the operation."""
    decision, text = await request.field("decision"), await request.field("value")
    version = await request.field("version")
    try:
        if not version.isascii() or not version.isdecimal() or len(version) > 18:
            raise InvalidInput("the page is out of date: reload it", field="version")
        wanted = _decision(decision, text)
        decided = await runtime.ledger.decide(conflict_id, wanted, operator.actor, int(version))
    except ColloquyError as error:
        if error.status not in (412, 422):
            raise
        return await _shown(request, runtime, operator, conflict_id, error, decision, text)
    operation = decided.operation_id
    left = await runtime.ledger.conflicts(None, 1, operation_id=operation, state="open")
    if left.conflicts:
        return see(f"{CONFLICTS}/{left.conflicts[0].id}", done="conflict-decided")
    return see(f"{HOME}/operations/{operation}", done="conflicts-decided")


def _decision(decision: str, text: str) -> DecisionRequest:
    """Raises InvalidInput."""
    if decision not in DECISIONS:
        raise InvalidInput("choose what is to happen", field="decision")
    raw: dict[str, Any] = {"decision": decision}
    if decision == "edit":
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise InvalidInput(f"this is no JSON: {error}", field="value") from None
        raw["value"] = msgspec.Raw(text.encode())
    return msgspec.convert(raw, DecisionRequest)


async def _shown(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conflict_id: str,
    error: ColloquyError | None = None,
    chosen: str = "",
    text: str | None = None,
) -> Response[Any]:
    found: ConflictDetail = await runtime.ledger.conflict(conflict_id)
    if text is None:
        text = editable(found.ours if found.value is UNSET else found.value)
    return page(
        request,
        "ledger/conflict.html",
        200 if error is None else error.status,
        found=found,
        conflict=found.conflict,
        state=word(CONFLICT_STATES, found.conflict.state),
        sides=Sides(folded(found.rows), found.hidden),
        columns=(
            ("What the rollback takes back", pretty(found.base)),
            ("What is there now", pretty(found.ours)),
            ("What it rolls back to", pretty(found.theirs)),
        ),
        value=None if found.value is UNSET else pretty(found.value),
        merged=None if found.merged is UNSET else pretty(found.merged),
        decisions=DECISIONS,
        severities=SEVERITIES,
        options={option.decision: option for option in found.options},
        chosen=chosen or found.conflict.decision or found.recommended or "",
        text=text,
        error=error,
        may_act=operator.may("operate"),
        word=word,
        href=href,
        named=names_of(runtime),
    )


ROUTES: list[HTTPRouteHandler] = [list_conflicts, show_conflict, decide]
