"""Logging in and out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from ..api.access import authenticated
from ..api.parameters import Engine
from ..model.errors import ColloquyError, Forbidden, RateLimited, Unauthenticated
from .access import (
    OPEN,
    PLAIN_COOKIE,
    SECURE_COOKIE,
    LoginNeeded,
    cookie_of,
    identify,
    is_https,
    local_path,
    requires,
)
from .forms import FormRequest
from .live import Live
from .render import NAVIGATION, navigation, page, see
from .sessions import Login, Logins

if TYPE_CHECKING:
    from ..runtime import Runtime

_CONSOLE_SCOPES = frozenset(item.scope for item in NAVIGATION)


@get("/login")
async def login_page(request: FormRequest) -> Response[Any]:
    """Asks for a key; whoever is in already goes on."""
    wanted = local_path(request.query_params.get("next", ""))
    try:
        operator = await identify(request)
    except LoginNeeded:
        return page(request, "login.html", next=wanted or "", problem=None)
    return see(wanted or home(operator.scopes))


@post("/login", opt=OPEN)
async def log_in(request: FormRequest, runtime: Engine) -> Response[Any]:
    """A session for whoever has a key. Always with a new token: one that somebody planted in the
    browser beforehand is worth nothing."""
    wanted = local_path(await request.field("next"))
    try:
        secret = await request.field("key")
        key_id, scopes = authenticated(request.scope, partial(_key_of, runtime, secret))
    except (Unauthenticated, Forbidden, RateLimited) as error:
        return page(request, "login.html", error.status, next=wanted or "", problem=_said(error))
    logins: Logins = request.app.state.logins
    before = cookie_of(request)
    if before:
        await logins.close(before)
    login = await logins.open(key_id)
    response = see(wanted or home(scopes))
    _set_cookie(response, login, is_https(request))
    return response


@post("/logout", guards=[requires("read", "operate")])
async def log_out(request: FormRequest) -> Response[Any]:
    logins: Logins = request.app.state.logins
    live: Live = request.app.state.live
    token = cookie_of(request)
    await logins.close(token)
    live.log_out(token)
    response = see("/console/login", done="logged-out")
    for name in (PLAIN_COOKIE, SECURE_COOKIE):
        response.delete_cookie(name, path="/")
    # Drafts and pages of the browser go with the session (where it came over https).
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


def home(scopes: frozenset[str]) -> str:
    """The first page that these scopes open."""
    return navigation(scopes, "")[0].path


def _key_of(runtime: Runtime, secret: str) -> tuple[str, frozenset[str]]:
    principal = runtime.authenticate(secret)
    runtime.keys.holder(principal.id)  # the command line's own token is no key
    if not principal.scopes & (_CONSOLE_SCOPES | {"admin"}):
        raise Forbidden("This key opens no page here. The console needs read, operate or admin.")
    return principal.id, principal.scopes


def _said(error: ColloquyError) -> str:
    if isinstance(error, Unauthenticated):
        return "This key is not valid. Check for missing characters, or whether it was revoked."
    return error.detail


def _set_cookie(response: Response[Any], login: Login, secure: bool) -> None:
    response.set_cookie(
        SECURE_COOKIE if secure else PLAIN_COOKIE,
        login.token,
        path="/",
        httponly=True,
        secure=secure,
        samesite="strict",
    )


ROUTES: list[HTTPRouteHandler] = [login_page, log_in, log_out]
