"""The API reference in a browser: found, read, copied and tried out, on every screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import (
    LOOKS,
    PHONE,
    Scheme,
    Watched,
    check_accessible,
    check_fits,
    screenshot,
    stop_clock,
)
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("reference")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v2/openapi.json").json()
    return found


@pytest.fixture
def reader(browser: Browser, server: Server) -> Iterator[Watched]:
    viewport = {"width": 1280, "height": 800}
    with Watched(browser, server.url, viewport=viewport, reduced_motion="reduce") as watched:
        yield watched


def opened(watched: Watched, path: str = "/docs") -> Page:
    page = watched.open(path)
    expect(page.locator("main[aria-busy=false]")).to_be_visible()
    return page


def operations(api: dict[str, Any]) -> list[dict[str, Any]]:
    """As the page has them: those of a tag together, tags as they first come."""
    found = [operation for item in api["paths"].values() for operation in item.values()]
    tags = list(dict.fromkeys(operation["tags"][0] for operation in found))
    return sorted(found, key=lambda operation: tags.index(operation["tags"][0]))


def test_every_operation_is_there_with_samples(reader: Watched, api: dict[str, Any]) -> None:
    page = opened(reader)
    names = [operation["operationId"] for operation in operations(api)]
    assert len(names) >= 25
    assert page.locator("article").evaluate_all("all => all.map(one => one.id)") == names
    assert page.locator("#contents li").count() == len(names)
    for name in names:
        article = page.locator(f"#{name}")
        sample = article.locator("[role=tabpanel] pre").first.text_content() or ""
        assert sample.startswith("curl ")
        assert "undefined" not in (article.text_content() or "")
        assert "[object Object]" not in (article.text_content() or "")


def test_the_filter_finds_by_words_codes_and_methods(reader: Watched) -> None:
    page = opened(reader)
    page.keyboard.press("/")
    filter_ = page.get_by_label("Find an operation")
    expect(filter_).to_be_focused()
    filter_.fill("POST owner")
    expect(page.locator("article#setOwner")).to_be_visible()
    expect(page.locator("article#getMessage")).to_be_hidden()
    expect(page.locator("#contents").get_by_role("link", name="Dead letters")).to_be_hidden()
    filter_.fill("precondition_failed")
    expect(page.locator("article#setOwner")).to_be_visible()
    expect(page.locator("#found")).to_contain_text(" of ")
    filter_.fill("nothing like that")
    expect(page.get_by_text("No operation fits.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("article#getMessage")).to_be_visible()
    expect(filter_).to_be_focused()


def test_a_link_shows_its_operation_whatever_is_filtered(reader: Watched) -> None:
    page = opened(reader, "/docs#getDeadLetter")
    expect(page.locator("#getDeadLetter h3")).to_be_in_viewport()
    page.get_by_label("Find an operation").fill("getDeadLetter")
    page.locator("#getDeadLetter").get_by_role("link", name="Where a message is").click()
    expect(page.locator("#getMessage h3")).to_be_in_viewport()
    current = page.locator("#contents a[aria-current]")
    expect(current).to_have_text("GETWhere a message is")


def test_samples_run_as_they_are_shown(reader: Watched, server: Server) -> None:
    """The Python that the page shows, with an address and a key, does what it says."""
    page = opened(reader)
    article = page.locator("article#sendMessages")
    article.get_by_role("tab", name="Python").click()
    for other in ("getMessage", "createKey"):  # one choice for the whole page
        expect(page.locator(f"#{other}").get_by_role("tab", name="Python")).to_have_attribute(
            "aria-selected", "true"
        )
    sample = article.get_by_role("tabpanel", name="Python").locator("pre").text_content()
    said: list[Any] = []
    exec(sample or "", {"URL": server.url, "KEY": server.key("send"), "print": said.append})
    assert said[0]["status"] == "stored"
    page.keyboard.press("ArrowLeft")
    expect(article.get_by_role("tab", name="curl")).to_be_focused()
    expect(article.get_by_role("tabpanel", name="curl")).to_be_visible()


def test_a_sample_is_copied(browser: Browser, server: Server) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with Watched(browser, server.url, permissions=permissions) as watched:
        page = opened(watched)
        stop_clock(page)
        block = page.locator("#health [role=tabpanel] .block").first
        block.get_by_role("button").click()
        expect(block.get_by_role("button")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == 'curl -s "$URL/health"'


def test_fields_open_one_inside_the_other(reader: Watched) -> None:
    page = opened(reader)
    article = page.locator("article#sendMessages")
    expect(article.get_by_text("Fields of Message").first).to_be_visible()
    article.get_by_text("Fields of Message").first.click()
    expect(article.locator(".fields code", has_text="conversation").first).to_be_visible()
    article.get_by_text("Fields of Sender").first.click()
    expect(
        article.get_by_text("Fields of Sender").first.locator("..").locator("dt")
    ).not_to_have_count(0)


def test_trying_out_with_a_key_that_stays_in_the_tab(reader: Watched, server: Server) -> None:
    page = opened(reader)
    article = page.locator("article#sendMessages")
    article.get_by_text("Try it").click()
    article.get_by_role("button", name="Send").click()
    expect(article.locator(".output strong")).to_have_text("401 Unauthorized")
    page.get_by_label("API key for trying things out").fill(server.key("admin"))
    article.get_by_label("wait (optional)").fill("30")
    article.get_by_label("Body").fill(json.dumps({"conversation": "docs", "text": "hello"}))
    article.get_by_role("button", name="Send").click()
    expect(article.locator(".output strong")).to_have_text("200 OK")
    expect(article.locator(".output pre").last).to_contain_text("You said: hello")
    article.locator(".output").get_by_text("Headers").click()
    expect(article.locator(".output details pre")).to_contain_text("x-request-id: ")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert len(page.evaluate("Object.values(sessionStorage)")) == 1
    fresh = opened(reader)  # another tab knows nothing of it
    expect(fresh.get_by_label("API key for trying things out")).to_have_value("")
    page.reload()
    expect(page.get_by_label("API key for trying things out")).not_to_have_value("")
    page.get_by_role("button", name="Forget").click()
    assert page.evaluate("sessionStorage.length") == 0


def test_trying_out_a_path_and_a_stream(reader: Watched, server: Server) -> None:
    with server.client() as admin:
        body = {"conversation": "stream", "text": "hello"}
        receipt = admin.post("/v2/messages?wait=20", json=body).json()["receipt"]
    page = opened(reader)
    page.get_by_label("API key for trying things out").fill(server.key("read"))
    article = page.locator("article#streamConversation")
    article.get_by_text("Try it").click()
    article.get_by_label("conversation_id", exact=True).fill(receipt["conversation_id"])
    article.get_by_role("button", name="Send").click()
    expect(article.locator(".output strong")).to_have_text("200 OK")
    expect(article.locator(".output pre").last).to_contain_text(": open")
    article.get_by_role("button", name="Stop").click()
    expect(article.get_by_text("Stopped.")).to_be_visible()
    expect(article.get_by_role("button", name="Send")).to_be_enabled()


def test_the_document_that_does_not_load_is_told(browser: Browser, server: Server) -> None:
    with Watched(browser, server.url) as watched:
        watched.context.route("**/v2/openapi.json", lambda route: route.fulfill(status=503))
        page = opened(watched)
        expect(page.get_by_role("alert")).to_contain_text("503")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_can_be_read_by_everybody(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    viewport = {"width": width, "height": 780}
    with Watched(
        browser, server.url, viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
    ) as watched:
        page = opened(watched)
        check_fits(page)
        # All others are made like this one: looking at one takes a tenth of the time.
        page.locator("#filter").evaluate("(one) => { one.value = 'setOwner'; }")
        page.locator("#filter").dispatch_event("input")
        page.locator("#setOwner .trying > summary").click()
        page.locator("#setOwner .answer summary").nth(1).click()
        page.locator("#setOwner .answer summary").last.click()
        check_fits(page)
        check_accessible(page)
        if width == PHONE:
            menu = page.get_by_role("button", name="Menu")
            expect(page.locator("#contents")).to_be_hidden()
            menu.click()
            check_accessible(page)
            page.locator("#contents").get_by_role("link", name="Take a conversation over").click()
            expect(page.locator("#contents")).to_be_hidden()
            expect(page.locator("#setOwner h3")).to_be_in_viewport()
            menu.click()
            page.keyboard.press("Escape")
            expect(page.locator("#contents")).to_be_hidden()
            expect(menu).to_be_focused()
        page.goto("/docs#setOwner")
        screenshot(page, f"reference-{width}-{scheme}")
