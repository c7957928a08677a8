"""The console in a real browser: every page in every look, live figures, the keyboard, dialogs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

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
    operator,
    screenshot,
    stop_clock,
)
from support.server import Server

PAGES = {
    "overview": "/console",
    "keys": "/console/keys",
    "new-key": "/console/keys/new",
    "webhooks": "/console/webhooks",
    "new-webhook": "/console/webhooks/new",
    "settings": "/console/settings?q=timeout",
    "doctor": "/console/doctor",
    "problem": "/console/nothing",
}
TEXTS = ("hello", "I want to talk to a human", "can I see the flat?", "poison")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("console")) as server, server.client() as api:
        for number in range(24):
            send(api, f"visitor {number % 9}", TEXTS[number % len(TEXTS)])
        webhook = {"url": "https://example.org/colloquy/events", "description": "The CRM"}
        api.post("/v2/webhooks", json=webhook).raise_for_status()
        for name in ("shop front end", "a program with a name that is rather long, as some are"):
            api.post("/v2/keys", json={"name": name, "scopes": ["send", "read"]})
        yield server


def send(api: httpx.Client, who: str, text: str) -> None:
    body = {"conversation": who, "text": text, "sender": {"id": who, "name": who.title()}}
    api.post("/v2/messages?wait=5", json=body).raise_for_status()


@pytest.fixture
def desk(browser: Browser, server: Server) -> Iterator[Page]:
    """The console of an administrator at a desk."""
    with operator(browser, server) as watched:
        yield watched.open("/console/keys")


def settled(page: Page) -> None:
    """Waits until the page shows what it loads by itself."""
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    if page.url.endswith("/doctor"):
        expect(page.locator(".check")).not_to_have_count(0)
    if page.url.endswith("/console"):
        expect(page.locator("#census .bars")).not_to_have_count(0)
        expect(page.locator("[data-spark=accepted_per_s] polyline")).not_to_have_attribute(
            "points", ""
        )


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_in_every_look(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in PAGES.items():
            page.goto(path)
            page.set_viewport_size({"width": width, "height": 780})
            if width == PHONE:
                expect(page.get_by_role("link", name="Keys")).to_be_hidden()
            settled(page)
            check_fits(page)
            check_accessible(page)
            screenshot(page, f"{name}-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_log_in(browser: Browser, server: Server, width: int, scheme: Scheme) -> None:
    viewport = {"width": width, "height": 780}
    with Watched(browser, server.url, viewport=viewport, color_scheme=scheme) as watched:
        page = watched.open("/console/settings")
        expect(page.get_by_label("API key")).to_be_focused()
        check_fits(page)
        check_accessible(page)
        screenshot(page, f"login-{width}-{scheme}")
        page.get_by_label("API key").fill("cq_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        page.get_by_label("API key").fill(server.key())
        # The menu's script comes after the heading.
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        if width == PHONE:
            page.get_by_role("button", name="Menu").click()
            screenshot(page, f"menu-{width}-{scheme}")
            check_accessible(page)
        page.get_by_role("button", name="Log out").click()
        expect(page.locator(".toast")).to_have_text("You are logged out.")
        assert page.url == f"{server.url}/console/login"
        page.goto("/console/settings")
        expect(page.get_by_label("API key")).to_be_visible()


def test_figures_move_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    with (
        Server(tmp_path) as server,
        operator(browser, server) as watched,
        server.client() as api,
    ):
        page = watched.open("/console")
        expect(page.get_by_text("No conversation yet")).to_be_visible()
        expect(page.locator(".command")).to_contain_text(f"curl {server.url}/v2/messages")
        screenshot(page, "overview-empty")
        page.evaluate("window.stayed = true")
        rate = page.locator("[data-value='rates.accepted_per_s']")
        expect(rate).to_have_text("0.0")
        for number in range(20):
            send(api, f"visitor {number}", "hello")
        expect(rate).not_to_have_text("0.0")
        expect(page.get_by_role("region", name="Monitoring")).to_contain_text("turns committed")
        expect(page.locator("[data-value='latency.p95_ms']")).to_have_text(re.compile(r"\d m?s"))
        send(api, "somebody", "poison")
        expect(page.locator("[data-count-of=dead_letters]")).to_have_text("1")
        # Counted again within ten seconds or so.
        expect(page.locator("#census")).to_contain_text("21 in all")
        page.get_by_text("Show as a table").click()
        expect(page.locator("#as-table tr")).not_to_have_count(0)
        assert page.evaluate("window.stayed")


def test_who_comes_back_goes_on_live(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path).start()
    try:
        with operator(browser, server) as watched:
            # A page that asks for nothing more: what is asked of a server that is away fails.
            page = watched.open("/console/keys")
            state = page.locator("[data-live-text]")
            expect(state).to_have_text("Live")
            port = int(server.url.rpartition(":")[2])
            server.stop()
            expect(state).to_have_text("Reconnecting…")
            server.start(port)
            expect(state).to_have_text("Live")
    finally:
        server.stop()


def test_a_key_is_made_copied_and_revoked(browser: Browser, server: Server) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with operator(browser, server, permissions=permissions) as watched:
        page = watched.open("/console/keys")
        page.get_by_role("link", name="New key").click()
        page.get_by_label("Name").fill("night shift")
        page.get_by_role("checkbox", name="operate").check()
        page.get_by_label("Expires").select_option("In 30 days")
        # Copying and asking back are scripts: they come after what they work on.
        with page.expect_navigation():
            page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_text("cannot be shown again")).to_be_visible()
        check_accessible(page)
        screenshot(page, "key-made")
        secret = page.locator(".secret code").inner_text()
        page.get_by_role("button", name="Copy the secret").click()
        expect(page.locator(".toast")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == secret
        assert server.runtime.authenticate(secret).scopes == {"send", "operate"}

        with page.expect_navigation():
            page.get_by_role("link", name="All keys").click()
        revoke = page.get_by_role("button", name="Revoke night shift")
        revoke.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("This cannot be undone.")
        screenshot(page, "confirm")
        check_accessible(page)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(revoke).to_be_focused()
        revoke.click()
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.locator(".toast")).to_have_text("Key revoked. Whoever used it is logged out.")
        expect(revoke).to_have_count(0)
        assert "done" not in page.url


def test_a_webhook_shows_what_its_test_met(browser: Browser, server: Server) -> None:
    with operator(browser, server) as watched:
        page = watched.open("/console/webhooks")
        with page.expect_navigation():
            page.get_by_role("link", name="https://example.org/colloquy/events").click()
        expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
        page.get_by_role("button", name="Send a test").click()
        # No test reaches another host: what matters is that the page says so.
        expect(page.locator("#tested")).to_contain_text("It failed")
        page.reload()
        expect(page.locator("tbody tr")).to_contain_text("webhook.test")
        check_accessible(page)
        screenshot(page, "webhook")
        page.set_viewport_size({"width": PHONE, "height": 780})
        check_fits(page)
        screenshot(page, f"webhook-{PHONE}")
        page.get_by_role("button", name="Disable").click()
        expect(page.get_by_role("button", name="Enable", exact=True)).to_be_visible()


def test_settings_are_found_while_one_writes(desk: Page) -> None:
    desk.goto("/console/settings")
    desk.keyboard.press("/")
    expect(desk.get_by_role("searchbox")).to_be_focused()
    desk.keyboard.type("grace")
    expect(desk.locator(".setting")).to_have_count(2)
    expect(desk.locator("#settings")).to_contain_text("2 of")
    # The same two are found before the last letter.
    expect(desk).to_have_url(re.compile("q=grace$"))


def test_the_keyboard_is_enough(desk: Page) -> None:
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator("main")).to_be_focused()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    screenshot(desk, "help")
    check_accessible(desk)
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    stop_clock(desk)
    # The page we stand on has the same heading: only the navigation tells the new one apart, and
    # keys pressed into the old one are lost with it.
    with desk.expect_navigation():
        desk.keyboard.press("g")
        desk.keyboard.press("o")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Overview")
    desk.keyboard.press("g")
    desk.keyboard.press("w")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Webhooks")
    # Letters that somebody writes are no shortcuts.
    desk.goto("/console/keys/new")
    desk.get_by_label("Name").press_sequentially("go ? t")
    expect(desk.get_by_label("Name")).to_have_value("go ? t")


def test_the_theme_is_remembered(desk: Page) -> None:
    page = desk.locator("html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = desk.evaluate(ground)
    desk.get_by_role("button", name="Switch between light and dark").click()
    expect(page).to_have_attribute("data-theme", "dark")
    assert desk.evaluate(ground) != light
    desk.reload()
    expect(page).to_have_attribute("data-theme", "dark")
    settled(desk)
    desk.keyboard.press("Shift+T")
    expect(page).to_have_attribute("data-theme", "light")


def test_times_are_those_of_the_viewer(browser: Browser, server: Server) -> None:
    with operator(browser, server, timezone_id="Asia/Tokyo", locale="en-GB") as watched:
        page = watched.open("/console/keys")
        when = page.locator("time.when").first
        made = when.get_attribute("datetime")
        assert made is not None
        shown = page.evaluate(
            "at => new Date(at).toLocaleString('en-GB', "
            "{dateStyle: 'medium', timeStyle: 'medium', timeZone: 'Asia/Tokyo'})",
            made,
        )
        expect(when).to_have_attribute("title", shown)
