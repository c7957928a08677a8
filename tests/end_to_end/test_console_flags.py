"""The pages of flags in a real browser: every page in every look, and a roll-out from the slider to
the kill switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from colloquy.model.flags import Condition, FlagState, Rollout, Rule
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
from support.server import Server

FLAGS = "/console/flags"
NAME = "enable_tools"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("flags")) as server:
        desk = server.runtime.flag_desk
        gold = Rule("gold on the web", (Condition("plan", "in", ("gold", "platinum")),), True, 50)
        full = FlagState(
            value=False,
            people=("ann", "a-key-of-somebody-that-is-longer-than-any-phone-is-wide" * 2),
            rules=(gold,),
            rollout=Rollout(12.5),
        )
        server.run(desk.change("enable_bursts", full, "ann"))
        server.run(desk.throw("disable_memory_system", "It recalls what nobody said", "ann"))
        yield server


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_in_every_look(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    paths = {
        "list": FLAGS,
        "varied": f"{FLAGS}/enable_bursts?person=ann&attributes=plan%3Dgold",
        "killed": f"{FLAGS}/enable_context_graph",
    }
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in paths.items():
            answer = page.goto(path)
            assert answer is not None and answer.ok, name
            expect(page.locator("[data-live-text]")).to_have_text("Live")
            for fold in page.locator("details.kill > summary, details.more > summary").all():
                fold.click()
            check_fits(page)
            check_accessible(page)
            screenshot(page, f"flags-{name}-{width}-{scheme}")


def press(page: Page, button: str, answer: str = "") -> None:
    """Presses a button, says yes where it asks back, and waits for the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
        if answer:
            page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()
    page.wait_for_load_state()


def test_a_roll_out_from_the_slider_to_the_kill_switch(browser: Browser, server: Server) -> None:
    with operator(browser, server) as watched:
        page = watched.open(FLAGS)
        page.get_by_role("searchbox").fill("call the tools")
        expect(page.locator(".flag-rows tbody tr")).to_have_count(1)
        with page.expect_navigation():
            page.get_by_role("link", name=NAME, exact=True).last.click()
        page.wait_for_load_state()

        page.get_by_label("Everybody").select_option("false")
        slider, number = page.get_by_role("slider"), page.get_by_role("spinbutton")
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(number).to_have_value("3")
        number.fill("40.25")
        expect(slider).to_have_value("40")
        page.get_by_label("People", exact=True).fill("ann")
        press(page, "Save")
        expect(page.locator(".toast")).to_contain_text("Saved")
        expect(page.get_by_role("spinbutton")).to_have_value("40.25")
        assert server.runtime.flags.varies(NAME)

        page.get_by_label("Person", exact=True).fill("ann")
        page.get_by_role("button", name="Explain", exact=True).click()
        expect(page.locator("#explained")).to_contain_text(
            "They are served On – allow-list: people"
        )
        expect(page.locator(".considered .decides")).to_have_count(1)

        page.locator("details.kill > summary").click()
        page.get_by_label("Reason").fill("It books twice")
        press(page, f"Kill {NAME}", "Kill now")
        expect(page.locator(".notice.bad")).to_contain_text("It books twice")
        assert server.runtime.flags.is_killed(NAME)
        press(page, f"Revive {NAME}", "Revive")
        expect(page.locator(".notice.bad")).to_have_count(0)
        assert not server.runtime.flags.is_killed(NAME)

        page.goto(FLAGS)
        row = page.locator(".flag-rows tr", has_text=NAME)
        expect(row).to_contain_text("It depends")
        expect(row).to_contain_text("1 person, 40.25 % by person")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_what_somebody_else_does_is_shown_by_itself(
    browser: Browser, server: Server, width: int
) -> None:
    desk = server.runtime.flag_desk
    name = "enable_caching"
    with operator(browser, server, width=width) as watched:
        read, written, listed = (watched.context.new_page() for _ in range(3))
        for page in (read, written):
            page.goto(f"{FLAGS}/{name}")
        listed.goto(FLAGS)
        for page in (read, written, listed):
            expect(page.locator("[data-live-text]")).to_have_text("Live")
        people = written.get_by_label("People", exact=True)
        people.fill("bo")
        listed.get_by_role("searchbox").fill(name)
        expect(listed.locator(".flag-rows tbody tr")).to_have_count(1)

        share = width / 100
        server.run(desk.change(name, FlagState(value=False, rollout=Rollout(share)), "cy"))
        for page in (read, written):
            expect(page.get_by_role("region", name="In force")).to_contain_text("It depends")
            expect(page.get_by_label("Changes, newest first")).to_contain_text("by cy")
        # A form that nobody is at work in has what is said now, with a slider that goes along.
        expect(read.get_by_role("spinbutton")).to_have_value(f"{share:g}")
        expect(read.get_by_role("slider")).to_have_value(f"{round(share)}")
        read.get_by_role("spinbutton").fill("80")
        expect(read.get_by_role("slider")).to_have_value("80")
        # What somebody types stays, and does not go over what somebody else said.
        expect(people).to_have_value("bo")
        expect(written.get_by_role("spinbutton")).to_have_value("")
        press(written, "Save")
        expect(written.locator("#raced")).to_contain_text("Nothing of yours was saved")

        row = listed.locator(".flag-rows tbody tr")
        expect(row).to_contain_text("It depends")
        server.run(desk.throw("emergency_rollback", "It books twice", "cy"))
        expect(listed.locator("#switches")).to_contain_text("It books twice")
        expect(row).to_have_count(1)
        expect(listed.get_by_role("searchbox")).to_have_value(name)
        server.run(desk.revive("emergency_rollback", "cy"))
        expect(listed.locator("#switches")).not_to_contain_text("It books twice")
        server.run(desk.change(name, FlagState(), "cy"))
