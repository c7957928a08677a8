"""The page about feedback in a real browser: charts in every look, the way to a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.browser import LOOKS, Scheme, check_accessible, check_fits, operator, screenshot
from support.ratings import rate_many
from support.server import Server

PAGE = "/console/feedback"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("feedback")) as server:
        rate_many(server, "sms", 8, 1, "It took far too long, and then\nit was the wrong flat.")
        rate_many(server, "mail", 20, 5)
        yield server


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_page_in_every_look(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.open(PAGE)
        expect(page.locator(".u-legend")).to_have_count(4)
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        check_fits(page)
        check_accessible(page)
        screenshot(page, f"feedback-{width}-{scheme}")


def test_from_a_recommendation_to_its_conversation(browser: Browser, server: Server) -> None:
    with operator(browser, server) as watched:
        page = watched.open(PAGE)
        expect(page.locator(".recommended li").first).to_contain_text("channel sms")
        page.get_by_role("link", name="conversation 1").first.click()
        expect(page).to_have_url(re.compile(r"/console/inbox/[0-9a-f]{32}"))
        expect(page.locator("#content")).to_contain_text("Are you open?")
