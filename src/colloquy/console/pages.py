"""The pages for browsers: files of the `console` room, with headers that keep them safe.

No page loads anything from elsewhere, has inline scripts or styles, or may be framed by another
site; the policy says so to the browser.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..model.errors import NotFound

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_CHAT_FILES = frozenset(("chat.css", "chat.js", "outbox.js", "view.js"))
_DOCS_FILES = frozenset(("docs.css", "docs.js"))


@get("/chat", include_in_schema=False)
async def chat_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    return _file("chat.html", request)


@get("/chat/{name:str}", include_in_schema=False)
async def chat_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    return _one_of(_CHAT_FILES, name, request)


@get("/docs", include_in_schema=False)
async def docs_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document for people."""
    return _file("docs.html", request)


@get("/docs/{name:str}", include_in_schema=False)
async def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    return _one_of(_DOCS_FILES, name, request)


@cache
def _asset(name: str) -> tuple[bytes, str]:
    """A file and its entity tag."""
    body = resources.files("colloquy").joinpath("console", "static", name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def _one_of(names: frozenset[str], name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    if name not in names:
        raise NotFound("there is nothing at this path")
    return _file(name, request)


def _file(name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    body, tag = _asset(name)
    headers = {**_HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_KINDS[name.rpartition(".")[2]])


ROUTES: list[HTTPRouteHandler] = [chat_page, chat_file, docs_page, docs_file]
