"""Tools of a real MCP server, over Streamable HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.server import MCPServer

from colloquy import Colloquy
from colloquy.model.errors import InvalidInput, Transient, Unavailable
from colloquy.replies.tools import from_mcp
from support.engine import running
from support.mcp_server import serving
from support.model_server import Answer, ModelServer, Wanted


def shop(orders: list[str]) -> MCPServer:
    server = MCPServer("shop", log_level="CRITICAL")

    @server.tool()
    def order(item: str, pieces: int = 1) -> dict[str, Any]:
        """Orders something."""
        orders.append(item)
        return {"order": len(orders), "pieces": pieces}

    @server.tool()
    def broken() -> str:
        """Fails."""
        raise ValueError("nothing works")

    @server.tool(name="two words")
    def unnamed() -> str:
        """Has a name that a model's format does not allow."""
        return "x"

    return server


async def test_listing_and_calling() -> None:
    orders: list[str] = []
    with serving(shop(orders)) as url:
        tools = {tool.name: tool for tool in await from_mcp(url)}
        assert list(tools) == ["order", "broken"], "one has a name that cannot be used"
        tool = tools["order"]
        assert tool.description == "Orders something."
        assert tool.parameters["required"] == ["item"]
        result = await tool.call(None, tool.decode('{"item": "lamp"}'))
        assert result == {"order": 1, "pieces": 1}
        with pytest.raises(InvalidInput, match="broken"):
            await tools["broken"].call(None, {})
    assert orders == ["lamp"]
    with pytest.raises(Transient, match="away"):
        await tool.call(None, {"item": "lamp"})
    with pytest.raises(Unavailable, match="cannot be read"):
        await from_mcp(url)


async def test_a_model_calls_them(tmp_path: Path) -> None:
    orders: list[str] = []
    app = Colloquy()

    @app.tool
    def broken() -> str:
        """The app's own; its name is taken then."""
        return "works"

    calls = Answer(calls=(Wanted("order", '{"item": "lamp"}'), Wanted("broken")))
    wrong = Answer(calls=(Wanted("order", '{"pieces": "two"}'),))
    with serving(shop(orders)) as url, ModelServer(calls, wrong, Answer("Ordered.")) as server:
        options = {**server.settings, "replies__mcp_servers": f"{url},http://127.0.0.1:9/mcp"}
        async with running(app, tmp_path / "a.db", **options) as talk:
            assert await talk.send("a lamp") == ["Ordered."]
            rows = [row for row in await talk.rows() if row["kind"] == "reply"]
            used = rows[0]["body"]["why"]["model"]["tools"]
    assert [use["outcome"] for use in used] == ["ok", "ok", "invalid"]
    assert orders == ["lamp"]
    told = [one["content"] for one in server.requests[-1]["messages"] if one["role"] == "tool"]
    assert '"order":1' in told[0]
    assert '"result":"works"' in told[1]
