"""The documentation as a site: built strictly, opened from disk, loads nothing, finds things."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from support.browser import PATIENCE_MS
from support.markdown import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [ROOT / "scripts" / "docs", "site", "--site-dir", folder], check=True, timeout=120
    )
    return folder


@pytest.fixture
def page(site: Path) -> Iterator[Page]:
    """A page on the site; asking anybody else for anything fails the test."""
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox"],
        )
        opened = browser.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto((site / "index.html").as_uri())
        yield opened
        browser.close()
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


def test_every_page_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for source in (ROOT / "docs").glob("*.md"):
        assert (site / f"{source.stem}.html").exists()
        assert f'href="{source.stem}.html"' in home or source.stem == "index"


def test_no_page_names_another_server_for_its_parts(site: Path) -> None:
    for made in site.glob("*.html"):
        text = made.read_text(encoding="utf-8")
        for mark in ('<script src="http', '<link rel="stylesheet" href="http', '<img src="http'):
            assert mark not in text, made.name


def test_search_works_from_disk(page: Page) -> None:
    field = page.get_by_placeholder("Search")
    field.click()
    field.press_sequentially("dead letters")  # it listens to keys
    # The index is read by a worker of the page, which takes its time.
    expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=PATIENCE_MS)


def test_the_python_reference_has_the_docstrings(site: Path) -> None:
    made = (site / "python.html").read_text(encoding="utf-8")
    assert "Runs <code>fn(*args)</code> at most once" in made
