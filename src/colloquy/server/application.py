"""The ASGI application: Litestar for everything, a bare function in front for the hottest route."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from ..api import (
    chat,
    conversations,
    dead_letters,
    health,
    keys,
    messages,
    remarks,
    settings,
    statistics,
    stream,
    transcript,
    webhooks,
)
from ..api.access import provide_principal
from ..api.bodies import JsonRequest
from ..api.edge import Edge
from ..api.messages import MessageDoor
from ..api.openapi import openapi_config, openapi_document
from ..api.options import options_handlers
from ..api.preconditions import provide_precondition
from ..api.problems import problem_response
from ..api.stream import Streams
from ..console import assets, chat_page, pages
from ..console.fragments import Fragments
from ..console.live import Live
from ..console.routes import console_router
from ..console.sessions import Logins

if TYPE_CHECKING:
    from ..runtime import Runtime


class Application:
    """What an ASGI server runs."""

    def __init__(self, runtime: Runtime) -> None:
        self._closing = asyncio.Event()
        self._door = MessageDoor(runtime, self._closing)
        self.streams = Streams(self._closing)
        self.litestar = _litestar(runtime, self._door, self.streams)
        self._edge = Edge(self._inside, runtime.settings)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._edge(scope, receive, send)

    async def _inside(self, scope: Any, receive: Any, send: Any) -> None:
        if (
            scope["type"] == "http"
            and scope["path"] == "/v2/messages"
            and scope["method"] == "POST"
        ):
            await self._door(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)

    def close(self) -> None:
        """Ends streams and waits, so that connections close soon. Clients resume elsewhere."""
        self._closing.set()


def build_asgi(runtime: Runtime) -> Application:
    """The application in front of a runtime, which may be started later."""
    return Application(runtime)


def _litestar(runtime: Runtime, door: MessageDoor, streams: Streams) -> Litestar:
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
        *remarks.ROUTES,
        *stream.ROUTES,
        *dead_letters.ROUTES,
        *keys.ROUTES,
        *webhooks.ROUTES,
        *health.ROUTES,
        *statistics.ROUTES,
        *settings.ROUTES,
        *chat.ROUTES,
        *chat_page.ROUTES,
        *pages.ROUTES,
        *assets.ROUTES,
        console_router(),
        openapi_document,
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
            }
        ),
        exception_handlers={Exception: problem_response},
        request_class=JsonRequest,
        request_max_body_size=runtime.settings.accept.max_body_bytes,
        openapi_config=openapi_config(),
        logging_config=None,
        debug=False,
    )
