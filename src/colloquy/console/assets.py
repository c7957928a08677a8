"""Files that browsers are served: read once, with an entity tag each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..model.errors import NotFound

_KINDS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


@cache
def asset(name: str) -> tuple[bytes, str]:
    """A file of the folder `static` and its entity tag."""
    body = resources.files("colloquy").joinpath("console", "static", name).read_bytes()
    return body, tag_of(body)


def file_response(
    name: str, request: Request[Any, Any, Any], headers: Mapping[str, str]
) -> Response[bytes]:
    """The file, or 304 when the browser has it."""
    return tagged_response(name, *asset(name), request, headers)


def tag_of(body: bytes) -> str:
    """The entity tag of a file with this content."""
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def tagged_response(
    name: str,
    body: bytes,
    tag: str,
    request: Request[Any, Any, Any],
    headers: Mapping[str, str],
) -> Response[bytes]:
    """What is served under this name, or 304 when the browser has it."""
    headers = {**headers, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_KINDS[name.rpartition(".")[2]])


@cache
def _names() -> frozenset[str]:
    """What there is to be served: nothing else is ever opened."""
    folder = resources.files("colloquy").joinpath("console", "static")
    vendor = folder.joinpath("vendor")
    names = {entry.name for entry in folder.iterdir()}
    names |= {f"vendor/{entry.name}" for entry in vendor.iterdir()}
    return frozenset(name for name in names if name.rpartition(".")[2] in _KINDS)


@get("/console/static/{name:path}", include_in_schema=False)
async def console_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Styles, scripts and icons of the console; they are open to everybody."""
    name = str(name).lstrip("/")
    if name not in _names():
        raise NotFound("there is nothing at this path")
    return file_response(name, request, _HEADERS)


ROUTES: list[HTTPRouteHandler] = [console_file]
