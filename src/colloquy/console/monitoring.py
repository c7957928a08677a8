"""Monitoring in the console: live counters on the overview, and its events over a WebSocket that
takes the session of a browser, which cannot send an API key with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from litestar import Response, WebSocket, get, websocket
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from ..api.monitoring import Check, serve_dashboard, still_allowed
from ..api.parameters import Engine
from ..api.stream import Live
from ..model.errors import Forbidden
from .access import LoginNeeded, Operator, cookie_of, identify, requires
from .forms import FormRequest
from .render import page
from .sessions import Logins

if TYPE_CHECKING:
    from ..runtime import Runtime


@get("/overview/monitoring", guards=[requires("operate")])
async def monitoring_part(request: FormRequest, runtime: Engine) -> Response[Any]:
    """The counters; the page asks again while it is looked at."""
    view, kinds = runtime.monitoring.view(), runtime.monitoring.validation().by_event_type
    return page(request, "overview/monitoring.html", monitoring=view, kinds=kinds)


@websocket("/monitoring/ws")
async def monitoring_socket(
    socket: WebSocket[Any, Any, Any], runtime: Engine, streams: Live
) -> None:
    """As `/v2/monitoring/ws`, for who is logged in to the console."""

    async def admitted() -> Check:
        # A browser sends the cookie whatever page asks for this: the page has to be ours.
        if not _is_of_this_server(socket):
            raise Forbidden("this connection does not come from a page of the console")
        operator = await identify(socket)
        if not operator.may("operate"):
            raise Forbidden("this needs a key with the scope 'operate'")
        return _check(socket, runtime, operator)

    await serve_dashboard(socket, runtime, streams, admitted)


def _check(socket: WebSocket[Any, Any, Any], runtime: Runtime, operator: Operator) -> Check:
    """Looks again at a session: somebody who logged out, or whose key was revoked, watches no
    more. Watching alone does not keep a session alive."""
    logins: Logins = socket.app.state.logins
    token = cookie_of(socket)

    async def check() -> None:
        login = await logins.find(token, is_use=False)
        if login is None:
            raise LoginNeeded("log in first")
        runtime.keys.holder(login.key_id)

    return check if operator.has_session else still_allowed(runtime, socket.scope)


def _is_of_this_server(socket: WebSocket[Any, Any, Any]) -> bool:
    """Browsers name the page's origin with every handshake; programs use the API."""
    origin = socket.headers.get("origin")
    host = socket.headers.get("host", "")
    return origin is not None and urlsplit(origin).netloc.lower() == host.lower()


ROUTES: list[HTTPRouteHandler | WebsocketRouteHandler] = [monitoring_part, monitoring_socket]
