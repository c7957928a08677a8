"""Is it alive, does it take messages, how well is it, and its metrics."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ..telemetry.metrics import CONTENT_TYPE
from .access import needs
from .parameters import Engine
from .responses import documented, errors

_TAGS = ["Operation"]


class StatusView(Struct, frozen=True):
    """healthy, warning, critical or down."""

    status: str


class ReadyView(Struct, frozen=True):
    ready: bool


@get(
    "/health",
    operation_id="health",
    summary="How the server is, in one word",
    tags=_TAGS,
    security=[{}],
    responses=documented({503: (StatusView, "Critical or down: look elsewhere.")}),
)
async def health(runtime: Engine) -> Response[StatusView]:
    """For load balancers: open to everybody, tells nothing else."""
    report = runtime.health()
    return Response(StatusView(report.status), status_code=report.http_status)


@get(
    "/ready",
    operation_id="ready",
    summary="Whether the server takes messages now",
    tags=_TAGS,
    security=[{}],
    responses=documented({503: (ReadyView, "Starting, stopping, or nothing can be stored.")}),
)
async def ready(runtime: Engine) -> Response[ReadyView]:
    """For orchestrators: open to everybody."""
    is_ready = bool(runtime.ready())
    return Response(ReadyView(is_ready), status_code=200 if is_ready else 503)


@get(
    "/v2/health",
    operation_id="healthReport",
    summary="The full health report",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def health_report(runtime: Engine) -> dict[str, Any]:
    """Score, status, every signal with what it costs, and the background tasks."""
    return {**msgspec.to_builtins(runtime.health()), **runtime.stats()}


@get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics in Prometheus' text format",
    tags=_TAGS,
    guards=[needs("operate")],
    media_type="text/plain",
    responses=errors(401, 403),
)
async def metrics(runtime: Engine) -> Response[bytes]:
    """Scrape with a key that has the scope `operate`."""
    return Response(runtime.render_metrics(), headers={"content-type": CONTENT_TYPE})


ROUTES: list[HTTPRouteHandler] = [health, ready, health_report, metrics]
