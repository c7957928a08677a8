"""The audit trail: who did what to points, operations and snapshots, and the same as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ...api.parameters import Engine
from ...formats.csv import safe
from ...model.errors import ColloquyError
from ...model.ledger import AuditPage, AuditView
from ..access import requires
from ..forms import FormRequest
from ..paging import PAGE
from ..render import HEADERS, page
from ..words import word
from .fields import HOME, choice, cursor_of, href, names_of, param, time_of
from .words import AUDIT_EVENTS, AUDIT_SEVERITIES

AUDIT = f"{HOME}/audit"
EXPORTED = 1000
"""Entries in a file, the newest first."""
COLUMNS = (
    "number", "at", "actor", "event", "severity", "message", "reason", "operation_id", "point_id",
    "conversation_id", "data",
)  # fmt: skip


class Query(Struct, frozen=True):
    """What the address asks for; "" stands for any."""

    event: str = ""
    severity: str = ""
    actor: str = ""
    conversation: str = ""
    since: str = ""
    until: str = ""

    def href(self, path: str = AUDIT, **changes: str | None) -> str:
        return href(path, **{**msgspec.structs.asdict(self), **changes})

    @property
    def is_narrow(self) -> bool:
        return self != Query()


def _query(request: FormRequest) -> Query:
    asked = Query(**{name: param(request, name) for name in Query.__struct_fields__})
    return msgspec.structs.replace(
        asked,
        event=choice(asked.event, AUDIT_EVENTS),
        severity=choice(asked.severity, AUDIT_SEVERITIES),
    )


async def _found(runtime: Engine, query: Query, cursor: str | None, limit: int) -> AuditPage:
    """Raises InvalidInput, NotFound (the conversation)."""
    return await runtime.ledger.audit(
        cursor,
        limit,
        event=query.event,
        severity=query.severity,
        actor=query.actor,
        conversation_id=query.conversation or None,
        since=time_of(query.since, "since"),
        until=time_of(query.until, "until"),
    )


@get("/ledger/audit", guards=[requires("operate")])
async def audit(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Entries, newest first."""
    query, cursor = _query(request), cursor_of(request)
    error: ColloquyError | None = None
    found = AuditPage([], None)
    try:
        found = await _found(runtime, query, cursor, PAGE)
    except ColloquyError as problem:
        if problem.status >= 500:
            raise
        error = problem
    return page(
        request,
        "ledger/audit.html",
        200 if error is None else error.status,
        query=query,
        error=error,
        entries=found.entries,
        events=AUDIT_EVENTS,
        severities=AUDIT_SEVERITIES,
        exports={kind: query.href(f"{AUDIT}/export/{kind}") for kind in ("csv", "json")},
        most=EXPORTED,
        next=query.href(cursor=found.next) if found.next else None,
        first=query.href() if cursor else None,
        word=word,
        href=href,
        named=names_of(runtime),
    )


@get("/ledger/audit/export/csv", guards=[requires("operate")])
async def export_csv(request: FormRequest, runtime: Engine) -> Response[bytes]:
    found = await _found(runtime, _query(request), None, EXPORTED)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    rows.writerows([_cell(entry, column) for column in COLUMNS] for entry in found.entries)
    return _file(text.getvalue().encode(), "csv", "text/csv")


@get("/ledger/audit/export/json", guards=[requires("operate")])
async def export_json(request: FormRequest, runtime: Engine) -> Response[bytes]:
    found = await _found(runtime, _query(request), None, EXPORTED)
    body = msgspec.json.format(msgspec.json.encode(found.entries), indent=2)
    return _file(body, "json", "application/json")


def _cell(entry: AuditView, column: str) -> str:
    value = getattr(entry, column)
    text = bytes(value).decode() if column == "data" else "" if value is None else str(value)
    return safe(text)


def _file(body: bytes, kind: str, media_type: str) -> Response[bytes]:
    headers = {**HEADERS, "content-disposition": f'attachment; filename="ledger-audit.{kind}"'}
    return Response(body, headers=headers, media_type=media_type)


ROUTES: list[HTTPRouteHandler] = [audit, export_csv, export_json]
