"""Who may call what: bearer keys with scopes, visitors' tokens, and requests from this machine.

Secrets are compared by the runtime as hashes and never logged. A key in the query string is read on
stream routes only, because a browser's EventSource and WebSocket cannot send headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection, Request
from litestar.handlers import BaseRouteHandler

from ..model.errors import Forbidden, Unauthenticated
from ..model.views import Principal
from .edge import call_of

if TYPE_CHECKING:
    from ..runtime import Runtime

T = TypeVar("T")
Scope = Literal["send", "read", "tools", "operate", "admin"]

MAX_CREDENTIAL = 512
"""Bytes of an Authorization header that are looked at; keys and tokens are far shorter."""

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")

_ALL: frozenset[str] = frozenset(get_args(Scope))
OPEN = Principal(id="anonymous", scopes=_ALL)
"""Everybody, when the settings ask for no keys."""
LOCAL = Principal(id="local", scopes=_ALL)
"""Someone on this machine, when the settings trust it."""


ACTOR = "key:"
"""Begins the name of an actor that is a key."""


def actor_named(key_id: str) -> str:
    """How the log names what somebody did with this key."""
    return f"{ACTOR}{key_id}"


def header(scope: Any, name: bytes) -> bytes | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def bearer(scope: Any) -> str | None:
    """The credential of a request. Never out of its address, which ends up in logs and histories.

    Raises Unauthenticated.
    """
    value = header(scope, b"authorization")
    if value is None:
        return None
    if len(value) > MAX_CREDENTIAL or value[:7].lower() != b"bearer ":
        raise Unauthenticated("send `Authorization: Bearer KEY`")
    return str(value[7:].strip(), "latin-1")


def principal_of(runtime: Runtime, scope: Any) -> Principal:
    """Who asks, within their limits. Raises Unauthenticated, Forbidden or RateLimited."""
    call = call_of(scope)
    security = runtime.settings.security
    if not security.auth:
        _refuse_other_origin(scope)
        call.spend(call.address(scope), "api")
        return OPEN
    token = bearer(scope)
    if token is not None:
        principal = authenticated(scope, partial(runtime.authenticate, token))
        call.spend(principal.id, "api")
        return principal
    if security.trust_loopback and _is_local(scope):
        _refuse_other_origin(scope)
        call.spend(LOCAL.id, "api")
        return LOCAL
    raise Unauthenticated("this needs an API key: send `Authorization: Bearer KEY`")


def authenticated(scope: Any, check: Callable[[], T]) -> T:
    """What `check` returns; a failure counts against the address that it came from.

    A valid credential is let in whatever others behind its address did. Raises Unauthenticated, and
    RateLimited once the address has failed too often.
    """
    try:
        return check()
    except Unauthenticated:
        call = call_of(scope)
        call.spend(call.address(scope), "login")
        raise


def require(principal: Principal, scopes: tuple[Scope, ...]) -> None:
    """Raises Forbidden unless the principal has one of the scopes; `admin` implies all."""
    held = principal.scopes
    if "admin" in held or any(scope in held for scope in scopes):
        return
    raise Forbidden(f"this needs a key with the scope {' or '.join(map(repr, scopes))}")


class Guard:
    """Lets callers in that hold one of the scopes; the connection's scope says who (`principal`).

    It is asynchronous because Litestar runs plain functions in a thread.
    """

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        self.scopes = scopes

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
    ) -> None:
        runtime: Runtime = connection.app.state.runtime
        scope: Any = connection.scope
        if "principal" not in scope:  # a middleware had to know already
            scope["principal"] = principal_of(runtime, scope)
        require(scope["principal"], self.scopes)


def needs(*scopes: Scope) -> Guard:
    """The guard of a route."""
    return Guard(scopes)


def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Litestar's dependency `principal`: whom the guard of the route let in."""
    found: Principal = cast(Any, request.scope)["principal"]
    return found


def _refuse_other_origin(scope: Any) -> None:
    """Without keys a page of another site must not act through its visitor's browser.

    Raises Forbidden when the browser names an origin that is not this server.
    """
    origin = header(scope, b"origin")
    if origin is None:
        return
    host = header(scope, b"host") or b""
    if urlsplit(origin.decode("latin-1")).netloc.lower() != host.decode("latin-1").lower():
        raise Forbidden("pages of other sites may not call this server without a key")


def _is_local(scope: Any) -> bool:
    """Does the request come from this machine, and does it mean this machine?

    The Host header is checked too: a foreign name that resolves to 127.0.0.1 (DNS rebinding) must
    not get in.
    """
    client = scope.get("client")
    if not client or not _is_loopback(client[0]):
        return False
    if any(name in _FORWARDED for name, _ in scope["headers"]):
        return False  # a proxy on this machine speaks for somebody else
    host = (header(scope, b"host") or b"").decode("latin-1")
    name = urlsplit(f"//{host}").hostname or ""
    return name == "localhost" or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
