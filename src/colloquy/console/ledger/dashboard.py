"""The ledger's first page: figures, trends, alerts, and the same as a file."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from ...api.parameters import Engine
from ...model.times import rfc3339
from ..access import CurrentOperator, requires
from ..forms import FormRequest
from ..render import HEADERS, page
from ..words import word
from .fields import names_of
from .figures import SPANS, alerts, figures, trend
from .words import KINDS, OPERATION_STATES

NEWEST = 5
"""Operations that are shown beside the figures."""
EXPORTED = 100


def _hours(request: FormRequest) -> int:
    text = request.query_params.get("hours", "")
    return next((hours for hours in SPANS if str(hours) == text), 24)


def _at_text(at: float) -> str:
    return rfc3339(int(at * 1e6))


@get("/ledger", guards=[requires("read")])
async def dashboard(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Whole, or the figures alone for a page that asks again."""
    is_part = request.headers.get("hx-request") == "true"
    hours = _hours(request)
    context: dict[str, Any] = {}
    if not is_part:
        context = {
            "hours": hours,
            "spans": SPANS,
            "trend": await trend(runtime, hours),
            "operations": (await runtime.ledger.operations(None, NEWEST)).operations,
            "kinds": KINDS,
            "named": names_of(runtime),
            "at_text": _at_text,
        }
    return page(
        request,
        "ledger/_figures.html" if is_part else "ledger/dashboard.html",
        figures=await figures(runtime),
        alerts=alerts(runtime) if operator.may("operate") else None,
        states=OPERATION_STATES,
        word=word,
        **context,
    )


@get("/ledger/trend", guards=[requires("read")])
async def trend_data(request: FormRequest, runtime: Engine) -> Response[bytes]:
    """What the charts show."""
    body = msgspec.json.encode(await trend(runtime, _hours(request)))
    return Response(body, headers=HEADERS, media_type="application/json")


@get("/ledger/export", guards=[requires("read")])
async def export(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[bytes]:
    """Everything that the dashboard shows, and the newest operations."""
    operations = await runtime.ledger.operations(None, EXPORTED)
    found: dict[str, Any] = {
        "figures": await figures(runtime),
        "trend": await trend(runtime, _hours(request)),
        "operations": operations.operations,
    }
    if operator.may("operate"):
        found["alerts"] = alerts(runtime)
    headers = {**HEADERS, "content-disposition": 'attachment; filename="ledger.json"'}
    body = msgspec.json.format(msgspec.json.encode(found), indent=2)
    return Response(body, headers=headers, media_type="application/json")


ROUTES: list[HTTPRouteHandler] = [dashboard, trend_data, export]
