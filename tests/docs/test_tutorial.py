"""The requests of the tutorial, sent to the assistant that the tutorial makes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from colloquy import Colloquy
from colloquy.runtime import Runtime
from colloquy.server.run import serve
from support.curls import curls, play
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def assistant() -> Colloquy:
    """What stands in `assistant.py` at the end: the page's program without its own tests."""
    names: dict[str, object] = {"__name__": "assistant"}
    for block in blocks(PAGE, "python"):
        exec(block.text.partition("with app.test_client()")[0], names)
    app = names["app"]
    assert isinstance(app, Colloquy)
    return app


async def test_the_take_over_over_http(tmp_path: Path) -> None:
    app = assistant()
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
        values = {"URL": await ready}
        await play(curls(PAGE), values)
        events = await runtime.events(values["CONVERSATION"])
        said = [event.kind for event in events.events]
        # The second question was recorded and got no automatic answer.
        assert said.count("message") == 2
        assert said.count("reply") == 2
        assert said.count("owner_changed") == 2
    finally:
        stop.set()
        await serving
