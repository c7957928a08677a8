"""The pages of roll-outs in a real browser: every page in every look, and one way from the form to
a roll-back and its undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from colloquy.flags import Decision
from colloquy.model.flags import FlagState
from colloquy.model.rollouts import LevelRequest, RolloutNote, RolloutRequest
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

PAGE = "/console/rollouts"
NAME = "enable_tools"
WATCHED = "enable_bursts"
BACK = "enable_caching"
MOVED = "enable_apology"
LONG = "a-reason-of-somebody-that-is-longer-than-any-phone-is-wide" * 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("rollouts")) as server:
        server.run(story(server))
        yield server


async def story(server: Server) -> None:
    """One plan that the guard holds, one that is paused, one that was taken back."""
    desk, flags = server.runtime.rollouts, server.runtime.flag_desk
    desk.memory = lambda: 0.5
    for name in (WATCHED, BACK, NAME):
        await flags.change(name, FlagState(value=False), "ann")
    for name in (WATCHED, BACK):
        await desk.begin(RolloutRequest(flag=name, reason=LONG), "ann")
    await desk.pause(WATCHED, RolloutNote("lunch"), "ann")
    for number in range(120):
        for value in (True, False):
            asked = {WATCHED: Decision(value, "rollout", "")}
            desk.guard.add("v2", asked, not value or number % 13 != 0, 0.2)
    await desk.look()
    await desk.levels.back(LevelRequest(level="partial", flag=BACK, reason="It books twice"), "ann")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_in_every_look(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    levels = server.runtime.rollouts.levels
    taken = server.run(levels.page()).rollbacks[0]
    paths = {
        "list": PAGE,
        "plan": f"{PAGE}/{WATCHED}",
        "none": f"{PAGE}/verbose_logging",
        "begin": f"{PAGE}/begin?flag={BACK}",
        "back": f"{PAGE}/back?flag={WATCHED}",
        "rollback": f"{PAGE}/rollbacks/{taken.id}",
    }
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in paths.items():
            answer = page.goto(path)
            assert answer is not None and answer.ok, name
            expect(page.locator("[data-live-text]")).to_have_text("Live")
            page.locator("details").evaluate_all(
                "all => all.forEach((one) => { one.open = true; })"
            )
            check_fits(page)
            check_accessible(page)
            screenshot(page, f"rollouts-{name}-{width}-{scheme}")


def press(page: Page, button: str, answer: str) -> None:
    """Presses a button, says yes in the dialog, and waits for the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()
    ready(page)


def go(page: Page, link: str) -> None:
    with page.expect_navigation():
        page.get_by_role("link", name=link, exact=True).click()
    ready(page)


def ready(page: Page) -> None:
    """Once the page's scripts are there."""
    expect(page.locator("[data-live-text]")).to_have_text("Live")


def test_from_the_form_to_a_roll_back_and_its_undo(browser: Browser, server: Server) -> None:
    desk = server.runtime.rollouts
    with operator(browser, server) as watched:
        page = watched.open(PAGE)
        ready(page)
        go(page, "Begin a roll-out")
        page.get_by_label("Flag", exact=True).select_option(NAME)
        with page.expect_navigation():
            page.get_by_role("button", name="Go on").click()
        ready(page)
        page.get_by_label("Held of step 1", exact=True).fill("soon")
        page.get_by_label("Reason").fill("better tools")
        press(page, "Begin", "Begin now")
        expect(page.locator("#hold-1-problem")).to_contain_text("write it as 7 d")
        page.get_by_label("Held of step 1", exact=True).fill("2 h")
        press(page, "Begin", "Begin now")
        expect(page.locator(".toast")).to_contain_text("Begun")
        expect(page.locator(".strip .now")).to_contain_text("5 %")
        assert desk.show(NAME).percentage == 5

        page.get_by_label("Reason").fill("we look at it tomorrow")
        press(page, "Pause", "Pause it")
        expect(page.locator(".strip .now")).to_contain_text("paused")
        assert desk.show(NAME).state == "paused"
        expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()

        go(page, "Roll back now…")
        feature = page.get_by_role("region", name="Feature", exact=True)
        expect(feature).to_contain_text("5 % by person")
        expect(page.get_by_role("region", name="Emergency", exact=True)).to_be_visible()
        feature.locator("details.kill > summary").click()
        feature.get_by_label("Reason").fill("it books twice")
        press(page, "Take back by the level feature", "Take back now")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Roll-back: feature of {NAME}")
        assert desk.show(NAME).state == "rolled_back"

        press(page, f"Undo the roll-back feature of {NAME}", "Undo it")
        expect(page.locator("main dl")).to_contain_text("Undone")
        assert server.runtime.flag_desk.show(NAME).state["rollout"] == {"percentage": 5.0}


async def four_of_sixty_fail(server: Server) -> None:
    for number in range(60):
        asked = {MOVED: Decision(True, "rollout", "")}
        server.runtime.rollouts.guard.add("v2", asked, number % 15 != 0, 0.2)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_what_happens_to_a_plan_is_shown_by_itself(
    browser: Browser, server: Server, width: int
) -> None:
    desk = server.runtime.rollouts
    with operator(browser, server, width=width) as watched:
        read, written, listed = (watched.context.new_page() for _ in range(3))
        for page in (read, written):
            page.goto(f"{PAGE}/{MOVED}")
        listed.goto(PAGE)
        for page in (read, written, listed):
            ready(page)
        server.run(server.runtime.flag_desk.change(MOVED, FlagState(value=False), "cy"))
        server.run(desk.begin(RolloutRequest(flag=MOVED, reason=f"again at {width}"), "cy"))
        for page in (read, written, listed):
            expect(page.locator("main")).to_contain_text(f"again at {width}")
        reason = written.get_by_label("Reason")
        reason.fill("it is too early")
        server.run(four_of_sixty_fail(server))
        guard = read.get_by_role("region", name="The guard")
        expect(guard).to_contain_text("6.7 %")
        server.run(desk.pause(MOVED, RolloutNote(), "cy"))
        expect(read.locator(".strip .now")).to_contain_text("paused")
        expect(read.get_by_role("button", name="Resume", exact=True)).to_be_visible()
        # What somebody types stays, and moves nothing that somebody else has moved.
        expect(written.locator(".strip .now")).to_contain_text("paused")
        expect(reason).to_have_value("it is too early")
        press(written, "Pause", "Pause it")
        expect(written.locator("#refused")).to_contain_text("It was changed meanwhile")

        request = LevelRequest(level="feature", flag=MOVED, reason=f"enough at {width}")
        server.run(desk.levels.back(request, "cy"))
        expect(listed.get_by_label("Roll-backs, newest first")).to_contain_text(
            f"enough at {width}"
        )
        expect(listed.locator(".taken").first).to_contain_text("Done")
