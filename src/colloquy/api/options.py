"""OPTIONS, and what `Allow` says: every method of a path, HEAD wherever there is GET.

Litestar makes OPTIONS by itself, but names only the method of a path that it met first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler


def allowed(methods: Iterable[str]) -> str:
    """The header `Allow` of a path that has these methods."""
    known = {*methods, "OPTIONS"}
    if "GET" in known:
        known.add("HEAD")
    return ", ".join(sorted(known))


def options_handlers(handlers: Iterable[Any]) -> list[HTTPRouteHandler]:
    """A handler for OPTIONS of each path; the application takes them before all others."""
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler):
            for path in handler.paths:
                methods.setdefault(path, set()).update(map(str, handler.http_methods))
    return [_options(path, allowed(found)) for path, found in methods.items()]


def _options(path: str, allow: str) -> HTTPRouteHandler:
    def answer() -> Response[None]:
        return Response(None, status_code=204, headers={"allow": allow})

    made = HTTPRouteHandler(
        path, http_method="OPTIONS", include_in_schema=False, sync_to_thread=False
    )
    return made(answer)
