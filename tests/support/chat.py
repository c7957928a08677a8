"""Visitors of the chat page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Browser, Page, expect

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
        # What comes before this is history: neither announced nor counted as unread.
        expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
        return page


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def conversation_of(page: Page, api: httpx.Client) -> str:
    """The id of this visitor's conversation."""
    token = page.evaluate("localStorage.getItem('colloquy.visitor')")
    answer = api.post("/chat/session", headers={"authorization": f"Bearer {token}"})
    found: str = answer.json()["conversation_id"]
    return found


def answered(page: Page, *texts: str) -> None:
    """Waits until the page shows exactly these messages, each with its answer, in order."""
    expect(page.locator(OWN)).to_have_text(list(texts))
    expect(page.locator(OTHER)).to_have_text([f"You said: {text}" for text in texts])
    expect(page.locator(".pending, .failed")).to_have_count(0)


@contextmanager
def visiting(browser: Browser, server: Server, **options: object) -> Iterator[Visitor]:
    """One visitor, who must have nothing to complain of in the end."""
    with Visitor(browser, server.url, **options) as visitor:
        assert isinstance(visitor, Visitor)
        yield visitor
