"""The widget on somebody else's site, whose styles are hostile and whose policy is strict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Page, Route, expect

from support.browser import LOOKS, PHONE, Scheme, Watched, check_accessible, check_fits, screenshot
from support.chat import OTHER
from support.foreign import Site, foreign_site
from support.server import Server


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with foreign_site() as site:
        yield site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("widget")
    with Server(
        folder,
        **{
            "chat.frame_ancestors": f"{site.url},{site.far_url}",
            "chat.title": "Teapots",
        },
    ) as server:
        site.widget = server.url
        yield server


class Guest(Watched):
    """The browser of somebody on the foreign site, which talks to itself and to the chat."""

    def __init__(self, browser: Browser, site: Site, url: str = "", **options: Any) -> None:
        self.site = site
        super().__init__(browser, url or site.url, **options)
        # What the frame tells the page is written down before the widget hears it.
        self.context.add_init_script(
            "window.heard = []; addEventListener('message', (e) => heard.push(e.data), true);"
        )

    def _check_address(self, request: Any) -> None:
        if not request.url.startswith(f"{self.site.widget}/"):
            super()._check_address(request)

    def _check_console(self, message: Any) -> None:
        # axe looks for itself in frames, under the page's own origin; the widget has none of these.
        if "The target origin provided" not in message.text:
            super()._check_console(message)


@pytest.fixture
def guest(browser: Browser, server: Server, site: Site) -> Iterator[Guest]:
    with Guest(
        browser, site, viewport={"width": 1000, "height": 760}, reduced_motion="reduce"
    ) as guest:
        assert isinstance(guest, Guest)
        yield guest


def launcher(page: Page, name: str = "Teapots") -> Any:
    return page.get_by_role("button", name=f": {name}")


def chat(page: Page) -> FrameLocator:
    return page.frame_locator("colloquy-widget iframe")


def opened(page: Page) -> FrameLocator:
    """The chat, once the panel is open and it has come."""
    launcher(page).click()
    frame = chat(page)
    expect(frame.locator("#state-text")).to_have_text("Online")
    heard(page, "ready")
    return frame


def heard(there: Page | Frame, kind: str, value: object = None) -> None:
    """Waits until the page, or the frame, was told this."""
    there.evaluate(
        "([type, value]) => new Promise((done) => { const look = () =>"
        " heard.some((one) => one.type === type && (value === null || one.value === value))"
        " ? done() : setTimeout(look, 10); look(); })",
        [kind, value],
    )


def say(frame: FrameLocator, text: str) -> None:
    frame.get_by_label("Your message").fill(text)
    frame.get_by_role("button", name="Send").click()


def test_a_conversation_on_another_site(guest: Guest) -> None:
    page = guest.open("/")
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    assert page.locator("iframe").count() == 0  # a page that nobody talks on loads no chat
    frame = opened(page)
    expect(frame.get_by_label("Your message")).to_be_focused()
    say(frame, "hello from the shop")
    expect(frame.locator(OTHER)).to_have_text(["You said: hello from the shop"])
    page.keyboard.press("Escape")
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    expect(launcher(page)).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()
    box = launcher(page).bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (58, 58)  # the shop's styles do not reach it


def test_answers_to_a_closed_panel_are_counted_and_nothing_else_crosses(guest: Guest) -> None:
    page = guest.open("/")
    frame = opened(page)

    def close_first(route: Route) -> None:
        page.evaluate("Colloquy.close()")
        heard(page.frames[1], "open", False)
        route.continue_()

    # However quick the answer is, it finds the panel closed.
    page.route("**/chat/messages", close_first)
    say(frame, "secret words")
    expect(page.get_by_role("button", name="Open: Teapots, 1 unread")).to_be_visible()
    expect(page.locator("colloquy-widget .badge")).to_have_text("1")
    # Another page of the site: the count comes along.
    with page.expect_navigation():
        page.get_by_role("link", name="Cups").click()
    expect(page.locator("colloquy-widget iframe")).to_have_count(1)
    launcher(page).click()
    expect(chat(page).locator(OTHER)).to_have_text(["You said: secret words"])
    expect(page.locator("colloquy-widget .badge")).to_be_hidden()
    heard(page, "unread")
    told = page.evaluate("heard")
    assert {message["type"] for message in told} == {"ready", "unread"}
    assert "secret" not in json.dumps(told)


def test_an_open_panel_is_open_on_the_next_page(guest: Guest) -> None:
    page = guest.open("/")
    opened(page)
    page.goto("/next")
    expect(chat(page).locator("#state-text")).to_have_text("Online")
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")


def test_the_focus_stays_in_the_open_panel(guest: Guest) -> None:
    page = guest.open("/")
    frame = opened(page)
    frame.get_by_label("Your message").focus()
    for _ in range(2):  # the send button is disabled: around the end
        page.keyboard.press("Tab")
        expect(page.locator("colloquy-widget iframe")).to_be_focused()
    frame.get_by_role("button", name="Animated face").focus()
    page.keyboard.press("Shift+Tab")
    expect(frame.get_by_label("Your message")).to_be_focused()


def test_what_the_site_chooses(guest: Guest) -> None:
    page = guest.open(
        "/?data-title=Teapot%20help&data-accent=%23ffd43b&data-position=left&data-dir=rtl"
        "&data-open=true"
    )
    frame = chat(page)
    expect(frame.get_by_role("heading", name="Teapot help")).to_be_visible()
    expect(page.get_by_role("dialog", name="Teapot help")).to_be_visible()
    assert frame.locator("html").get_attribute("dir") == "rtl"
    say(frame, "hello")
    bubble = frame.locator(".own .bubble")
    expect(bubble).to_have_css("background-color", "rgb(255, 212, 59)")
    expect(bubble).to_have_css("color", "rgb(20, 23, 31)")  # white could not be read on it
    launcher(page, "Teapot help").click()
    box = launcher(page, "Teapot help").bounding_box()
    assert box is not None
    assert box["x"] < 100
    page.goto("/")
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")  # closed by hand


def test_words_of_strangers_are_not_heard(guest: Guest, server: Server) -> None:
    page = guest.open("/")
    frame = opened(page)
    page.evaluate("postMessage({colloquy: 1, type: 'unread', value: 9}, '*')")
    page.evaluate("postMessage({colloquy: 1, type: 'close'}, '*')")
    page.evaluate(
        "document.querySelector('colloquy-widget').shadowRoot.querySelector('iframe')"
        ".contentWindow.postMessage({type: 'open', value: false}, '*')"
    )
    say(frame, "hello")
    expect(frame.locator(OTHER)).to_have_text(["You said: hello"])
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    expect(page.locator("colloquy-widget .badge")).to_be_hidden()


def test_it_works_where_the_browser_keeps_nothing_for_frames(
    browser: Browser, server: Server, site: Site
) -> None:
    with Guest(browser, site, site.far_url) as guest:
        page = guest.open("/")
        frame = opened(page)
        assert page.frames[1].evaluate("try { localStorage } catch (error) { error.name }") == (
            "SecurityError"
        )
        say(frame, "hello")
        expect(frame.locator(OTHER)).to_have_text(["You said: hello"])
        page.keyboard.press("Escape")
        expect(launcher(page)).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_looks_right_and_is_accessible(
    browser: Browser, server: Server, site: Site, width: int, scheme: Scheme
) -> None:
    size = {"width": width, "height": 740}
    with Guest(browser, site, viewport=size, color_scheme=scheme, reduced_motion="reduce") as guest:
        page = guest.open("/")
        expect(launcher(page)).to_be_visible()
        check_accessible(page)
        frame = opened(page)
        say(frame, "Is the blue teapot still there?")
        expect(frame.locator(OTHER)).to_have_count(1)
        check_accessible(page)
        check_fits(page)
        box = page.get_by_role("dialog").bounding_box()
        assert box is not None
        if width == PHONE:
            assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 740)
        else:
            assert box["x"] + box["width"] == width - 20
        screenshot(page, f"widget-{width}-{scheme}")
        frame.get_by_role("button", name="Close chat").click()
        expect(launcher(page)).to_be_focused()


def test_other_sites_cannot_frame_it(browser: Browser, tmp_path: Path) -> None:
    with foreign_site() as stranger, Server(tmp_path) as server:
        stranger.widget = server.url
        context = browser.new_context(base_url=stranger.url)
        page = context.new_page()
        page.clock.install()
        page.goto("/")
        launcher(page, "Assistant").click()
        page.clock.fast_forward(60_000)
        expect(page.get_by_text("The chat cannot be shown here.")).to_be_visible()
        link = page.get_by_role("link", name="Open it in a new tab")
        expect(link).to_have_attribute("href", f"{server.url}/chat")
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        context.close()


def test_who_may_frame_the_chat_and_how_long_the_script_is_kept(server: Server, site: Site) -> None:
    page = httpx.get(f"{server.url}/chat")
    assert (
        f"frame-ancestors 'self' {site.url} {site.far_url}"
        in page.headers["content-security-policy"]
    )
    script = httpx.get(f"{server.url}/widget.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"].startswith("public, max-age=")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    again = httpx.get(f"{server.url}/widget.js", headers={"if-none-match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for other in ("/docs", "/chat/chat.js"):
        policy = httpx.get(server.url + other).headers["content-security-policy"]
        assert site.url not in policy
