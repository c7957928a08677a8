"""The API reference for people, with headers that keep it safe.

It loads nothing from elsewhere, has no inline scripts or styles, and no other site may frame it:
the policy says so to the browser.
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
    "cache-control": "no-cache",
}
_DOCS_FILES = frozenset(
    (
        *("docs.css", "docs.js", "docs-parts.js"),
        *("docs-samples.js", "docs-schema.js", "docs-try.js"),
    )
)


@get("/docs", include_in_schema=False)
async def docs_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document for people."""
    return file_response("docs.html", request, _HEADERS)


@get("/docs/{name:str}", include_in_schema=False)
async def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    if name not in _DOCS_FILES:
        raise NotFound("there is nothing at this path")
    return file_response(name, request, _HEADERS)


ROUTES: list[HTTPRouteHandler] = [docs_page, docs_file]
