"""The pages of the migration in a real browser: every page in every look, and a step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from colloquy.model.migrations import MigrationMove, MigrationStart
from support.browser import (
    DESK,
    LOOKS,
    PHONE,
    Scheme,
    check_accessible,
    check_fits,
    operator,
    screenshot,
)
from support.migration import make_story, sqlite_url, write_plan
from support.server import Server

PAGE = "/console/migration"
LONG = "a-reason-of-somebody-that-is-longer-than-any-phone-is-wide" * 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("migration")
    url = sqlite_url(folder)
    plan = write_plan(folder, url)
    with Server(folder, **{"versions.migration": str(plan)}) as server:
        server.run(make_story(url, plan))
        server.run(story(server))
        yield server


async def story(server: Server) -> None:
    """In shadow, after a forced step and one back; three turns of four came by V2."""
    runtime = server.runtime
    await runtime.migration.begin(MigrationStart(reason="spring"), "ann")
    await runtime.migration.advance(MigrationMove(reason=LONG, force=True), "ann")
    await runtime.migration.back(MigrationMove(reason="not yet"), "ann")
    for version in ("v1", "v2", "v2", "v2"):
        runtime.rollouts.guard.add(version, {}, False, 0.2)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_in_every_look(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in {"page": PAGE, "mismatches": f"{PAGE}/mismatches"}.items():
            answer = page.goto(path)
            assert answer is not None and answer.ok, name
            expect(page.locator("[data-live-text]")).to_have_text("Live")
            check_fits(page)
            check_accessible(page)
            screenshot(page, f"migration-{name}-{width}-{scheme}")


def test_a_step_is_asked_for_twice_and_its_refusal_is_said(
    browser: Browser, server: Server
) -> None:
    with operator(browser, server) as watched:
        page = watched.open(PAGE)
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        expect(page.locator(".strip .now")).to_contain_text("Shadow")
        page.get_by_role("textbox", name="Reason").fill("now")
        with page.expect_navigation():
            page.get_by_role("button", name="Advance").click()
            page.get_by_role("dialog").get_by_role("button", name="Go on").click()
        expect(page.locator("#refused")).to_contain_text("mismatches open")
        expect(page.get_by_role("textbox", name="Reason")).to_have_value("now")
    assert server.run(server.runtime.migration.view()).state.stage == "shadow"


def test_a_job_shows_how_far_it_is_until_it_is_stopped(browser: Browser, server: Server) -> None:
    with operator(browser, server) as watched:
        page = watched.open(PAGE)
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        page.get_by_role("textbox", name="Messages per second").fill("3")
        with page.expect_navigation():
            page.get_by_role("button", name="Compare").click()
        jobs = page.locator("#jobs-now")
        # Nobody loads the page again: it asks by itself.
        expect(jobs).to_contain_text("7 of 25 messages")
        expect(jobs.get_by_role("progressbar")).to_have_attribute("value", "7")
        check_accessible(page)
        with page.expect_navigation():
            jobs.get_by_role("button", name="Stop").click()
        expect(jobs.locator("tbody tr").first).to_contain_text("Stopped")
        expect(jobs.get_by_role("button", name="Repair")).to_be_visible()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_step_by_somebody_else_is_shown_by_itself(
    browser: Browser, server: Server, width: int
) -> None:
    migration = server.runtime.migration
    with operator(browser, server, width=width) as watched:
        read, written = (watched.context.new_page() for _ in range(2))
        for page in (read, written):
            page.goto(PAGE)
            expect(page.locator("[data-live-text]")).to_have_text("Live")
        reason = written.get_by_role("textbox", name="Reason")
        reason.fill("now")
        said = f"on at {width}"
        server.run(migration.advance(MigrationMove(reason=said, force=True), "cy"))
        for page in (read, written):
            expect(page.locator(".strip .now")).to_contain_text("Dual, V1 first")
            expect(page.get_by_label("Steps, newest first")).to_contain_text(said)
        expect(read.locator("[name=stage]")).to_have_value("dual_v1")
        # What somebody types stays, and the step that they meant is not taken from here.
        expect(reason).to_have_value("now")
        with written.expect_navigation():
            written.get_by_role("button", name="Back", exact=True).click()
            written.get_by_role("dialog").get_by_role("button", name="Step back").click()
        expect(written.locator("#refused")).to_contain_text("the migration moved meanwhile")
        server.run(migration.back(MigrationMove(reason="not yet"), "cy"))
        expect(read.locator(".strip .now")).to_contain_text("Shadow")
