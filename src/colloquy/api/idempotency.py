"""`Idempotency-Key`: a POST without an id of its own that may be repeated without harm.

The header is the one of draft-ietf-httpapi-idempotency-key-header; a route takes it when it has
`middleware=[once_per_key]`. What a failed request changed is nothing, so its key is free again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from litestar import Litestar
from litestar.types import ASGIApp

from ..model.errors import ColloquyError, InvalidInput
from ..runtime.idempotency import Answer, Claim
from ..telemetry import get_logger
from .access import header, principal_of
from .bodies import read_body

if TYPE_CHECKING:
    from ..runtime import Runtime

log = get_logger(__name__)

HEADER = b"idempotency-key"
_KEY = re.compile(rb"[!-~]{1,255}")


def once_per_key(app: ASGIApp) -> ASGIApp:
    """Litestar middleware of a route whose requests may carry an `Idempotency-Key`."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        key = key_of(scope)
        if key is None:
            await app(scope, receive, send)
            return
        runtime: Runtime = Litestar.from_scope(scope).state.runtime
        caller = scope["principal"] = principal_of(runtime, scope)
        body = await read_body(receive, runtime.settings.accept.max_body_bytes)
        route = f"{scope['method']} {scope['path']}"
        found = await runtime.idempotency.begin(caller.id, route, key.decode("ascii"), body)
        if isinstance(found, Answer):
            await _send_again(found, send)
        else:
            await _run(app, scope, Replayed(body, receive), send, found)

    return answer


def key_of(scope: Any) -> bytes | None:
    """The key of a request, where it has one. Raises InvalidInput."""
    key = header(scope, HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput("a key has 1 to 255 printable characters", field="Idempotency-Key")
    return key


async def _send_again(answer: Answer, send: Any) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer.body)),
        (b"idempotency-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _run(app: ASGIApp, scope: Any, receive: Any, send: Any, claim: Claim) -> None:
    """Runs the request; its answer is kept before it goes out."""
    events: list[Any] = []

    async def hold(event: Any) -> None:
        events.append(event)

    try:
        await app(scope, receive, hold)
    except BaseException:
        await _settled(claim.release())
        raise
    start, *parts = events
    if start["status"] < 300:
        body = b"".join(part.get("body", b"") for part in parts)
        await _settled(claim.keep(Answer(start["status"], body)))
    else:
        await _settled(claim.release())
    for event in events:
        await send(event)


async def _settled(work: Awaitable[None]) -> None:
    """The request was run, so its own answer goes out whatever becomes of the key."""
    try:
        await work
    except ColloquyError as error:
        log.warning("idempotency_key_unsettled", code=error.code, detail=error.detail)


class Replayed:
    """The `receive` of a request whose body was read already."""

    def __init__(self, body: bytes, receive: Any) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Any:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
