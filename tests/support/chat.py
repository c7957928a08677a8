"""Visitors of the chat page, and an assistant that writes its answers as a test dictates them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from colloquy import Colloquy, Reply, Transient, Turn
from support.browser import Watched
from support.server import Server

OWN = ".line.own .bubble"
OTHER = "#log .line:not(.own) .bubble"
DRAFT = "#draft .bubble"


class Visitor(Watched):
    """The browser of one visitor of the chat page."""

    def open(self, path: str = "/chat") -> Page:
        page = super().open(path)
        expect(page.locator("#state-text")).to_have_text("Online")
        return page


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def answered(page: Page, *texts: str) -> None:
    """Waits until the page shows exactly these messages, each with its answer, in order."""
    expect(page.locator(OWN)).to_have_text(list(texts))
    expect(page.locator(OTHER)).to_have_text([f"You said: {text}" for text in texts])
    expect(page.locator(".pending, .failed")).to_have_count(0)


class Author:
    """A server whose assistant writes what it is told."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.server: Server
        self._pieces: asyncio.Queue[str | Transient | None] = asyncio.Queue()

        @self.app.on_message
        async def answer(turn: Turn) -> Reply:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Transient):
                    raise piece
                await turn.write(piece)
            return Reply(quick_replies=["And then?"])

    def write(self, *pieces: str | Transient | None) -> None:
        """None ends the answer, Transient the attempt."""

        async def put() -> None:
            for piece in pieces:
                self._pieces.put_nowait(piece)

        self.server.run(put())


@contextmanager
def writing(folder: Path) -> Iterator[Author]:
    author = Author()
    # The tests take their time between two pieces.
    with Server(folder, lambda: author.app, **{"pipeline.parked_timeout_s": "60"}) as author.server:
        yield author


@contextmanager
def visiting(browser: Browser, server: Server, **options: object) -> Iterator[Visitor]:
    """One visitor, who must have nothing to complain of in the end."""
    with Visitor(browser, server.url, **options) as visitor:
        assert isinstance(visitor, Visitor)
        yield visitor
