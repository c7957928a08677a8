"""What the chat page is like: its face, what the operator chooses, ratings, who can use it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from colloquy import Colloquy, Reply, Turn
from support.browser import LOOKS, Scheme, check_accessible, check_fits, screenshot
from support.chat import OTHER, OWN, Visitor, conversation_of, say, visiting
from support.server import Server

FACE = "#avatar .face"


def moody() -> Colloquy:
    """Answers in the tone that is asked for."""
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> Reply:
        if "slow" in turn.text:
            await asyncio.sleep(30)
        tone = next((tone for tone in ("positive", "empathetic") if tone in turn.text), "neutral")
        return Reply(f"A {tone} answer: https://example.org/{tone}", tone=tone)

    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("look"), moody) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    with visiting(browser, server) as visitor:
        yield visitor


def test_the_face_follows_the_conversation(visitor: Visitor) -> None:
    page = visitor.open()
    face = page.locator(FACE)
    expect(face).to_have_attribute("data-mood", "neutral")
    expect(face).to_have_attribute("aria-hidden", "true")
    for tone in ("positive", "empathetic", "neutral"):
        page.get_by_label("Your message").fill(tone)
        expect(face).to_have_attribute("data-mood", "listening")
        page.keyboard.press("Enter")
        expect(page.locator(OTHER).last).to_contain_text(f"A {tone} answer")
        expect(face).to_have_attribute("data-mood", tone)
    mouth = face.locator(".mouth")
    at_rest = mouth.evaluate("node => getComputedStyle(node).transform")
    say(page, "slow")
    expect(face).to_have_attribute("data-mood", "thinking")
    expect(mouth).not_to_have_css("transform", at_rest)


def test_the_face_can_be_switched_off_for_good(visitor: Visitor) -> None:
    page = visitor.open()
    toggle = page.get_by_role("button", name="Animated face")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    for _ in range(2):
        expect(toggle).to_have_attribute("aria-pressed", "false")
        expect(page.locator(".face")).to_have_count(0)
        expect(page.locator("#avatar svg")).to_have_count(1)
        page.reload()
    toggle.click()
    expect(page.locator(FACE)).to_be_visible()


def test_the_face_holds_still_for_those_who_want_that(browser: Browser, server: Server) -> None:
    with visiting(browser, server, reduced_motion="reduce") as visitor:
        page = visitor.open()
        moving = page.evaluate("document.getAnimations().length")
        assert moving == 0
        expect(page.locator(f"{FACE} .mouth")).to_have_css("transition-duration", "0s")


def test_the_operator_chooses_the_look(browser: Browser, tmp_path: Path) -> None:
    settings = {
        "chat.title": "Teapots",
        "chat.greeting": "Tea?",
        "chat.accent": "#b2f2bb",
        "chat.placeholder": "Say it",
        "chat.privacy": "Kept a year: https://example.org/privacy, javascript:alert(1)",
        "chat.avatar": "false",
    }
    with (
        Server(tmp_path, moody, **settings) as server,
        visiting(browser, server, reduced_motion="reduce") as visitor,
    ):
        page = visitor.open()
        expect(page).to_have_title("Teapots")
        expect(page.get_by_role("heading", level=1)).to_have_text("Teapots")
        expect(page.get_by_text("Tea?")).to_be_visible()
        expect(page.get_by_placeholder("Say it")).to_be_visible()
        link = page.locator("#privacy").get_by_role("link")
        expect(link).to_have_attribute("href", "https://example.org/privacy")
        expect(link).to_have_attribute("rel", re.compile("noopener"))
        expect(page.locator(".face")).to_have_count(0)
        expect(page.get_by_role("button", name="Animated face")).to_be_hidden()
        say(page, "hello")
        expect(page.locator(OWN)).to_have_css("background-color", "rgb(178, 242, 187)")
        expect(page.locator(OWN)).to_have_css("color", "rgb(20, 23, 31)")
        check_accessible(page)


def test_a_reply_is_rated_and_rated_anew(visitor: Visitor, server: Server) -> None:
    page = visitor.open()
    second = visitor.open()
    say(page, "hello")
    good = page.get_by_role("button", name="Helpful", exact=True)
    bad = page.get_by_role("button", name="Not helpful")
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Thank you for your feedback.")).to_be_attached()
    bad.click()
    expect(good).to_have_attribute("aria-pressed", "false")
    for tab in (page, second):
        expect(tab.get_by_role("button", name="Not helpful")).to_have_attribute(
            "aria-pressed", "true"
        )
    page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    bad.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(good).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_rating_can_be_explained(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    with visiting(
        browser,
        server,
        viewport={"width": width, "height": 740},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as visitor:
        page = visitor.open()
        say(page, "hello")
        bad = page.get_by_role("button", name="Not helpful")
        bad.click()
        form = page.get_by_role("form", name="More about your rating")
        about, comment = form.get_by_label("What is it about?"), form.get_by_label("Comment")
        expect(form).to_be_visible()
        expect(bad).to_be_focused()
        page.keyboard.press("Tab")
        expect(about).to_be_focused()
        about.select_option("tone")
        comment.fill("Too cool for <b>me</b>.")
        check_accessible(page)
        check_fits(page)
        assert _touches(page) == 0
        screenshot(page, f"chat-remark-{width}-{scheme}")
        page.route("**/chat/feedback", lambda route: route.abort())
        form.get_by_role("button", name="Add").click()
        expect(form.get_by_role("alert")).to_have_text("It could not be sent. Please try again.")
        page.unroute("**/chat/feedback")
        comment.press("Tab")
        page.keyboard.press("Enter")
        expect(form).to_have_count(0)
        expect(page.locator(".remark-done")).to_have_text("Thank you, it was added.")
        expect(bad).to_be_focused()

        with server.client() as desk:
            items = desk.get(f"/v2/conversations/{conversation_of(page, desk)}/messages").json()
        said = items["items"][-1]["feedback"]
        assert (said["rating"], said["category"], said["by"]) == ("down", "tone", "visitor")
        assert said["comment"] == "Too cool for <b>me</b>."

        page.reload()
        bad.click()  # once more: what was said is there, to be changed or left
        expect(comment).to_have_value("Too cool for <b>me</b>.")
        expect(about).to_have_value("tone")
        comment.press("Escape")
        expect(form).to_have_count(0)


def test_a_rating_that_cannot_be_sent_is_not_shown(visitor: Visitor) -> None:
    page = visitor.open()
    say(page, "hello")
    good = page.get_by_role("button", name="Helpful", exact=True)
    page.route("**/chat/feedback", lambda route: route.abort())
    good.click()
    expect(page.get_by_text("Your feedback could not be sent.")).to_be_attached()
    expect(good).to_have_attribute("aria-pressed", "false")


def test_what_is_not_seen_is_counted(visitor: Visitor) -> None:
    page = visitor.open()
    say(page, "first")
    expect(page.locator(OTHER)).to_have_count(1)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    say(page, "second")
    expect(page).to_have_title("(1) Assistant")
    expect(page.locator("#announcement")).to_contain_text("A neutral answer")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Assistant")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_everybody_can_use_it(browser: Browser, server: Server, width: int, scheme: Scheme) -> None:
    with visiting(
        browser,
        server,
        viewport={"width": width, "height": 740},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as visitor:
        page = visitor.open()
        expect(page.get_by_text("How can we help?")).to_be_visible()
        check_accessible(page)
        say(page, "a positive question, with a link: https://example.org/question")
        expect(page.locator(OTHER)).to_have_count(1)
        check_accessible(page)
        check_fits(page)
        rows = page.locator("#log .line")
        assert _touches(page) == 0
        expect(rows).to_have_count(2)
        screenshot(page, f"chat-{width}-{scheme}")


def _touches(page: Page) -> int:
    """Controls in view that are smaller than WCAG 2.2 asks for (24 by 24 pixels)."""
    count: int = page.evaluate(
        "[...document.querySelectorAll('button, textarea')].filter((one) => one.checkVisibility())"
        ".map((node) => node.getBoundingClientRect())"
        ".filter((box) => box.width < 24 || box.height < 24).length"
    )
    return count


def test_where_nobody_is_asked_there_are_no_thumbs(browser: Browser, tmp_path: Path) -> None:
    off = {"flags.enable_feedback_collection": "false"}
    with Server(tmp_path, moody, **off) as server, visiting(browser, server) as visitor:
        page = visitor.open()
        say(page, "positive")
        expect(page.locator(OTHER).first).to_contain_text("A positive answer")
        expect(page.locator(".thumbs")).to_have_count(1)
        expect(page.locator(".thumbs")).to_be_hidden()
