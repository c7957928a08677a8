"""The chat page and the widget that shows it on other sites.

The page loads nothing from elsewhere and has no inline scripts or styles. Who may frame it says the
setting `chat.frame_ancestors`; the widget's script may be loaded by any site.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..api.parameters import Engine
from ..model.errors import NotFound
from ..model.message import encode
from .assets import asset, file_response, tag_of, tagged_response

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    # With these two a site that isolates itself (COEP) can show the chat too.
    "cross-origin-resource-policy": "cross-origin",
    "cross-origin-embedder-policy": "require-corp",
}
_WIDGET_CACHE = "public, max-age=600, stale-while-revalidate=86400"
"""Every page of the sites that have the widget asks for it: not more than once in ten minutes."""
_LOOK = b"const LOOK = {};"
"""The line of the widget's script that is filled in."""
_FILES = frozenset(
    (
        *("chat.css", "face.css", "chat.js", "connection.js", "embedded.js", "face.js"),
        *("lines.js", "look.js", "outbox.js", "reading.js", "remark.js", "view.js", "waiting.js"),
    )
)


def policy(frame_ancestors: tuple[str, ...]) -> str:
    """The content security policy of the chat page, which these sites may frame too."""
    return " ".join((_POLICY, *frame_ancestors))


@get("/chat", include_in_schema=False)
async def chat_page(runtime: Engine, request: Request[Any, Any, Any]) -> Response[bytes]:
    return _file("chat.html", request, runtime.settings.chat.frame_ancestors)


@get("/chat/{name:str}", include_in_schema=False)
async def chat_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    if name not in _FILES:
        raise NotFound("there is nothing at this path")
    return _file(name, request, ())


@get("/widget.js", include_in_schema=False)
async def widget_script(runtime: Engine, request: Request[Any, Any, Any]) -> Response[bytes]:
    """The script, with the look that the operator chose in it: it can ask nobody for that."""
    chosen = runtime.settings.chat
    look = encode({"accent": chosen.accent, "title": chosen.title})
    body = asset("widget.js")[0].replace(_LOOK, b"const LOOK = %s;" % look, 1)
    headers = {**_HEADERS, "content-security-policy": policy(()), "cache-control": _WIDGET_CACHE}
    return tagged_response("widget.js", body, tag_of(body), request, headers)


def _file(
    name: str, request: Request[Any, Any, Any], frame_ancestors: tuple[str, ...]
) -> Response[bytes]:
    headers = {**_HEADERS, "content-security-policy": policy(frame_ancestors)}
    return file_response(name, request, headers)


ROUTES: list[HTTPRouteHandler] = [chat_page, chat_file, widget_script]
