"""The chat page in a real browser: nothing is lost, nothing is shown twice, whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from support.chat import OTHER, OWN, Visitor, answered, conversation_of, say
from support.server import QUICK_REPLIES, Server
from support.serving import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("chat")) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    watched = Visitor(browser, server.url)
    yield watched
    watched.context.close()
    assert watched.complaints == []


def test_a_conversation(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.get_by_text("How can we help?")).to_be_visible()
    say(page, "Is the flat still free?")
    answered(page, "Is the flat still free?")
    expect(page.get_by_text("How can we help?")).to_be_hidden()
    expect(page.locator(".own .meta")).to_contain_text("Sent")

    page.get_by_role("button", name=QUICK_REPLIES[0]).click()
    answered(page, "Is the flat still free?", QUICK_REPLIES[0])
    page.get_by_label("Your message").fill("by the keyboard")
    page.keyboard.press("Enter")
    answered(page, "Is the flat still free?", QUICK_REPLIES[0], "by the keyboard")
    expect(page.get_by_role("group", name="Suggested answers").get_by_role("button")).to_have_count(
        len(QUICK_REPLIES)
    )


def test_who_answers_is_shown(visitor: Visitor, server: Server) -> None:
    page = visitor.open()
    say(page, "slow, please")
    expect(page.get_by_text("The assistant is writing")).to_be_attached()
    expect(page.locator("#typing")).to_be_visible()

    with server.client("operate") as desk:
        path = f"/v2/conversations/{conversation_of(page, desk)}"
        desk.post(
            f"{path}/replies",
            json={"text": "I am Tom", "author_name": "Tom", "take_over": True},
        ).raise_for_status()
        expect(page.locator("#log").get_by_text("Tom has joined")).to_be_visible()
        expect(page.locator(OTHER)).to_have_text(["I am Tom"])
        expect(page.locator(".author")).to_have_text(["Tom"])
        expect(page.locator("#typing")).to_be_hidden()
        expect(page.locator("#state-text")).to_have_text("Tom answers here")
        desk.post(f"{path}/owner", json={"owner": "assistant"}).raise_for_status()
    expect(page.locator("#log").get_by_text("The assistant is back")).to_be_visible()
    expect(page.locator("#state-text")).to_have_text("Online")


def test_a_reload_shows_the_same_again(visitor: Visitor) -> None:
    page = visitor.open()
    texts = [f"message {number}" for number in range(5)]
    for text in texts:
        say(page, text)
    answered_in_bursts(page, texts)
    before = page.locator(".line .bubble").all_inner_texts()
    for _ in range(2):
        page.reload()
        expect(page.locator(".line .bubble")).to_have_text(before)


def answered_in_bursts(page: Page, texts: list[str]) -> None:
    """Every message once and in order; answers, which may take several together, each once."""
    expect(page.locator(OWN)).to_have_text(texts)
    expect(page.locator(".pending, .failed")).to_have_count(0)
    for text in texts:
        # A burst is one turn, answered together.
        pattern = re.compile(rf"(^|\n)(You said: )?{re.escape(text)}(\n|$)")
        expect(page.locator(OTHER).filter(has_text=pattern)).to_have_count(1)


def test_two_tabs_of_one_visitor_show_the_same(visitor: Visitor) -> None:
    first, second = visitor.open(), visitor.open()
    say(first, "from the first tab")
    answered(second, "from the first tab")
    say(second, "from the second tab")
    answered(first, "from the first tab", "from the second tab")
    answered(second, "from the first tab", "from the second tab")


def test_what_was_written_without_a_connection_goes_out_later(visitor: Visitor) -> None:
    page = visitor.open()
    say(page, "before")
    answered(page, "before")
    visitor.context.set_offline(True)
    say(page, "in the tunnel")
    expect(page.locator(".own.pending .bubble")).to_have_text(["in the tunnel"])
    expect(page.get_by_text("Sending…")).to_be_visible()
    page.close()
    visitor.context.set_offline(False)
    page = visitor.open()
    answered(page, "before", "in the tunnel")


def test_a_lost_receipt_does_not_double_the_message(visitor: Visitor) -> None:
    page = visitor.open()
    lost: list[str] = []

    def lose(route: Route) -> None:
        if len(lost) < 3:
            lost.append(route.request.post_data or "")
            route.fetch()  # the server has it, and its answer gets lost
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/messages", lose)
    say(page, "one")
    say(page, "two")
    expect(page.locator(OWN)).to_have_text(["one", "two"])
    expect(page.locator(".pending, .failed")).to_have_count(0)
    answered_in_bursts(page, ["one", "two"])
    assert lost
    page.reload()
    expect(page.locator(OWN)).to_have_text(["one", "two"])


def test_a_refused_message_is_shown_as_such_and_holds_up_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    with Server(tmp_path, **{"channels.web.max_text": "20"}) as server:
        visitor = Visitor(browser, server.url)
        page = visitor.open()
        say(page, "x" * 21)
        say(page, "short")
        expect(page.locator(".own.failed")).to_contain_text("Not sent. The message is too long.")
        expect(page.locator(OTHER)).to_have_text(["You said: short"])
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".own.failed")).to_have_count(1)
        visitor.context.close()
        assert visitor.complaints == []


def test_text_is_text(visitor: Visitor) -> None:
    page = visitor.open()
    nasty = '<img src=x onerror="alert(1)"> & <script>alert(2)</script> "quoted" \U0001f600'
    say(page, nasty)
    answered(page, nasty)
    assert page.locator(".bubble img, .bubble script").count() == 0
    say(page, "see https://example.org/a?b=c, javascript:alert(1)")
    expect(page.locator(OWN).last).to_contain_text("javascript:alert(1)")
    link = page.locator(OWN).last.get_by_role("link")
    expect(link).to_have_count(1)
    expect(link).to_have_attribute("href", "https://example.org/a?b=c")
    expect(link).to_have_attribute("rel", re.compile("noopener"))


def test_the_same_words_again_are_shown_once_when_they_were_taken_for_a_repeat(
    visitor: Visitor,
) -> None:
    page = visitor.open()
    say(page, "human")
    expect(page.locator("#log").get_by_text("A colleague has joined")).to_be_visible()
    say(page, "anybody?")
    expect(page.locator(OWN)).to_have_text(["human", "anybody?"])
    expect(page.locator("[data-seq='']")).to_have_count(0)  # committed
    say(page, "anybody?")
    expect(page.locator(OWN)).to_have_text(["human", "anybody?"])
    page.reload()
    expect(page.locator(OWN)).to_have_text(["human", "anybody?"])


def test_a_repeat_that_is_known_before_its_receipt_is_shown_once_too(
    visitor: Visitor, server: Server
) -> None:
    page = visitor.open()
    say(page, "human")
    expect(page.locator("#log").get_by_text("A colleague has joined")).to_be_visible()
    say(page, "anybody?")
    expect(page.locator("[data-seq='']")).to_have_count(0)
    here = page.locator("#log").get_by_text("I am here")

    def hold(route: Route) -> None:
        receipt = route.fetch()
        server.run(server.runtime.wait(receipt.json()["message_id"], 50.0))
        with server.client("operate") as desk:
            path = f"/v2/conversations/{conversation_of(page, desk)}/replies"
            desk.post(path, json={"text": "I am here"}).raise_for_status()
        # What comes after the repeat is shown, so the page has heard of the repeat.
        expect(here).to_be_visible()
        route.fulfill(response=receipt)

    page.route("**/chat/messages", hold)
    with page.expect_event("requestfinished", lambda one: one.url.endswith("/chat/messages")):
        say(page, "anybody?")
    expect(page.locator(OWN)).to_have_text(["human", "anybody?"])


def test_long_conversations_are_shown_from_their_end(visitor: Visitor, server: Server) -> None:
    page = visitor.open()
    say(page, "the beginning")
    answered(page, "the beginning")
    with server.client("operate", "read") as desk:
        view = desk.get(f"/v2/conversations/{conversation_of(page, desk)}").json()
        lines = [
            {"conversation": view["conversation"], "channel": "web", "text": f"line {number}"}
            for number in range(150)
        ]
        desk.post("/v2/import", json={"messages": lines}).raise_for_status()
    expect(page.locator(OWN).last).to_have_text("line 149")
    page.reload()
    expect(page.locator(OWN).last).to_have_text("line 149")
    expect(page.locator(OWN)).to_have_count(100)
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(OWN)).to_have_count(151)
    assert page.locator(".line .bubble").first.inner_text() == "the beginning"
    expect(page.get_by_role("button", name="Show earlier messages")).to_be_hidden()


def test_a_visitor_that_the_server_does_not_know_begins_anew(visitor: Visitor) -> None:
    page = visitor.open()
    say(page, "hello")
    answered(page, "hello")
    page.evaluate("localStorage.setItem('colloquy.visitor', 'cv_forged')")
    page.reload()
    expect(page.locator("#state-text")).to_have_text("Online")
    expect(page.locator("#log .line")).to_have_count(0)
    say(page, "hello again")
    answered(page, "hello again")


def test_it_fits_a_phone(browser: Browser, server: Server) -> None:
    visitor = Visitor(
        browser, server.url, viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True
    )
    page = visitor.open()
    say(page, "w" * 300 + " " + "many words " * 40)
    expect(page.locator(OTHER)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    box = page.get_by_role("button", name="Send").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 320
    assert box["y"] + box["height"] <= 568
    visitor.context.close()
    assert visitor.complaints == []


@pytest.mark.timeout(600)
def test_the_server_is_killed_again_and_again_while_the_visitor_writes(
    browser: Browser, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path / "test.db")
    server.start()
    visitor = Visitor(browser, server.url)
    try:
        page = visitor.open()
        texts = [f"message number {number}" for number in range(8)]
        for number, text in enumerate(texts):
            say(page, text)
            if number in (1, 5):
                server.kill()
            if number == 3:
                server.start()
        expect(page.get_by_text("No connection.")).to_be_visible()
        server.start()
        answered_in_bursts(page, texts)
        expect(page.get_by_text("No connection.")).to_be_hidden()
        page.reload()
        answered_in_bursts(page, texts)
    finally:
        visitor.context.close()
        server.kill()
    assert visitor.complaints == []
