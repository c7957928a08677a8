"""The pages of flags in a real browser: every page in every look, and a roll-out from the slider to
the kill switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from colloquy.model.flags import Condition, FlagState, Rollout, Rule
from support.browser import (
    LOOKS,
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
