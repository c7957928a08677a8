"""The ASGI application: Litestar for everything, a bare function in front for the hottest route."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from ..api import (
    alerts,
    chat,
    chat_socket,
    conversations,
    dead_letters,
    feedback,
    flags,
    graph,
    health,
    keys,
    ledger,
    messages,
    migration,
    monitoring,
    remarks,
    rollouts,
    settings,
    statistics,
    stream,
    transcript,
    v1,
    versions,
    webhooks,
)
from ..api.access import provide_principal
from ..api.bodies import JsonRequest
from ..api.edge import Edge
from ..api.messages import MessageDoor
from ..api.openapi import openapi_config, openapi_document
from ..api.options import options_handlers
from ..api.preconditions import provide_precondition
from ..api.problems import PROBLEM_TYPE, problem_body, problem_response
from ..api.stream import Streams
from ..api.v1.answers import refused, send_refusal, standing_headers
from ..console import assets, chat_page, pages
from ..console.fragments import Fragments
from ..console.live import Live
from ..console.problems import console_problem
from ..console.routes import console_router
from ..console.sessions import Logins
from ..model.errors import UnknownVersion
from .tools import ToolDoor, tool_routes

if TYPE_CHECKING:
    from ..runtime import Runtime


class Application:
    """What an ASGI server runs."""

    def __init__(self, runtime: Runtime) -> None:
        self._closing = asyncio.Event()
        self._door = MessageDoor(runtime, self._closing)
        self.streams = Streams(self._closing)
        self.tools = ToolDoor(runtime) if runtime.settings.replies.mcp_http else None
        self.litestar = _litestar(runtime, self._door, self.streams, self.tools)
        self._edge = Edge(self._inside, runtime.settings)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._edge(scope, receive, send)

    async def _inside(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            try:
                scope = versions.routed(scope)
            except UnknownVersion as error:
                await self._refuse(scope, send, error)
                return
        if (
            scope["type"] == "http"
            and scope["path"] == "/v2/messages"
            and scope["method"] == "POST"
        ):
            await self._door(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)

    async def _refuse(self, scope: Any, send: Any, error: UnknownVersion) -> None:
        if not scope["path"].startswith("/v2/"):
            await send_refusal(send, error, self.litestar.state.v1_headers)
            return
        body = problem_body(error)
        headers = [(b"content-type", PROBLEM_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Ends streams and waits, so that connections close soon. Clients resume elsewhere."""
        self._closing.set()

    def release(self) -> None:
        """Lets go of what requests needed, once none is under way."""
        if self.tools is not None:
            self.tools.close()


def build_asgi(runtime: Runtime) -> Application:
    """The application in front of a runtime, which may be started later."""
    return Application(runtime)


def _litestar(
    runtime: Runtime, door: MessageDoor, streams: Streams, tools: ToolDoor | None
) -> Litestar:
    def provide_runtime() -> Any:
        return runtime

    def provide_door() -> Any:
        return door

    def provide_streams() -> Any:
        return streams

    handlers: list[Any] = [
        *messages.ROUTES,
        *conversations.ROUTES,
        *transcript.ROUTES,
        *v1.ROUTES,
        *remarks.ROUTES,
        *stream.ROUTES,
        *dead_letters.ROUTES,
        *keys.ROUTES,
        *webhooks.ROUTES,
        *graph.ROUTES,
        *alerts.ROUTES,
        *flags.ROUTES,
        *rollouts.ROUTES,
        *migration.ROUTES,
        *feedback.ROUTES,
        *ledger.ROUTES,
        *health.ROUTES,
        *statistics.ROUTES,
        *monitoring.ROUTES,
        *settings.ROUTES,
        *chat.ROUTES,
        *chat_socket.ROUTES,
        *chat_page.ROUTES,
        *pages.ROUTES,
        *assets.ROUTES,
        console_router(),
        openapi_document,
        *(tool_routes(tools) if tools is not None else ()),
    ]
    return Litestar(
        # OPTIONS first: Litestar makes it by itself where it is not.
        route_handlers=[*options_handlers(handlers), *handlers],
        dependencies={
            "runtime": Provide(provide_runtime, sync_to_thread=False),
            "door": Provide(provide_door, sync_to_thread=False),
            "streams": Provide(provide_streams, sync_to_thread=False),
            "principal": Provide(provide_principal, sync_to_thread=False),
            "precondition": Provide(provide_precondition, sync_to_thread=False),
            "visitors": Provide(chat.provide_visitors),
            "visitor": Provide(chat.provide_visitor, sync_to_thread=False),
        },
        state=State(
            {
                "runtime": runtime,
                "logins": Logins(runtime.store, runtime.settings.console),
                "live": Live(runtime, streams),
                "fragments": Fragments(),
                "examining": asyncio.Lock(),
                "v1_headers": standing_headers(runtime.settings),
            }
        ),
        exception_handlers={Exception: _problem},
        request_class=JsonRequest,
        request_max_body_size=runtime.settings.accept.max_body_bytes,
        openapi_config=openapi_config(),
        logging_config=None,
        debug=False,
    )


def _problem(request: Request[Any, Any, Any], error: Exception) -> Any:
    """Of a path below /console or /v1 without a route, their own handlers are not asked."""
    path = request.scope["path"]
    if path.startswith("/v1/"):
        return refused(request, error)
    is_page = path.startswith("/console/")
    return console_problem(request, error) if is_page else problem_response(request, error)
