"""The demo from beginning to end: a server of its own, three acts, then a chat in the browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..client import AsyncClient, Retries
from ..model.errors import ColloquyError
from ..proof.server import Server
from .crowd import crash, play_file, rush
from .feed import Feed, Figures
from .screen import LiveScreen, PlainScreen
from .story import Story

APP = "colloquy.demo.assistant:app"


class Unanswered(ColloquyError):
    """The demo did not show what it promises."""

    code = "demo_failed"
    title = "The demo failed"


async def show(
    screen: LiveScreen | PlainScreen,
    *,
    folder: Path | None = None,
    files: Sequence[Path] = (),
    run: str | None = None,
    pace: float = 1.0,
    stay: Callable[[str], Awaitable[None]] | None = None,
) -> Figures:
    """Runs the demo and returns its figures; `stay` then gets the server's address and keeps it up.

    `folder` keeps the database; without it a temporary one is used. Raises Unanswered, Unavailable.
    """
    with tempfile.TemporaryDirectory(prefix="colloquy-demo-") as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        server = Server(place.absolute(), app=APP)
        try:
            with screen:
                await _acts(screen.feed, server, files, run or os.urandom(3).hex(), pace)
            if stay is not None:
                await stay(url_of(server))
        finally:
            if server.is_running:
                await server.stop()
    return screen.feed.figures


async def _acts(feed: Feed, server: Server, files: Sequence[Path], run: str, pace: float) -> None:
    await server.prepare()
    took = await server.start()
    feed.note(f"the server is ready after {took:.1f} s; everything it accepts is on disk")
    once = Retries(most=0)  # the show counts every attempt itself
    async with AsyncClient(url_of(server), server.token, connections=80, retries=once) as client:
        feed.begin("Act 1: people write to a letting agency")
        unanswered = await Story(client, feed, run, pace).tell()
        feed.begin("Act 2: a busy hour, 200 messages a second; each answer is timed")
        await rush(client, feed, run)
        feed.begin("Act 3: a crowd writes, and the server is killed")
        await crash(client, server, feed, run)
        for file in files:
            feed.begin(f"Your file: {file.name}")
            await play_file(client, feed, run, file)
        feed.act = "That was it."
    if unanswered:
        raise Unanswered(f"no answer in time to: {', '.join(unanswered)}")


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"
