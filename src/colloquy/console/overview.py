"""The first page: how the assistant is doing, live."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from ..api.parameters import Engine
from .access import CurrentOperator, requires
from .forms import FormRequest
from .render import HEADERS, address_of, page, see
from .shell import home


@get("/", guards=[requires("read", "operate")])
async def overview(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    if not operator.may("operate"):
        return see(home(operator.scopes))
    now, _ = runtime.statistics_now()
    return page(
        request,
        "overview/page.html",
        now=now,
        address=address_of(request),
        monitoring=runtime.monitoring.view(),
        kinds=runtime.monitoring.validation().by_event_type,
    )


@get("/overview/health", guards=[requires("operate")])
async def health_part(request: FormRequest, runtime: Engine) -> Response[Any]:
    """The health score with its signals; the page asks for it when the score changes."""
    now, _ = runtime.statistics_now()
    return page(request, "overview/health.html", now=now)


@get("/overview/census", guards=[requires("operate")])
async def census_part(request: FormRequest, runtime: Engine) -> Response[Any]:
    """How the conversations are spread; the page asks for it when they were counted again."""
    now, _ = runtime.statistics_now()
    return page(request, "overview/census.html", now=now, address=address_of(request))


@get("/statistics", guards=[requires("operate")])
async def statistics(runtime: Engine) -> Response[bytes]:
    """What the charts begin with; live events go on from there."""
    body = msgspec.json.encode(runtime.statistics())
    return Response(body, headers=HEADERS, media_type="application/json")


ROUTES: list[HTTPRouteHandler] = [overview, health_part, census_part, statistics]
