"""`/mcp`: the assistant's tools for other programs, as MCP over Streamable HTTP.

Off unless `replies.mcp_http` is on. Each request stands alone, as all of ours do: no session, no
stream that stays open. The package of the protocol is loaded by the first request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.response.base import ASGIResponse

from ..api.access import header, needs
from ..api.bodies import check_headers, read_body
from ..api.idempotency import Replayed
from ..mcp import KEY, serve_request, server_of
from ..model.errors import ColloquyError, Conflict, Forbidden, Unavailable
from ..replies.tools import Call, Toolbox
from ..replies.tools.toolbox import PASSING
from ..runtime.idempotency import Answer
from ..telemetry import get_logger

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from ..runtime import Runtime

log = get_logger(__name__)

PATH = "/mcp"
MAX_AT_ONCE = 64
"""Requests under way in one process: tools may take long, and each holds what it was sent."""
RETRY_AFTER_S = 1.0
_NOT_RUN = ("unknown", "invalid")
"""Outcomes of calls that did not reach their function."""


class ToolDoor:
    """Answers requests of the protocol with the tools of the runtime's app."""

    def __init__(self, runtime: Runtime) -> None:
        replies = runtime.settings.replies
        self._runtime = runtime
        self._limit = runtime.settings.accept.max_body_bytes
        self._toolbox = Toolbox(
            runtime.app.tools.values(),
            runtime.metrics,
            allowed=replies.tools,
            timeout_s=replies.model.tool_timeout_s,
        )
        self._server: Server[Any] | None = None
        self.under_way = 0
        """Requests that are not answered yet."""
        self._running: set[tuple[str, str, str]] = set()
        """Calls with a key that are under way: caller, tool, key."""

    def close(self) -> None:
        """Lets tools that are running end by themselves."""
        self._toolbox.close()

    async def answer(self, scope: Any, receive: Any) -> ASGIResponse:
        """Raises ColloquyError for what is no matter of the protocol, and Disconnected."""
        check_headers(scope["headers"], self._limit)
        if not self._runtime.flags.enabled("use_new_tool_framework"):
            raise Unavailable("tools are switched off: flag use_new_tool_framework")
        if self.under_way >= MAX_AT_ONCE:
            raise Unavailable(
                f"{MAX_AT_ONCE} calls of tools are under way", retry_after_s=RETRY_AFTER_S
            )
        self.under_way += 1
        try:
            body = await read_body(receive, self._limit)
            return await self._answered(scope, Replayed(body, receive))
        finally:
            self.under_way -= 1

    async def _answered(self, scope: Any, receive: Any) -> ASGIResponse:
        if self._server is None:
            # In a thread: it takes a second, for which the loop must not stand.
            self._server = await asyncio.to_thread(server_of, self._toolbox, self._run)
        status = 500
        headers: dict[str, str] = {}
        parts: list[bytes] = []

        async def gather(event: Any) -> None:
            nonlocal status
            if event["type"] == "http.response.start":
                status = event["status"]
                headers.update(
                    (k.decode("latin-1"), v.decode("latin-1")) for k, v in event["headers"]
                )
            else:
                parts.append(event.get("body", b""))

        await serve_request(self._server, scope, receive, gather, self._limit)
        headers.pop("content-length", None)
        media_type = headers.pop("content-type", "application/json")
        return ASGIResponse(
            body=b"".join(parts), status_code=status, headers=headers, media_type=media_type
        )

    async def _run(self, scope: Any, call: Call, key: str | None) -> dict[str, Any]:
        """A call with a key is done once for its caller: for a day the answer is its receipt.

        Raises IdempotencyKeyReused, Conflict while the first call is under way.
        """
        if key is None:
            return (await self._toolbox.run_outside(call)).answer
        name = (scope["principal"].id, call.name, key)
        # The claim in the store is void after a while, and tools may take longer.
        if name in self._running:
            raise Conflict("the first call with this key is still running", field=KEY)
        self._running.add(name)
        try:
            return await self._once(*name, call)
        finally:
            self._running.discard(name)

    async def _once(self, caller: str, tool: str, key: str, call: Call) -> dict[str, Any]:
        given = msgspec.json.encode(msgspec.json.decode(call.arguments), order="deterministic")
        found = await self._runtime.idempotency.begin(caller, f"TOOL {tool}", key, given)
        if isinstance(found, Answer):
            kept: dict[str, Any] = msgspec.json.decode(found.body)
            return kept
        outcome = await self._toolbox.run_outside(call)
        answer = dict(outcome.answer)
        try:
            if answer.pop(PASSING, False) or outcome.use.outcome in _NOT_RUN:
                await found.release()
            else:
                await found.keep(Answer(200, msgspec.json.encode(answer)))
        except ColloquyError as error:
            # The call was made: its own answer goes out whatever becomes of the receipt.
            log.warning("tool_receipt_unsettled", code=error.code, detail=error.detail)
        return answer


async def refuse_pages(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: programs have no origin, web pages have one, also pages whose name was made to point
    at this machine (DNS rebinding). Raises Forbidden."""
    if header(connection.scope, b"origin") is not None:
        raise Forbidden("web pages may not call tools: send no `Origin`")


def tool_routes(door: ToolDoor) -> list[HTTPRouteHandler]:
    """The one route. Not in the OpenAPI document: what it speaks is JSON-RPC."""

    @post(PATH, include_in_schema=False, status_code=200, guards=[refuse_pages, needs("tools")])
    async def mcp(request: Request[Any, Any, Any]) -> ASGIResponse:
        return await door.answer(request.scope, request.receive)

    return [mcp]
