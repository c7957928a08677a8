"""The tools of an assistant as an MCP server (Model Context Protocol), by the official package.

A call comes from outside of any conversation, so there is no turn: tools that take one, or are
granted by one, are not served. Over standard input nothing remembers that a call was made before;
over HTTP the server that is in front may (`Run`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from .model.errors import ColloquyError, ExtraMissing, InvalidInput
from .replies.tools import Call, Tool, Toolbox

if TYPE_CHECKING:
    import mcp_types
    from mcp.server.lowlevel import Server

Run = Callable[[Any, Call, str | None], Awaitable[dict[str, Any]]]
"""Carries a call out: the ASGI scope of its request (None where it came by another way), the call,
and the key that its caller gave it. Returns what `Outcome.answer` is; raises ColloquyError, of
which the caller is told."""

KEY = "colloquy/idempotency-key"
"""In the `_meta` of a call: under the same key the same call is done once."""
MAX_KEY = 255


async def serve_stdio(toolbox: Toolbox) -> None:
    """Until standard input ends. What tools print meanwhile goes to standard error, because
    standard output is the protocol's. Raises ExtraMissing."""
    server = server_of(toolbox)
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def serve_request(
    server: Server[Any], scope: Any, receive: Any, send: Any, max_body: int
) -> None:
    """Answers one HTTP request of the protocol, an ASGI scope, by one JSON document.

    It stands alone: no session is kept between requests, so none can be taken over or forgotten,
    and every process answers every request.
    """
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=max_body
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


def server_of(toolbox: Toolbox, run: Run | None = None) -> Server[Any]:
    """A server of the toolbox's tools. `run` carries calls out; without it the toolbox does, each
    time anew. Raises ExtraMissing."""
    try:
        import mcp_types as types
        from mcp.server.lowlevel import Server
    except ImportError as error:
        raise ExtraMissing(
            "serving tools needs the official package: pip install 'colloquy[mcp]'"
        ) from error
    # It tells of every request; what we want to know of them is in the metrics.
    logging.getLogger("mcp").setLevel(logging.WARNING)

    async def listed(_: Any, __: Any) -> mcp_types.ListToolsResult:
        return types.ListToolsResult(tools=[offered(tool) for tool in toolbox.outside()])

    def offered(tool: Tool) -> mcp_types.Tool:
        return types.Tool(
            name=tool.name,
            description=tool.description,
            input_schema=tool.parameters,
            annotations=types.ToolAnnotations(idempotent_hint=tool.idempotent),
        )

    async def called(
        context: Any, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult:
        call = Call("", params.name, msgspec.json.encode(params.arguments or {}).decode())
        try:
            if run is None:
                answer = (await toolbox.run_outside(call)).answer
            else:
                key = _key(params.meta)
                answer = await run(getattr(context.request, "scope", None), call, key)
        except ColloquyError as error:
            answer = {"error": error.detail}
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=_text(answer))],
            structured_content=_structure(answer),
            is_error="error" in answer,
        )

    return Server(
        "colloquy",
        version=metadata.version("colloquy"),
        on_list_tools=listed,
        on_call_tool=called,
    )


def _key(meta: Any) -> str | None:
    """Raises InvalidInput."""
    key = (meta or {}).get(KEY)
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidInput(f"`{KEY}` is a text of 1 to {MAX_KEY} printable characters", field=KEY)
    return key


def _text(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    result = answer["result"]
    return result if isinstance(result, str) else msgspec.json.encode(result).decode()


def _structure(answer: dict[str, Any]) -> dict[str, Any] | None:
    """Results that are objects; the protocol has no others."""
    result = answer.get("result")
    return result if isinstance(result, dict) else None
