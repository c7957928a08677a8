"""Chromium for tests: contexts that note what must not happen, log-ins to the console, checks for
accessibility, screenshots."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.server import Server

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 60_000

PHONE, DESK = 360, 1280
"""Widths at which every page has to work."""
Scheme = Literal["light", "dark"]
LOOKS: list[tuple[int, Scheme]] = [
    *((PHONE, "light"), (PHONE, "dark")),
    *((DESK, "light"), (DESK, "dark")),
]
"""Every width in every colour scheme, for `parametrize`."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module only: while it is open, no asyncio test can run in this thread."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """The browser of one person; `complaints` notes everything that must not happen: requests to
    other hosts, errors of scripts, breaches of the content security policy, dialogs.

    A context manager: at its end the complaints must be empty.
    """

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(base_url=url, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.context.on("request", self._check_address)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("console", self._check_console)
        self.context.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.context.close()
        if kind is None:
            assert self.complaints == [], self.complaints

    def _check_address(self, request: Any) -> None:
        if not request.url.startswith((self.url + "/", "data:")):
            self.complaints.append(f"asked for {request.url}")

    def _check_console(self, message: Any) -> None:
        # A request that fails is noted by the browser itself, and expected by tests of failures.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(path)
        return page


def operator(
    browser: Browser,
    server: Server,
    *scopes: str,
    width: int = DESK,
    scheme: Scheme = "light",
    **options: Any,
) -> Watched:
    """The browser of somebody who is logged in to the console with a key of these scopes (admin by
    default)."""
    watched = Watched(
        browser,
        server.url,
        viewport={"width": width, "height": 780},
        color_scheme=scheme,
        reduced_motion="reduce",
        **options,
    )
    answer = watched.context.request.post(
        f"{server.url}/console/login", form={"key": server.key(*scopes)}, max_redirects=0
    )
    assert answer.status == 303
    return watched


@cache
def _axe() -> Axe:
    return Axe()


def check_accessible(page: Page) -> None:
    """No violation that axe calls serious or critical (WCAG 2.1 A, AA and best practices)."""
    found = _axe().run(page).response["violations"]
    grave = [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert grave == [], "\n".join(grave)


_STICKING_OUT = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > width)
    .map((element) => element.outerHTML.slice(0, 120));
  return [`${document.documentElement.scrollWidth} px of ${width} px`, ...wide];
}
"""


def check_fits(page: Page) -> None:
    """Nothing sticks out: the page does not scroll sideways."""
    assert page.evaluate(_STICKING_OUT) == []


@cache
def _folder() -> Path:
    named = os.environ.get("COLLOQUY_SCREENSHOTS")
    folder = Path(named or tempfile.mkdtemp(prefix="colloquy-screenshots-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stop_clock(page: Page) -> None:
    """From here on the page does nothing because time has passed: what it shows for a moment stays,
    and keys that belong together may come as slowly as a busy machine sends them."""
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(hours=1))


def screenshot(page: Page, name: str) -> None:
    """The whole page as NAME.png in the folder that COLLOQUY_SCREENSHOTS names, else a new one."""
    page.screenshot(path=_folder() / f"{name}.png", full_page=True)
