"""Answers on the chat page while they are made: in the end it shows what was committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from colloquy import Transient
from support.author import Author, writing
from support.chat import DRAFT, OTHER, OWN, conversation_of, say, visiting


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    with writing(tmp_path) as author:
        yield author


def committed(page: Page, text: str) -> None:
    expect(page.locator(OTHER)).to_have_text([text])
    expect(page.locator("#draft")).to_be_hidden()
    expect(page.locator("#typing")).to_be_hidden()


def test_an_answer_grows_and_stays_where_it_is(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        say(page, "tell me")
        expect(page.locator("#typing")).to_be_visible()
        author.write("Once ")
        expect(page.locator(DRAFT)).to_have_text("Once ")
        expect(page.locator("#typing")).to_be_hidden()
        author.write("upon <b>a</b> \U0001f600 ", "time")
        expect(page.locator(DRAFT)).to_have_text("Once upon <b>a</b> \U0001f600 time")
        expect(page.locator(OTHER)).to_have_count(0)
        # It is not read out piece by piece.
        expect(page.locator("#announcement")).to_be_empty()
        before = page.locator(DRAFT).bounding_box()
        author.write(None)
        committed(page, "Once upon <b>a</b> \U0001f600 time")
        expect(page.locator("#announcement")).to_have_text(
            "Assistant: Once upon <b>a</b> \U0001f600 time"
        )
        after = page.locator(OTHER).bounding_box()
        assert before is not None
        assert after is not None
        assert (after["x"], after["width"], after["height"]) == (
            before["x"],
            before["width"],
            before["height"],
        )


def test_a_reload_and_a_second_tab_in_the_middle(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        say(page, "tell me")
        author.write("Half of it")
        expect(page.locator(DRAFT)).to_have_text("Half of it")
        page.reload()
        expect(page.locator(DRAFT)).to_have_text("Half of it")
        second = visitor.open()
        author.write(", and the rest", None)
        for tab in (page, second):
            committed(tab, "Half of it, and the rest")
            expect(tab.locator(OWN)).to_have_text(["tell me"])


def test_an_attempt_that_fails_is_taken_back(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        say(page, "tell me")
        author.write("Wrong")
        expect(page.locator(DRAFT)).to_have_text("Wrong")
        author.write(Transient("once more"))
        expect(page.locator(DRAFT)).to_be_hidden()
        author.write("Right")
        expect(page.locator(DRAFT)).to_have_text("Right")
        author.write(None)
        committed(page, "Right")


def test_the_network_goes_in_the_middle(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        say(page, "tell me")
        author.write("One, ")
        expect(page.locator(DRAFT)).to_have_text("One, ")
        visitor.context.set_offline(True)
        author.write("two, ")
        visitor.context.set_offline(False)
        author.write("three", None)
        committed(page, "One, two, three")


def test_a_colleague_takes_over_in_the_middle(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        say(page, "tell me")
        author.write("I would say")
        expect(page.locator(DRAFT)).to_have_text("I would say")
        with author.server.client("operate") as desk:
            desk.post(
                f"/v2/conversations/{conversation_of(page, desk)}/replies",
                json={"text": "Let me see", "author_name": "Maya", "take_over": True},
            ).raise_for_status()
        expect(page.get_by_text("Maya has joined")).to_be_visible()
        expect(page.locator(DRAFT)).to_be_hidden()
        author.write("never mind", None)
        committed(page, "Let me see")


def test_the_visitor_stops_an_answer(browser: Browser, author: Author) -> None:
    with visiting(browser, author.server) as visitor:
        page = visitor.open()
        stop = page.get_by_role("button", name="Stop")
        expect(stop).to_be_hidden()
        say(page, "tell me")
        author.write("Once upon")
        expect(page.locator(DRAFT)).to_have_text("Once upon")
        stop.click()
        committed(page, "Once upon")
        expect(stop).to_be_hidden()
        expect(page.locator("#log .line:not(.own) .meta")).to_contain_text("Stopped")
        page.reload()
        committed(page, "Once upon")
        say(page, "and then?")
        author.write("The end.")
        expect(stop).to_be_enabled()
        author.write(None)
        expect(page.locator(OTHER)).to_have_text(["Once upon", "The end."])
        expect(stop).to_be_hidden()
