"""`colloquy mcp`: another program starts it and uses the tools, by the official client."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from colloquy.cli.root import run
from colloquy.replies.tools import from_mcp

APP = '''
import time
from typing import Annotated, Any

from msgspec import Meta

from colloquy import Colloquy, Transient, Turn

print("what an assistant prints while it is imported")
app = Colloquy()
orders = []


@app.tool
def order(item: str, pieces: Annotated[int, Meta(ge=1)] = 1) -> dict[str, Any]:
    """Orders something.

    item: what it is called
    """
    print("ordering", item)
    orders.append(item)
    return {"order": len(orders), "pieces": pieces}


@app.tool(idempotent=True)
async def greet(name: str) -> str:
    """Says hello."""
    return f"Hello, {name} ✓"


@app.tool
def broken() -> str:
    """Fails."""
    raise ValueError("nothing works")


@app.tool
def away() -> str:
    """Is not there."""
    raise Transient("come back later")


@app.tool(timeout_s=0.05)
async def hangs() -> str:
    """Takes for ever."""
    import asyncio

    await asyncio.Event().wait()
    return "never"


@app.tool
def mine(turn: Turn) -> str:
    """Needs a conversation."""
    return turn.session.key


@app.tool(granted=lambda turn: turn.session.channel == "web")
def guarded() -> str:
    """Is granted by conversation."""
    return "secret"


@app.tool
def other() -> str:
    """Is not allowed by the settings."""
    return "x"
'''


def server(folder: Path, *options: str) -> StdioServerParameters:
    file = folder / "shop.py"
    file.write_text(APP)
    arguments = ["-m", "colloquy.cli", "mcp", "--app", str(file), *options]
    return StdioServerParameters(command=sys.executable, args=arguments, cwd=folder)


def text_of(result: CallToolResult) -> str:
    (part,) = result.content
    assert part.type == "text"
    return part.text


async def test_another_program_uses_the_tools(tmp_path: Path) -> None:
    allowed = "order,greet,broken,away,hangs,mine,guarded"
    async with Client(server(tmp_path, "--set", f"replies.tools={allowed}")) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"order", "greet", "broken", "away", "hangs"}
        assert tools["order"].description == "Orders something."
        assert tools["order"].input_schema["required"] == ["item"]
        assert tools["greet"].annotations is not None
        assert tools["greet"].annotations.idempotent_hint
        lamp: dict[str, Any] = {"item": "lamp", "pieces": 2}
        assert (await client.call_tool("order", lamp)).structured_content == {
            "order": 1,
            "pieces": 2,
        }
        again = await client.call_tool("order", lamp)
        assert again.structured_content == {"order": 2, "pieces": 2}, "there is no receipt"
        assert text_of(await client.call_tool("greet", {"name": "Zoë"})) == "Hello, Zoë ✓"
        for name, arguments, said in (
            ("order", {"item": "lamp", "pieces": 0}, "`int` >= 1"),
            ("order", {"item": "lamp", "colour": "red"}, "unknown field `colour`"),
            ("order", {}, "missing required field `item`"),
            ("broken", {}, "ValueError: nothing works"),
            ("away", {}, "come back later"),
            ("hangs", {}, "did not answer within 0.05 s"),
            ("mine", {}, "there is no tool"),
            ("guarded", {}, "there is no tool"),
            ("other", {}, "there is no tool"),
            ("nothing", {}, "there is no tool"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
            assert said in text_of(result)
        third = await client.call_tool("order", {"item": "shade"})
        assert third.structured_content == {"order": 3, "pieces": 1}, "wrong calls did nothing"


def test_what_is_served_can_be_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server(tmp_path)
    arguments = ["mcp", "--app", str(tmp_path / "shop.py"), "--set", "replies.tools=greet,mine"]
    assert run([*arguments, "--json"]) == 0
    (greet,) = json.loads(capsys.readouterr().out)
    assert greet["function"]["name"] == "greet"
    assert greet["function"]["parameters"]["required"] == ["name"]


async def test_another_colloquy_uses_them_too(tmp_path: Path) -> None:
    tools = {tool.name: tool for tool in await from_mcp(server(tmp_path), timeout_s=60.0)}
    greet = tools["greet"]
    assert greet.idempotent
    assert await greet.call(None, greet.decode('{"name": "Ann"}')) == "Hello, Ann ✓"
    assert "mine" not in tools
