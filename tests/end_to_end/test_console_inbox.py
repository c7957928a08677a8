"""The inbox in a real browser: what an operator does all day, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, Route, expect

from support import inbox_story
from support.browser import (
    DESK,
    LOOKS,
    PHONE,
    Scheme,
    Watched,
    check_accessible,
    check_fits,
    operator,
    screenshot,
)
from support.server import Server

CHAT_ANSWERS = "#log .line:not(.own) .bubble"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("inbox"), inbox_story.agency) as server:
        yield server


@pytest.fixture(scope="module")
def story(server: Server) -> dict[str, str]:
    return inbox_story.tell(server)


@pytest.fixture
def desk(browser: Browser, server: Server, story: dict[str, str]) -> Iterator[Watched]:
    with operator(browser, server) as watched:
        yield watched


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows .row").filter(has=page.get_by_text(name, exact=True))


def bubbles(page: Page) -> Locator:
    return page.locator(".items .bubble")


def expected(desk: Watched, failure: str) -> None:
    """htmx tells the console of the browser about this failure, which the test made."""
    assert any(failure in complaint for complaint in desk.complaints)
    assert all("htmx:" in complaint or failure in complaint for complaint in desk.complaints)
    desk.complaints.clear()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_on_every_screen(
    browser: Browser, server: Server, story: dict[str, str], width: int, scheme: Scheme
) -> None:
    talk = f"/console/inbox/{story['ines-duarte']}"
    letter = server.run(server.runtime.dead_letters()).dead_letters[0]
    pages = {
        "inbox": "/console/inbox",
        "conversation": talk,
        "events": f"{talk}/events",
        "trace": f"/console/inbox/{letter.conversation_id}/messages/{letter.message_id}",
        "nothing-found": "/console/inbox?q=zzzz",
        "dead-letters": "/console/dead-letters",
        "dead-letter": f"/console/dead-letters/{letter.number}",
        "no-dead-letters": "/console/dead-letters?status=discarded",
    }
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in pages.items():
            page.goto(path)
            expect(page.locator("h1").last).to_be_attached()
            check_fits(page)
            if (width == DESK) == (scheme == "light"):  # every width and every scheme once
                check_accessible(page)
            screenshot(page, f"inbox-{name}-{width}-{scheme}")


def go_back(page: Page) -> None:
    """As the browser's button does, and waits until the page was loaded anew by it."""
    with page.expect_event("load"):
        page.evaluate("setTimeout(() => history.back())")


def test_the_filters_are_in_the_address(desk: Watched) -> None:
    page = desk.open("/console/inbox")
    expect(row(page, "Ana Ruiz")).to_be_visible()
    page.get_by_label("Filters").click()
    page.get_by_label("Feeling").select_option("negative")
    expect(row(page, "Frank Moreau")).to_be_visible()
    expect(row(page, "Ana Ruiz")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/console/inbox\?feeling=negative$"))
    page.keyboard.press("Escape")
    page.get_by_label("Search conversations").fill("frank")
    expect(page).to_have_url(re.compile(r"\?q=frank&feeling=negative$"))
    page.locator(".inbox-tabs").get_by_text("Needs a person").click()
    expect(page).to_have_url(re.compile(r"\?view=person&q=frank&feeling=negative$"))
    expect(page.locator("#rows .row")).to_have_count(1)

    # The address alone says it all, and the browser's own button leads back.
    other = desk.open(page.url)
    expect(other.locator("#rows .row")).to_have_count(1)
    expect(other.get_by_label("Search conversations")).to_have_value("frank")
    go_back(page)
    expect(page).to_have_url(re.compile(r"/console/inbox\?q=frank&feeling=negative$"))
    go_back(page)
    expect(page).to_have_url(re.compile(r"/console/inbox\?feeling=negative$"))
    expect(row(page, "Frank Moreau")).to_be_visible()


def test_a_conversation_shows_what_was_understood(desk: Watched, story: dict[str, str]) -> None:
    page = desk.open(f"/console/inbox/{story['ines-duarte']}")
    expect(page.locator("mark")).to_have_text(["+1 415 555 0132", "ines@example.com"])
    expect(page.locator(".entity-label").last).to_contain_text("email")
    answer = page.locator(".item.answer").last
    answer.get_by_role("button", name="Why this answer").click()
    expect(answer.locator(".why-card")).to_contain_text("Talk to human")
    expect(answer.locator(".why-card")).to_contain_text("threshold")

    page.get_by_role("link", name="Event log").click()
    expect(page.locator(".log-events li").first).to_contain_text("session_opened")
    page.get_by_role("link", name="Conversation", exact=True).click()
    page.locator(".item.said").first.hover()
    page.get_by_role("link", name="Trace of this message").first.click()
    expect(page.locator(".trace-steps")).to_contain_text("Accepted")


def test_what_happens_appears_by_itself(desk: Watched, server: Server) -> None:
    page = desk.open("/console/inbox")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    found = inbox_story.say(server, "zoe", "hello", name="Zoë Adler", channel="web")
    expect(row(page, "Zoë Adler")).to_be_visible()
    expect(page.locator("#rows .row").first).to_contain_text("Zoë Adler")

    row(page, "Zoë Adler").get_by_role("link").click()
    expect(page).to_have_url(re.compile(found))
    expect(bubbles(page).first).to_have_text("hello")
    before = bubbles(page).count()
    inbox_story.say(server, "zoe", "are pets allowed?", channel="web")
    expect(bubbles(page)).to_have_count(before + 2)
    expect(page.get_by_role("log")).to_contain_text("are pets allowed?")


def test_rows_do_not_move_under_the_pointer(desk: Watched, server: Server) -> None:
    page = desk.open("/console/inbox")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.locator("#rows .row").first.hover()
    names = page.locator("#rows .row-name").all_inner_texts()
    inbox_story.say(server, "yves", "hello", name="Yves Newcomer")
    expect(page.get_by_role("button", name="1 new conversation")).to_be_visible()
    assert page.locator("#rows .row-name").all_inner_texts() == names
    page.mouse.move(900, 600)
    expect(page.locator("#rows .row-name").first).to_have_text("Yves Newcomer")


def test_a_press_is_not_lost_when_its_row_changes(desk: Watched, server: Server) -> None:
    for name in ("Petra Pressed", "Bo Beside"):
        inbox_story.say(server, name, "hello", name=name)
    page = desk.open("/console/inbox")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    row(page, "Petra Pressed").hover()
    page.mouse.down()
    for name in ("Petra Pressed", "Bo Beside"):
        inbox_story.say(server, name, "are pets allowed?")
    # The list has looked: both have changed.
    expect(row(page, "Bo Beside")).to_contain_text("Cats and dogs")
    page.mouse.up()
    expect(page.get_by_role("heading", name="Petra Pressed")).to_be_visible()
    expect(row(page, "Petra Pressed")).to_contain_text("Cats and dogs")


def test_opening_marks_as_read_and_back(desk: Watched, server: Server) -> None:
    found = inbox_story.say(server, "reader", "is parking included", name="Rita Reader")
    page = desk.open("/console/inbox?view=unread")
    row(page, "Rita Reader").get_by_role("link").click()
    expect(row(page, "Rita Reader").get_by_text("Unread")).to_have_count(0)
    assert not inbox_story.conversation(server, found).unread
    page.get_by_label("More actions").click()
    page.get_by_role("button", name="Mark as unread").click()
    expect(page.get_by_role("status")).to_contain_text("Marked as unread.")
    expect(row(page, "Rita Reader").get_by_text("Unread")).to_have_count(1)
    assert inbox_story.conversation(server, found).unread


def test_an_operator_answers_a_visitor_and_gives_back(
    browser: Browser, desk: Watched, server: Server
) -> None:
    with Watched(browser, server.url) as visitor:
        chat = visitor.open("/chat")
        expect(chat.locator("#state-text")).to_have_text("Online")
        chat.get_by_label("Your message").fill("are pets allowed?")
        chat.get_by_role("button", name="Send").click()
        expect(chat.locator(CHAT_ANSWERS)).to_have_count(1)

        page = desk.open("/console/inbox")
        page.locator("#rows .row").filter(has_text="Pets").first.get_by_role("link").click()
        expect(page.get_by_role("log")).to_contain_text("are pets allowed?")
        expect(page.locator(".talk-who h1")).to_contain_text("Visitor ")
        page.wait_for_load_state()  # its scripts hear keys from then on
        page.keyboard.press("t")
        expect(page.get_by_role("status")).to_contain_text("You answer from here on.")
        expect(page.get_by_role("button", name="Give back")).to_be_visible()

        said = bubbles(page).count()
        chat.get_by_label("Your message").fill("is anybody there?")
        chat.get_by_role("button", name="Send").click()
        expect(bubbles(page)).to_have_count(said + 1)

        page.get_by_label("Your reply").fill("Yes: I am, and pets are welcome.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_label("Your reply")).to_have_value("")
        expect(chat.locator(".bubble").get_by_text("Yes: I am, and")).to_be_visible()
        expect(bubbles(page)).to_have_count(said + 2)
        # The assistant was silent: beside its first answer there is the person's only.
        expect(chat.locator(CHAT_ANSWERS)).to_have_count(2)

        page.get_by_role("button", name="Give back").click()
        expect(page.get_by_role("button", name="Take over")).to_be_visible()
        chat.get_by_label("Your message").fill("how much is the rent for the studio?")
        chat.get_by_role("button", name="Send").click()
        expect(chat.locator(CHAT_ANSWERS)).to_have_count(3)


def test_a_draft_survives_a_reload_and_is_sent_once(
    desk: Watched, server: Server, story: dict[str, str]
) -> None:
    page = desk.open(f"/console/inbox/{story['chloe-martin']}")
    box = page.get_by_label("Your reply")
    box.fill("Bring the dog along!")
    page.reload()
    expect(box).to_have_value("Bring the dog along!")
    identity = page.locator("#reply [name=id]").input_value()
    page.get_by_role("tab", name="Note").click()
    page.get_by_label("Your note").fill("Likes dogs.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".remark .bubble")).to_have_text(["Likes dogs."])
    page.get_by_role("tab", name="Reply").click()
    assert page.locator("#reply [name=id]").input_value() == identity

    page.get_by_role("button", name="Send").dblclick()
    expect(page.locator(".item.person .bubble")).to_have_text(["Bring the dog along!"])
    expect(box).to_have_value("")
    replies = [
        item.reply.text
        for item in server.run(server.runtime.transcript(story["chloe-martin"])).items
        if item.reply is not None and item.reply.author == "human"
    ]
    assert replies == ["Bring the dog along!"]


def test_a_lost_answer_does_not_send_twice(desk: Watched, story: dict[str, str]) -> None:
    page = desk.open(f"/console/inbox/{story['kofi-mensah']}")
    page.get_by_label("Your reply").fill("The plumber is on his way.")
    lost: list[int] = []

    def lose(route) -> None:
        route.fetch()
        lost.append(1)
        route.abort()

    page.route("**/replies", lose, times=1)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("The server cannot be reached.")
    expect(page.get_by_label("Your reply")).to_have_value("The plumber is on his way.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Your reply")).to_have_value("")
    expect(page.locator(".item.person .bubble")).to_have_text(["The plumber is on his way."])
    assert lost == [1]
    expected(desk, "sendError")


def test_somebody_elses_take_over_is_shown_not_overwritten(
    browser: Browser, desk: Watched, server: Server
) -> None:
    found = inbox_story.say(server, "wanted", "are pets allowed?", name="Wanted")
    page = desk.open(f"/console/inbox/{found}")

    def hear_again(route: Route) -> None:
        page.unroute("**/parts?*")
        route.continue_()

    # This page hears nothing of the other operator until it has acted.
    page.route("**/parts?*", lambda route: route.abort())
    page.route("**/owner", hear_again)
    with operator(browser, server) as other:
        theirs = other.open(f"/console/inbox/{found}")
        theirs.get_by_role("button", name="Take over").click()
        expect(theirs.get_by_role("button", name="Give back")).to_be_visible()
    owner = inbox_story.conversation(server, found).owner_id
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("status")).to_contain_text("nothing was changed")
    expect(page.locator(".talk-who")).to_contain_text("Person: test")
    assert inbox_story.conversation(server, found).owner_id == owner
    expected(desk, "409")


def test_an_answer_is_heard_when_what_it_did_shows_first(desk: Watched, server: Server) -> None:
    found = inbox_story.say(server, "overtaken", "are pets allowed?", name="Overtaken")
    page = desk.open(f"/console/inbox/{found}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/owner", lambda route: held.append((route, route.fetch())), times=1)
    page.get_by_role("button", name="Take over").click()
    while not held:
        page.wait_for_timeout(20)
    # The live line is quicker than the answer: it brings what came after the change of owner.
    inbox_story.say(server, "overtaken", "and children?", name="Overtaken")
    expect(page.get_by_role("log")).to_contain_text("and children?")
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(page.get_by_role("status")).to_contain_text("You answer from here on.")
    expect(page.get_by_role("button", name="Give back")).to_be_visible()


def test_older_messages_are_loaded_and_new_ones_do_not_move_the_view(
    desk: Watched, server: Server
) -> None:
    texts = [f"is parking included, part {letter}?" for letter in "abcdefghijklmnopqrstuvwxyz"]
    found = inbox_story.record(server, "long", [*texts, *texts, *texts])
    page = desk.open(f"/console/inbox/{found}")
    expect(bubbles(page).last).to_be_in_viewport()
    loaded = bubbles(page).count()
    scroll = page.locator("[data-scroll]")
    scroll.evaluate("(box) => { box.scrollTop = 0; }")
    expect(bubbles(page)).not_to_have_count(loaded)
    # Settled: the view was put back to what it showed, and will not be again.
    expect(page.locator(".items .htmx-added")).to_have_count(0)
    expect(bubbles(page).first).to_have_text("is parking included, part a?")

    scroll.evaluate("(box) => { box.scrollTop = 0; }")
    inbox_story.say(server, "long", "one more thing")
    expect(page.get_by_role("button", name="New messages")).to_be_visible()
    assert scroll.evaluate("(box) => box.scrollTop") == 0
    page.get_by_role("button", name="New messages").click()
    expect(bubbles(page).get_by_text("one more thing")).to_be_in_viewport()
    expect(page.get_by_role("button", name="New messages")).to_be_hidden()


def test_the_keyboard_is_enough(desk: Watched, story: dict[str, str]) -> None:
    page = desk.open("/console/inbox")
    links = page.locator("#rows .row-link")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    name = links.nth(0).locator(".row-name").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".talk-who h1")).to_have_text(name)
    page.wait_for_load_state()
    page.keyboard.press("r")
    expect(page.get_by_label("Your reply")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_label("Your note")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Take over, or give back")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("[data-talk]")).to_have_count(0)
    expect(links.nth(0)).to_be_focused()


def test_one_pane_at_a_time_on_a_phone(
    browser: Browser, server: Server, story: dict[str, str]
) -> None:
    with operator(browser, server, width=PHONE) as watched:
        page = watched.open("/console/inbox")
        expect(page.locator("#conversation")).to_be_hidden()
        row(page, "Ana Ruiz").get_by_role("link").click()
        expect(page.get_by_role("heading", name="Ana Ruiz")).to_be_visible()
        expect(page.locator("#rows")).to_be_hidden()
        page.get_by_role("link", name="Back to the list").click()
        expect(row(page, "Ana Ruiz").get_by_role("link")).to_be_focused()
        expect(page).to_have_url(re.compile(r"/console/inbox$"))


def test_who_may_only_read_is_told_why(
    browser: Browser, server: Server, story: dict[str, str]
) -> None:
    with operator(browser, server, "read", width=DESK) as watched:
        page = watched.open(f"/console/inbox/{story['ana-ruiz']}")
        expect(page.get_by_text("Your key may only read.")).to_be_visible()
        expect(page.get_by_label("Your reply")).to_have_count(0)
        expect(page.get_by_role("button", name="Take over")).to_have_count(0)


def test_dead_letters_are_chosen_discarded_and_put_back(desk: Watched, server: Server) -> None:
    for number in (9001, 9002, 9003):
        inbox_story.say(server, f"debt-{number}", f"I was charged twice for invoice #{number}")
    page = desk.open("/console/dead-letters")
    discard = page.get_by_role("button", name="Discard", exact=True)
    expect(discard).to_be_disabled()
    line = page.locator(".letter")
    line.filter(has_text="#9001").get_by_role("checkbox").check()
    line.filter(has_text="#9002").get_by_role("checkbox").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    discard.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    discard.click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status")).to_contain_text("Discarded.")
    expect(line.filter(has_text="#9001")).to_have_count(0)
    page.get_by_role("link", name="Discarded").click()
    expect(line.filter(has_text="#9002")).to_be_visible()

    page.get_by_role("link", name="To look at").click()
    line.filter(has_text="#9003").get_by_role("link").click()
    page.locator(".attempt summary").first.click()
    expect(page.locator(".attempt pre").first).to_contain_text("Traceback")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("Put back")
