"""Monitoring: its events for dashboards, over WebSocket and server-sent events, and its figures."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

from litestar import Request, WebSocket, get, post, websocket
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from ..model.errors import ColloquyError
from ..model.monitoring import (
    AdapterFigures,
    FlagsStatus,
    FlushView,
    MonitoringView,
    Span,
    ValidationFigures,
    ValidationHistory,
)
from .access import bearer, needs, principal_of, require
from .idempotency import once_per_key
from .parameters import Cursor, Engine, Limit
from .responses import documented, errors
from .stream import SSE_HEADERS, Live, Streams, deny, event

if TYPE_CHECKING:
    from ..ops.monitoring import Dashboard
    from ..runtime import Runtime

_TAGS = ["Monitoring"]

CHECK_EVERY_S = 5.0
"""A dashboard whose key was revoked is shown nothing after so long."""
NOT_ALLOWED = 4401
_HELLO = b"retry: 2000\n: open\n\n"

Check = Callable[[], Awaitable[object]]
"""Raises ColloquyError once whoever watches may not any more."""

OfSpan = Annotated[
    Span,
    QueryParameter(name="span", required=False, description="What one record stands for."),
]
OfKind = Annotated[
    str | None,
    QueryParameter(
        name="event_type",
        pattern="^[a-z_]{1,50}$",
        required=False,
        description="Only this kind of event.",
    ),
]


# -- figures ----------------------------------------------------------------------------------


@get(
    "/metrics/validation",
    operation_id="validationMetrics",
    summary="How monitoring events were validated, by kind",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def validation_metrics(runtime: Engine) -> ValidationFigures:
    """Of this process since it started, out of its memory."""
    return runtime.monitoring.validation()


@get(
    "/metrics/adapter",
    operation_id="adapterMetrics",
    summary="How many monitoring events went out",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def adapter_metrics(runtime: Engine) -> AdapterFigures:
    """Of this process since it started, out of its memory."""
    return runtime.monitoring.adapter()


@post(
    "/metrics/flush",
    operation_id="flushMetrics",
    summary="Write the figures of validation now",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(401, 403, 409, 422, 503),
)
async def flush_metrics(runtime: Engine) -> FlushView:
    """What cannot be written is kept, and tried again. Nothing is written while the flag
    `monitoring_metrics_persistence` is off."""
    return await runtime.monitoring.flush()


@get(
    "/flags/status",
    operation_id="flagsStatus",
    summary="Every flag with its value",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def flags_status(runtime: Engine) -> FlagsStatus:
    """What is served where nothing is known of whom it is for."""
    return FlagsStatus(
        profile=runtime.settings.profile,
        flags={flag.name: value for flag, value in runtime.flags.rows()},
    )


@get(
    "/v2/monitoring",
    operation_id="monitoring",
    summary="How monitoring is set, and how it does",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def monitoring_view(runtime: Engine) -> MonitoringView:
    """Of this process: adapters in use, dashboards, what waits to be written."""
    return runtime.monitoring.view()


@get(
    "/v2/monitoring/history",
    operation_id="monitoringHistory",
    summary="Figures of validation that were written, newest first",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422, 503),
)
async def monitoring_history(
    runtime: Engine,
    span: OfSpan = Span.WINDOW,
    kind: OfKind = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ValidationHistory:
    """Of the whole database: a record for each kind of event and flush, hour or day (UTC)."""
    return await runtime.monitoring.history(span, kind, cursor, limit)


# -- dashboards -------------------------------------------------------------------------------


async def allowed(dashboard: Dashboard, check: Check) -> AsyncIterator[bytes | None]:
    """The frames of a dashboard for as long as it may have them."""
    checked_at = time.monotonic()
    async for frame in dashboard.frames():
        if time.monotonic() - checked_at > CHECK_EVERY_S:
            try:
                await check()
            except ColloquyError:
                return
            checked_at = time.monotonic()
        yield frame


class EventFeed(ASGIResponse):
    """The server-sent events of one dashboard, which begins with the answer."""

    def __init__(self, join: Callable[[], Dashboard], streams: Streams, check: Check) -> None:
        super().__init__()
        self._join = join
        self._streams = streams
        self._check = check

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def write(frame: Any) -> None:
            body = b": keep-alive\n\n" if frame is None else b"data: %s\n\n" % frame
            await send({"type": "http.response.body", "body": body, "more_body": True})

        with self._join() as dashboard:
            await send({"type": "http.response.start", "status": 200, "headers": SSE_HEADERS})
            await send({"type": "http.response.body", "body": _HELLO, "more_body": True})
            frames = cast(Any, allowed(dashboard, self._check))
            gone = event(receive, "http.disconnect")
            if await self._streams.follow(frames, write, gone):
                await send({"type": "http.response.body", "body": b""})


@get(
    "/v2/monitoring/stream",
    operation_id="streamMonitoring",
    summary="Follow the monitoring events of all processes (server-sent events)",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=documented(
        {200: (str, "Server-sent events: `data` is a MonitoringEvent.")},
        *(401, 403, 404, 503),
        media_type="text/event-stream",
    ),
)
async def stream_monitoring(
    runtime: Engine, streams: Live, request: Request[Any, Any, Any]
) -> EventFeed:
    """What happens from here on, by the adapter `realtime`; 404 where it is not in use. One that
    does not keep up misses the oldest, and is told how many by `{"type": "dropped"}`."""
    streams.check()
    runtime.monitoring.check("realtime")
    join = partial(runtime.monitoring.join, "realtime")
    return EventFeed(join, streams, still_allowed(runtime, request.scope))


@websocket("/v2/monitoring/ws")
async def monitoring_socket(
    socket: WebSocket[Any, Any, Any], runtime: Engine, streams: Live
) -> None:
    """The events by the adapter `websocket`, one JSON text each."""
    scope: Any = socket.scope

    async def admitted() -> Check:
        require(principal_of(runtime, scope), ("operate",))
        return still_allowed(runtime, scope)

    await serve_dashboard(socket, runtime, streams, admitted)


async def serve_dashboard(
    socket: WebSocket[Any, Any, Any],
    runtime: Runtime,
    streams: Streams,
    admitted: Callable[[], Awaitable[Check]],
) -> None:
    """Answers a handshake and tells what happens until somebody ends it. `admitted` is awaited: it
    raises ColloquyError for whom may not watch, which is answered as an HTTP problem."""
    receive: Any = socket.receive
    send: Any = socket.send
    await receive()
    try:
        check = await admitted()
        streams.check()
        dashboard = runtime.monitoring.join("websocket")
    except Exception as error:
        await deny(socket.scope, send, error)
        return

    async def write(frame: Any) -> None:
        if frame is not None:  # the server's own pings keep the connection alive
            await send({"type": "websocket.send", "text": frame.decode(), "bytes": None})

    with dashboard:
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        frames = cast(Any, allowed(dashboard, check))
        if await streams.follow(frames, write, event(receive, "websocket.disconnect")):
            await send({"type": "websocket.close", **await _why(check)})


async def _why(check: Check) -> dict[str, Any]:
    try:
        await check()
    except ColloquyError as error:
        return {"code": NOT_ALLOWED, "reason": error.code}
    return {"code": 1001, "reason": "connect again"}  # the server, or the adapter, goes away


def still_allowed(runtime: Runtime, scope: Any) -> Check:
    """Looks again at the key of a request that was let in."""
    token = bearer(scope)

    async def check() -> None:
        if token is not None:  # else none is needed
            runtime.authenticate(token)

    return check


ROUTES: list[HTTPRouteHandler | WebsocketRouteHandler] = [
    validation_metrics,
    adapter_metrics,
    flush_metrics,
    flags_status,
    monitoring_view,
    monitoring_history,
    stream_monitoring,
    monitoring_socket,
]
