"""Tools of MCP servers (Model Context Protocol), by the official client.

The tools are listed once. Each call makes a connection of its own: a server that was restarted
meanwhile is no trouble, and a call costs two round trips more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...model.errors import InvalidInput, SettingsError, Transient, Unavailable
from ...telemetry import get_logger
from .tool import Tool, wrap

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import Tool as Offered

log = get_logger(__name__)

MAX_PAGES = 20
"""Pages of tools that one server may list."""


async def from_mcp(server: Any, *, timeout_s: float = 10.0) -> list[Tool]:
    """The tools of a server: a URL (Streamable HTTP), or `mcp.StdioServerParameters` to start one.

    Those whose name or schema cannot be used are left out, which is logged. Raises Unavailable, and
    SettingsError where the client is not installed.
    """
    connection = _client(server)
    offered: list[Offered] = []
    cursor = None
    try:
        async with asyncio.timeout(timeout_s), connection as client:
            for _ in range(MAX_PAGES):
                page = await client.list_tools(cursor=cursor)
                offered += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    break
    except Exception as error:
        # The client lets through what its transports raise, some of it in groups.
        detail = f"the tools of {server} cannot be read: {_cause(error)}"
        raise Unavailable(detail) from error
    return [tool for tool in (_tool(server, one) for one in offered) if tool is not None]


async def of_servers(urls: Sequence[str], taken: Sequence[Tool], timeout_s: float) -> list[Tool]:
    """The tools of all these servers. One that is away, and tools whose name is taken, are left
    out: an assistant is not down because a server of another is."""
    names = {tool.name for tool in taken}
    found: list[Tool] = []
    for url in urls:
        try:
            tools = await from_mcp(url, timeout_s=timeout_s)
        except Unavailable as error:
            log.error("mcp_server_away", detail=error.detail)
            continue
        for tool in tools:
            if tool.name in names:
                log.warning("mcp_tool_left_out", tool=tool.name, detail="the name is taken")
                continue
            names.add(tool.name)
            found.append(tool)
    return found


def _tool(server: Any, offered: Offered) -> Tool | None:
    async def call(arguments: dict[str, Any]) -> Any:
        return await _called(server, offered.name, arguments)

    hints = offered.annotations
    try:
        return wrap(
            offered.name,
            offered.description or offered.title or offered.name,
            call,
            offered.input_schema,
            idempotent=hints is not None and bool(hints.read_only_hint or hints.idempotent_hint),
        )
    except InvalidInput as error:
        log.warning("mcp_tool_left_out", tool=offered.name, detail=error.detail)
        return None


async def _called(server: Any, name: str, arguments: dict[str, Any]) -> Any:
    """Raises InvalidInput with what the server says went wrong, Transient where it is away, and
    ConnectionError where nobody knows what it did."""
    is_reached = False
    try:
        async with _client(server) as client:
            is_reached = True
            result = await client.call_tool(name, arguments)
    except Exception as error:
        if not is_reached:
            raise Transient(f"its server is away: {_cause(error)}") from error
        raise ConnectionError(f"its server did not answer: {_cause(error)}") from error
    texts = [str(part.text) for part in result.content if part.type == "text"]
    if result.is_error:
        raise InvalidInput("; ".join(texts) or "the server says that it failed")
    if result.structured_content is not None:
        return result.structured_content
    return "\n".join(texts)


def _client(server: Any) -> Client:
    try:
        from mcp import Client
    except ImportError as error:
        raise SettingsError(
            "tools of MCP servers need the official client: pip install 'colloquy[mcp]'"
        ) from error
    return Client(server)


def _cause(error: BaseException) -> str:
    """The first error of nested groups, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
