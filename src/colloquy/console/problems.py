"""Errors in the console: a page that says what to do, or a toast where a part was asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.response.redirect import Redirect

from ..api.problems import as_colloquy_error, problem_headers
from ..model.errors import ColloquyError, NotFound
from .access import LoginNeeded
from .render import HEADERS, page


def console_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's handler for every exception below /console."""
    found = as_colloquy_error(error, request.scope["path"])
    is_part = request.headers.get("hx-request") == "true"
    if isinstance(found, LoginNeeded):
        return _to_login(request, is_part)
    headers = {
        name: value
        for name, value in problem_headers(found).items()
        if name != "www-authenticate"  # the browser's own dialog would not help
    }
    if is_part:
        # console.js shows the text of a failed part as a toast.
        return Response(
            found.detail,
            status_code=found.status,
            headers={**HEADERS, **headers},
            media_type="text/plain",
        )
    response = page(request, "problem.html", found.status, error=found, advice=_advice(found))
    response.headers.update(headers)
    return response


def _to_login(request: Request[Any, Any, Any], is_part: bool) -> Response[Any]:
    path = request.scope["path"]
    query = request.scope["query_string"].decode("latin-1")
    here = f"{path}?{query}" if query else path
    if is_part or request.method != "GET":
        headers = {**HEADERS, "hx-refresh": "true"}  # the whole page then leads to the log-in
        return Response("log in again", status_code=401, headers=headers, media_type="text/plain")
    where = "/console/login" if path == "/console" else f"/console/login?next={quote(here)}"
    return Redirect(where, status_code=303, headers=HEADERS)


def _advice(error: ColloquyError) -> str:
    if isinstance(error, NotFound):
        return "It may have been removed, or the address is mistyped."
    if error.status == 403:
        return "Ask for a key with more scopes, or log in with another one."
    if error.status >= 500:
        return "Wait a moment and reload the page. The server's log says more."
    return "Go back and try again."
