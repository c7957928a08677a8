"""What V1 clients are answered with: flat JSON, errors as `{"error": {…}}`, headers on its end.

The same request answered again has the same bytes: nothing in a body tells of the request or of the
moment (`X-Request-Id` does).
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse

from ...model.errors import ColloquyError, SettingsError
from ...model.message import encode
from ...settings import Settings
from ..access import header
from ..problems import as_colloquy_error, problem_headers

MEDIA_TYPE = "application/vnd.colloquy.v1+json"
PLAIN_TYPE = "application/json"

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
"""V1's kinds of errors by status; other ones below 500 are `invalid_request_error`."""


def error_tree(error: ColloquyError) -> dict[str, Any]:
    """An error in V1's shape. `code` is the same as in V2."""
    kind = _TYPES.get(error.status)
    if kind is None:
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
    tree = {"message": error.detail, "type": kind, "code": error.code, "param": error.field}
    return {"error": tree}


def standing_headers(settings: Settings) -> dict[str, str]:
    """What every answer of V1 has, its end included, where one is set (RFC 9745, RFC 8594).

    Raises SettingsError for a day that there is not.
    """
    chosen = settings.versions
    headers = {"x-api-version": "1", "vary": "Accept, X-API-Version"}
    if chosen.v1_deprecated is not None:
        at = _moment("v1_deprecated", chosen.v1_deprecated)
        headers["deprecation"] = f"@{int(at.timestamp())}"
    if chosen.v1_sunset is not None:
        headers["sunset"] = format_datetime(_moment("v1_sunset", chosen.v1_sunset), usegmt=True)
    if chosen.v1_notice is not None:
        headers["link"] = f'<{chosen.v1_notice}>; rel="deprecation"; type="text/html"'
    return headers


def media_type(scope: Any) -> str:
    """V1's own, unless the client names plain JSON and not that."""
    accept = (header(scope, b"accept") or b"").lower()
    if b"application/json" in accept and MEDIA_TYPE.encode() not in accept:
        return PLAIN_TYPE
    return MEDIA_TYPE


def answer(
    request: Request[Any, Any, Any],
    body: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> ASGIResponse:
    """A JSON answer with what every answer has."""
    return ASGIResponse(
        body=encode(body),
        status_code=status,
        headers={**request.app.state.v1_headers, **(headers or {})},
        media_type=media_type(request.scope),
    )


def refused(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for every exception of a V1 path."""
    found = as_colloquy_error(error, request.scope["path"])
    return Response(
        encode(error_tree(found)),
        status_code=found.status,
        headers={**request.app.state.v1_headers, **problem_headers(found, error)},
        media_type=media_type(request.scope),
    )


async def send_refusal(send: Any, error: ColloquyError, headers: dict[str, str]) -> None:
    """Answers before there is a route, as a bare ASGI application does."""
    body = encode(error_tree(error))
    found = {**headers, **problem_headers(error), "content-type": MEDIA_TYPE}
    raw = [(name.encode(), value.encode()) for name, value in found.items()]
    raw.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        detail = f"versions.{name}: {error}"
        problem = {"setting": f"versions.{name}", "source": "settings", "detail": str(error)}
        raise SettingsError(detail, problems=[problem]) from None
