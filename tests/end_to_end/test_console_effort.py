"""What an answer took, as an operator sees it in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from colloquy import Colloquy
from colloquy.model.views import NoteRequest
from support.browser import DESK, PHONE, Scheme, check_accessible, check_fits, operator, screenshot
from support.inbox_story import say
from support.model_server import Answer, ModelServer, Wanted
from support.server import Server

LONG = "x" * 300


def assistant() -> Colloquy:
    app = Colloquy()

    @app.tool
    def find(number: int) -> dict[str, Any]:
        """Finds an order."""
        return {"number": number, "status": "on its way", "seal": LONG}

    @app.tool
    def send(number: int) -> None:
        """Sends an invoice."""
        raise ValueError(f"there is no invoice {number}")

    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    calls = tuple(Wanted(name, json.dumps({"number": 4711})) for name in ("find", "send"))
    with ModelServer(Answer(calls=calls), Answer("It is on its way.")) as model:
        settings = {name.replace("__", "."): value for name, value in model.settings.items()}
        settings["replies.model.prompt_price"] = "2"
        with Server(tmp_path_factory.mktemp("effort"), assistant, **settings) as server:
            say(server, "ann", "where is my order?")
            yield server


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_an_operator_opens_what_a_tool_was_asked(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    (view,) = server.run(server.runtime.conversations()).conversations
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.open(f"/console/inbox/{view.conversation_id}")
        found, failed = page.locator(".tool-line").all()
        expect(found.locator("summary").get_by_text("Done")).to_be_visible()
        expect(failed.locator("summary").get_by_text("Failed")).to_be_visible()
        expect(found.get_by_text("on its way")).to_be_hidden()
        found.locator("summary").click()
        expect(found.get_by_text("on its way")).to_be_visible()
        failed.locator("summary").press("Enter")
        expect(failed.get_by_text("there is no invoice 4711")).to_be_visible()
        expect(page.get_by_text("240 tokens", exact=True)).to_be_visible()
        expect(page.get_by_text("2 tool calls", exact=True)).to_be_visible()
        page.get_by_text("Why this answer").click()
        card = page.locator(".why-card")
        expect(card.get_by_text("200 sent, 40 received")).to_be_visible()
        expect(card.get_by_role("listitem")).to_have_count(2)
        check_fits(page)
        check_accessible(page)
        screenshot(page, f"effort-{width}-{scheme}")
        # What is new leaves what was opened as it was.
        server.run(server.runtime.note(view.conversation_id, NoteRequest(f"at {width}"), "op"))
        expect(page.get_by_text(f"at {width}", exact=True)).to_be_visible()
        expect(found.get_by_text("on its way")).to_be_visible()
