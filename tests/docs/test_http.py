"""The page on HTTP: every curl of it is sent to a server, every route of the server is in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from colloquy import Colloquy, Turn
from colloquy.api.openapi import document
from colloquy.model.message import Message
from colloquy.runtime import Runtime
from colloquy.server.application import build_asgi
from colloquy.server.run import serve
from support.curls import curls, play, request_of
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
NO_REST = {"/v2/conversations/{conversation_id}/ws", "/v2/monitoring/ws"}
"""Routes that OpenAPI has no word for."""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[Runtime, str]]:
    """A server of an assistant that fails when it is told to."""
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> str:
        if turn.text == "fail":
            raise ValueError("as asked")
        return f"You said: {turn.text}"

    overrides = {
        "preset": "test",
        "database_url": f"sqlite:///{tmp_path / 'a.db'}",
        "security.trust_loopback": "true",
    }
    runtime = Runtime(app, app.settings(overrides))
    stop = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(runtime, "127.0.0.1", 0, on_ready=ready.set_result, stop=stop)
    )
    try:
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        yield runtime, await ready
    finally:
        stop.set()
        await serving


async def dead_letter(runtime: Runtime, conversation: str) -> int:
    """A dead letter and its number."""
    (receipt,) = await runtime.accept([Message(conversation=conversation, text="fail")])
    assert not isinstance(receipt, Exception)
    assert await runtime.wait(receipt.message_id, 60.0) is not None
    return (await runtime.dead_letters()).dead_letters[0].number


async def test_every_curl_is_answered_as_the_page_says(running: tuple[Runtime, str]) -> None:
    runtime, url = running
    secret = (await runtime.create_key("docs", ["admin"])).secret
    values = {"URL": url, "AUTH": f"Authorization: Bearer {secret}"}
    values["NUMBER"] = str(await dead_letter(runtime, "somebody"))
    await play(curls(PAGE), values)


async def test_the_curl_of_the_readme_is_answered(running: tuple[Runtime, str]) -> None:
    """It has no key: as with `serve --dev`, requests from this machine need none."""
    _, url = running
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for block in blocks(readme, "sh") for line in block.text.splitlines()]
    (command,) = [line for line in lines if line.startswith("curl ")]
    request = request_of(command.replace("http://127.0.0.1:8420", url), {})
    async with httpx.AsyncClient(timeout=60.0) as client:
        response = await client.request(**request)
    assert response.status_code == 200, response.text
    assert response.json()["replies"][0]["text"].startswith("You said: Are you open")


def test_every_route_is_on_the_page(tmp_path: Path) -> None:
    app = Colloquy()
    settings = app.settings({"database_url": f"sqlite:///{tmp_path / 'a.db'}"})
    made = document(build_asgi(Runtime(app, settings)).litestar)
    routes = {
        f"{method.upper()} {path}"
        for path, methods in made["paths"].items()
        for method in methods
        if method in ("get", "post", "delete", "put", "patch")
    } | {f"GET {path}" for path in NO_REST}
    assert len(routes) > 20
    assert not {route for route in routes if route not in PAGE}


def test_json_of_the_page_is_json() -> None:
    for block in blocks(PAGE, "json"):
        json.loads(block.text)
