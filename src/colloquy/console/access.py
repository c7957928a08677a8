"""Who uses the console and what they may do: guards by scope, protection against forged requests.

A request that changes something needs the CSRF token of its session (field `csrf` or header
X-CSRF-Token) and must come from a page of this server, by what the browser says in Origin and
Sec-Fetch-Site. A handler without a guard refuses every such request unless it is marked OPEN.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from msgspec import Struct

from ..api.access import Scope, actor_named, principal_of, require
from ..model.errors import Forbidden, Unauthenticated
from ..model.views import Principal
from .forms import FormRequest
from .sessions import Logins

if TYPE_CHECKING:
    from ..runtime import Runtime

PLAIN_COOKIE = "colloquy_console"
SECURE_COOKIE = "__Host-colloquy_console"
"""Over https. Browsers take this name only with Secure, Path=/ and without a domain, so that no
other host can plant it."""

OPEN = {"open_to_everybody": True}
"""`opt` of the few handlers that change something before anybody has logged in."""

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_NAMES = {"local": "This machine", "anonymous": "Everybody"}
_KEYLESS_CSRF = secrets.token_hex(32)
"""The token of operators without a session (`serve --dev`): pages of other sites cannot read it."""


class Operator(Struct, frozen=True):
    """Who asks."""

    key_id: str
    name: str
    scopes: frozenset[str]
    csrf: str
    has_session: bool
    """Whether there is something to log out of."""

    @property
    def actor(self) -> str:
        """How the log names who did something, as for requests to the API."""
        return actor_named(self.key_id)

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


class LoginNeeded(Unauthenticated):
    """Nobody is logged in: the browser is sent to the log-in page."""


async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Operator:
    """The operator behind a request. Raises LoginNeeded, Forbidden."""
    state = connection.app.state
    runtime: Runtime = state.runtime
    logins: Logins = state.logins
    token = cookie_of(connection)
    login = await logins.find(token, is_use=_is_use(connection)) if token else None
    if login is not None:
        try:
            key = runtime.keys.holder(login.key_id)
        except Unauthenticated as error:
            raise LoginNeeded(error.detail) from None
        return Operator(key.id, key.name, frozenset(key.scopes), login.csrf, True)
    try:
        principal = principal_of(runtime, connection.scope)
    except Unauthenticated:
        raise LoginNeeded("log in first") from None
    return _without_session(principal)


def cookie_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The session token that the browser sent, "" for none."""
    cookies = connection.cookies
    return cookies.get(SECURE_COOKIE) or cookies.get(PLAIN_COOKIE) or ""


def _is_use(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether a person did something: opened a page, or sent a form."""
    opened = connection.headers.get("sec-fetch-mode", "navigate") == "navigate"
    return opened or connection.scope.get("method") not in _SAFE_METHODS


def _without_session(principal: Principal) -> Operator:
    name = _NAMES.get(principal.id, principal.id)
    return Operator(principal.id, name, principal.scopes, _KEYLESS_CSRF, False)


class ScopeGuard:
    """Lets operators in that hold one of the scopes; the connection's scope says who."""

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        self._scopes = scopes

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
    ) -> None:
        operator = await identify(connection)
        connection.scope["operator"] = operator  # type: ignore[typeddict-unknown-key]
        require(Principal(operator.key_id, operator.scopes), self._scopes)


def requires(*scopes: Scope) -> ScopeGuard:
    """The guard of a page or an action."""
    return ScopeGuard(scopes)


def operator_of(request: ASGIConnection[Any, Any, Any, Any]) -> Operator | None:
    """Whom the guard of the route let in, if it has one."""
    found: Operator | None = cast(Any, request.scope).get("operator")
    return found


def provide_operator(request: Request[Any, Any, Any]) -> Operator:
    """Litestar's dependency `operator`."""
    found = operator_of(request)
    if found is None:
        raise Forbidden("this route has no guard")
    return found


CurrentOperator = NamedDependency[SkipValidation[Operator]]
"""The type of a handler's parameter `operator`."""


async def refuse_forged(request: Request[Any, Any, Any]) -> None:
    """Runs before every handler of the console. Raises Forbidden."""
    assert isinstance(request, FormRequest)
    if request.method in _SAFE_METHODS:
        return
    if not _is_same_origin(request):
        raise Forbidden("this request does not come from a page of the console")
    if request.route_handler.opt.get("open_to_everybody"):
        return
    operator = operator_of(request)
    token = request.headers.get("x-csrf-token") or await request.field("csrf")
    if operator is None or not hmac.compare_digest(
        token.encode("utf-8", "replace"), operator.csrf.encode()
    ):
        raise Forbidden("the page is out of date: reload it and try again")


def _is_same_origin(request: Request[Any, Any, Any]) -> bool:
    """What the browser says about the page that sent this; programs say nothing and hold no
    cookies that somebody else could use."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def is_https(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser sees this server over https, also behind a proxy that ends TLS: it says
    so in the Origin of every form it sends."""
    origin = request.headers.get("origin") or ""
    return request.scope["scheme"] == "https" or origin.startswith("https://")


def local_path(path: str) -> str | None:
    """The path if it stays within the console, else None: where to go after a log-in."""
    parts = urlsplit(path)
    is_local = not parts.scheme and not parts.netloc and "\\" not in path and path.isprintable()
    inside = parts.path == "/console" or parts.path.startswith("/console/")
    return path if is_local and inside and not path.startswith("//") else None
