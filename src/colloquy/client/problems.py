"""From an RFC 9457 problem document back to the error that the server raised."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from ..model.errors import ColloquyError, Unavailable

GATEWAY = (502, 503, 504)
"""What a proxy answers while the server behind it is away."""

_OWN = ("type", "title", "status", "code", "detail", "field", "retry_after_s")


def error_of(problem: dict[str, Any]) -> ColloquyError:
    """The error that a problem document stands for."""
    code = problem.get("code", "")
    kind = _BY_CODE.get(code, ColloquyError)
    error = kind(
        str(problem.get("detail") or problem.get("title") or "the server refused the request"),
        field=problem.get("field"),
        retry_after_s=problem.get("retry_after_s"),
        **{name: value for name, value in problem.items() if name not in _OWN},
    )
    if kind is ColloquyError and code:
        error.code = code  # type: ignore[misc]  # of a newer server: kept as it came
        error.status = problem.get("status", 500)  # type: ignore[misc]
    return error


def error_in(response: httpx.Response) -> ColloquyError:
    """The error of an answer from 400 on, whose body was read; also of one by a proxy."""
    status = response.status_code
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    if "code" not in problem:
        problem = {"status": status, "detail": f"the server answered {status}"}
        if status in GATEWAY:
            problem["code"] = Unavailable.code
    request_id = response.headers.get("x-request-id")
    if request_id is not None:
        problem.setdefault("request_id", request_id)
    return error_of(problem)


def _kinds(base: type[ColloquyError]) -> dict[str, type[ColloquyError]]:
    found = {base.code: base}
    for kind in base.__subclasses__():
        # A subclass without a code of its own is the same error to a client.
        found = {**_kinds(kind), **found}
    return found


_BY_CODE = _kinds(ColloquyError)
