"""The pages for browsers: files of the `console` room, with headers that keep them safe.

No page loads anything from elsewhere, has inline scripts or styles, or may be framed by another
site; the policy says so to the browser.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..model.errors import NotFound
from .assets import file_response

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_CHAT_FILES = frozenset(("chat.css", "chat.js", "outbox.js", "view.js"))
_DOCS_FILES = frozenset(("docs.css", "docs.js"))


@get("/chat", include_in_schema=False)
async def chat_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    return file_response("chat.html", request, _HEADERS)


@get("/chat/{name:str}", include_in_schema=False)
async def chat_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    return _one_of(_CHAT_FILES, name, request)


@get("/docs", include_in_schema=False)
async def docs_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document for people."""
    return file_response("docs.html", request, _HEADERS)


@get("/docs/{name:str}", include_in_schema=False)
async def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    return _one_of(_DOCS_FILES, name, request)


def _one_of(names: frozenset[str], name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    if name not in names:
        raise NotFound("there is nothing at this path")
    return file_response(name, request, _HEADERS)


ROUTES: list[HTTPRouteHandler] = [chat_page, chat_file, docs_page, docs_file]
