"""Errors on the wire: RFC 9457 problem documents, whatever raised them.

Every answer of 400 or more that this server makes has the media type `application/problem+json`
and a stable `code`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from msgspec import Struct

from ..model.errors import (
    ColloquyError,
    InvalidInput,
    MalformedJson,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnsupportedVersion,
)
from ..model.message import encode
from ..telemetry import REQUEST_ID, get_logger
from .bodies import Disconnected
from .options import allowed

log = get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"

_OTHER_VERSION = re.compile(r"^/v(?![12]/)[0-9]+/")


class Problem(Struct, frozen=True, omit_defaults=True):
    """An error (RFC 9457). Clients switch on `code`, which is never renamed."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    """The path of the value that is wrong, where there is one."""
    retry_after_s: float | None = None
    """Seconds after which the same request may succeed."""
    request_id: str | None = None
    """The same as in the header `X-Request-Id`, and in the server's log."""


class MethodNotAllowed(ColloquyError):
    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


def problem_headers(error: ColloquyError, cause: Exception | None = None) -> dict[str, str]:
    """The headers that go with an error: `Retry-After` in whole seconds, the way to log in; what
    is allowed, where it was caused by a method that is not."""
    headers = {}
    if isinstance(cause, MethodNotAllowedException) and isinstance(cause.headers, Mapping):
        headers["allow"] = allowed(_methods(cause.headers))
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    elif error.status in (429, 503):
        headers["retry-after"] = "1"
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="colloquy"'
    return headers


def problem_body(error: ColloquyError) -> bytes:
    return encode(problem(error))


def problem(error: ColloquyError) -> dict[str, Any]:
    """The document of an error, with the id of the request that it answers."""
    document = error.problem()
    request_id = REQUEST_ID.get()
    if request_id is not None:
        document["request_id"] = request_id
    return document


def as_colloquy_error(error: Exception, path: str) -> ColloquyError:
    """The error with a code that an exception stands for. An unforeseen one is logged."""
    if isinstance(error, ColloquyError):
        return error
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, Disconnected):
        return Unavailable("the client went away")  # nobody reads it
    if isinstance(error, NotFoundException):
        if _OTHER_VERSION.match(path):
            return UnsupportedVersion("this server speaks version 2: use paths below /v2/")
        return NotFound("there is nothing at this path")
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed("this path does not have this method")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return InvalidInput(error.detail)
    # The client learns nothing of our inside; the log has the traceback.
    log.error("request_failed", path=path, exc_info=error)
    return ColloquyError("something went wrong on our side")


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for every exception."""
    found = as_colloquy_error(error, request.scope["path"])
    return Response(
        problem_body(found),
        status_code=found.status,
        headers=problem_headers(found, error),
        media_type=PROBLEM_TYPE,
    )


def _methods(headers: Mapping[str, str]) -> list[str]:
    return [method for method in headers.get("allow", "").split(", ") if method]


def _invalid(error: ValidationException) -> ColloquyError:
    """A parameter or a body that does not fit: the first complaint, with its field."""
    complaints = error.extra if isinstance(error.extra, list) else []
    if not complaints:
        return InvalidInput(error.detail)
    first = complaints[0]
    field = first.get("key")
    if field == "data":
        return MalformedJson("the request needs a JSON body")
    return InvalidInput(str(first.get("message")), field=field)
