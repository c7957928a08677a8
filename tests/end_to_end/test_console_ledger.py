"""The ledger's pages in a real browser: every page in every look, points, rollbacks that are
watched, cancelled and undone, conflicts that a person decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from colloquy.model.ledger import LedgerScope, OperationView, PointRequest, RollbackRequest
from support.browser import (
    LOOKS,
    Scheme,
    check_accessible,
    check_fits,
    operator,
    screenshot,
    stop_clock,
)
from support.server import Server

LEDGER = "/console/ledger"
POEM = {"title": "The harbour at night", "lines": [f"line {number}" for number in range(12)]}
NASTY = "<script>alert(1)</script>&<b>\"'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ledger")) as server:
        yield server


def put(server: Server, collection: str, actor: str = "ann", **records: Any) -> None:
    async def work() -> None:
        for key, value in records.items():
            await server.runtime.ledger.ledger.put(collection, key, value, actor)

    server.run(work())


def ended(server: Server, request: RollbackRequest, *states: str) -> OperationView:
    """Begins an operation; returns it once it is in one of these states."""
    states = states or ("completed", "failed", "cancelled")

    async def work() -> OperationView:
        desk = server.runtime.ledger
        operation = await desk.rollback(request, "ann")
        async with asyncio.timeout(60):
            while operation.status not in states:
                await asyncio.sleep(0.01)
                operation = await desk.operation(operation.id)
        return operation

    return server.run(work())


def scope(*collections: str, actors: tuple[str, ...] = ()) -> LedgerScope:
    return LedgerScope(collections=collections, actors=actors)


def clash(server: Server, collection: str, records: int = 1) -> OperationView:
    """An operation that waits for a person: ann's changes are to go, bob's came after them."""
    names = [f"k{number}" for number in range(records)]
    put(server, collection, "carol", **{name: {"rent": 900, "text": "a"} for name in names})
    start = server.run(server.runtime.ledger.status()).head
    put(server, collection, **{name: {"rent": 950, "text": "a"} for name in names})
    put(server, collection, "bob", **{name: {"rent": 990, "text": "b"} for name in names})
    request = RollbackRequest(
        position=start,
        scope=scope(collection, actors=("ann",)),
        on_conflict="ask_user",
        reason="The rents were wrong",
    )
    return ended(server, request, "waiting")


@pytest.fixture(scope="module")
def paths(server: Server) -> dict[str, str]:
    """Pages with something on them, by name."""
    runtime = server.runtime
    put(server, "poems", harbour=POEM, **{f"p{number}": f"poem {number}" for number in range(60)})
    new = PointRequest(
        name="Before the great import of the listings of the whole north",
        description="Made by hand, " + "so that it can be taken back. " * 3,
        tags=("import", "listings"),
    )
    point = server.run(runtime.ledger.create_point(new, "ann"))
    changed = {**POEM, "title": "The harbour at dawn", "lines": [*POEM["lines"][:10], "the end"]}
    put(server, "poems", "bob", harbour=changed, late=NASTY, p1="poem one")
    status = server.run(runtime.ledger.status())
    request = RollbackRequest(point=point.id, scope=scope("poems"), reason="A bad import")
    done = ended(server, request)
    put(server, "poems", "bob", harbour=changed, p2=NASTY)
    waiting = clash(server, "rents", 2)
    (conflict, _) = server.run(runtime.ledger.conflicts(None, 2, operation_id=waiting.id)).conflicts
    return {
        "dashboard": LEDGER,
        "history": f"{LEDGER}/history",
        "change": f"{LEDGER}/changes/{status.head - 2}",
        "record": f"{LEDGER}/record?collection=poems&key=harbour&at={point.position}",
        "compare": f"{LEDGER}/compare?from={point.id}&to={status.head}",
        "points": f"{LEDGER}/points",
        "point": f"{LEDGER}/points/{point.id}",
        "new-point": f"{LEDGER}/points/new",
        "rollback": f"{LEDGER}/rollback?point={point.id}&include=poems/*&pause_s=1",
        "preview": f"{LEDGER}/rollback/preview?point={point.id}&collections=poems",
        "operations": f"{LEDGER}/operations",
        "operation": f"{LEDGER}/operations/{done.id}",
        "waiting": f"{LEDGER}/operations/{waiting.id}",
        "log": f"{LEDGER}/operations/{done.id}/log",
        "conflicts": f"{LEDGER}/conflicts",
        "audit": f"{LEDGER}/audit",
        "conflict": f"{LEDGER}/conflicts/{conflict.id}",
    }


def settled(page: Page, name: str) -> None:
    """Waits until the page shows what it loads by itself; opens what is folded."""
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    if name == "dashboard":
        expect(page.locator(".u-legend")).to_have_count(3)
    if name in ("history", "audit"):
        page.locator(".ledger-fold > summary").click()
    if name in ("history", "record"):
        page.locator(".change-diff summary").first.click()
        expect(page.locator(".change-place").first).not_to_contain_text("Loading")
    if name == "compare":
        page.locator(".change-diff summary").first.click()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_in_every_look(
    browser: Browser, server: Server, paths: dict[str, str], width: int, scheme: Scheme
) -> None:
    with operator(browser, server, width=width, scheme=scheme) as watched:
        page = watched.context.new_page()
        for name, path in paths.items():
            answer = page.goto(path)
            assert answer is not None and answer.ok, name
            page.set_viewport_size({"width": width, "height": 780})
            settled(page, name)
            check_fits(page)
            check_accessible(page)
            screenshot(page, f"ledger-{name}-{width}-{scheme}")


@pytest.fixture
def desk(browser: Browser, server: Server) -> Iterator[Page]:
    """The console of an administrator at a desk."""
    with operator(browser, server) as watched:
        yield watched.context.new_page()


def go(page: Page, kind: Literal["button", "link"], name: str) -> None:
    """Follows a link or sends a form, and waits for the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role(kind, name=name, exact=True).click()


def agree(page: Page, button: str, answer: str) -> None:
    """Presses a button that asks back, says yes, and waits for the page that comes of it."""
    page.get_by_role("button", name=button, exact=True).click()
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()


def state_of(page: Page) -> Locator:
    return page.locator("#progress .badge")


def test_a_webhook_is_rolled_back_and_the_rollback_undone(server: Server, desk: Page) -> None:
    with server.client() as api:
        body = {"url": "https://example.org/events", "description": "as it was"}
        made = api.post("/v2/webhooks", json=body)
        hook = f"/v2/webhooks/{made.json()['webhook']['id']}"
        desk.goto(LEDGER)
        go(desk, "link", "New point")
        desk.get_by_label("Name").fill("Before the move")
        desk.get_by_label("Tags").fill("move test")
        go(desk, "button", "Make the point")
        expect(desk.locator(".toast")).to_have_text("The rollback point is made.")
        go(desk, "button", "Keep it")
        expect(desk.locator(".definitions")).to_contain_text("kept")

        api.patch(hook, json={"description": "moved"}).raise_for_status()
        go(desk, "link", "What has changed since")
        desk.locator(".change-diff summary").click()
        expect(desk.locator(".ledger-removed", has_text="as it was")).to_be_visible()
        expect(desk.locator(".ledger-added", has_text="moved")).to_be_visible()
        with desk.expect_navigation():
            desk.go_back()
        go(desk, "link", "Roll back to here")
        desk.get_by_label("Collections").fill("webhooks")
        desk.get_by_label("Reason").fill("The move was put off")
        go(desk, "button", "Preview")
        expect(desk.get_by_role("heading", name="1 record", exact=True)).to_be_visible()
        expect(desk.locator(".ledger-added", has_text="as it was")).to_be_visible()
        assert api.get(hook).json()["description"] == "moved"

        agree(desk, "Roll back now", "Roll back")
        expect(desk.get_by_role("heading", level=1)).to_contain_text("Rollback")
        expect(state_of(desk)).to_have_text("Completed")
        expect(desk.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100.0")
        expect(desk.locator(".log")).to_contain_text("1 record restored")
        assert api.get(hook).json()["description"] == "as it was"

        agree(desk, "Undo", "Undo")
        expect(desk.get_by_role("heading", level=1)).to_contain_text("Undoing")
        expect(state_of(desk)).to_have_text("Completed")
        assert api.get(hook).json()["description"] == "moved"


def test_progress_is_shown_live_and_a_gradual_rollback_cancelled(
    server: Server, desk: Page
) -> None:
    records = {f"k{number}": 1 for number in range(150)}
    put(server, "slow", **records)
    start = server.run(server.runtime.ledger.status()).head
    put(server, "slow", **dict.fromkeys(records, 2))
    desk.goto(f"{LEDGER}/rollback?moment={start}&collections=slow&batch_size=1&pause_s=1")
    desk.get_by_role("radio", name="Gradual").check()
    go(desk, "button", "Preview")
    agree(desk, "Roll back now", "Roll back")
    # From waiting to running the page loads itself again.
    expect(state_of(desk)).to_have_text("Running")
    desk.evaluate("window.stayed = true")
    bar = desk.get_by_role("progressbar")
    before = bar.get_attribute("aria-valuenow") or ""
    expect(bar).not_to_have_attribute("aria-valuenow", before)
    expect(desk.locator("[id^=written-]").nth(2)).to_be_visible()
    screenshot(desk, "ledger-running")
    check_accessible(desk)
    assert desk.evaluate("window.stayed")

    agree(desk, "Cancel", "Cancel the operation")
    expect(state_of(desk)).to_have_text("Cancelled")
    expect(desk.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    for key in records:
        found = server.run(server.runtime.ledger.record("slow", key))
        assert bytes(found.value) == b"2"


def test_conflicts_are_decided_by_hand(server: Server, desk: Page) -> None:
    waiting = clash(server, "fees", 2)
    desk.goto(f"{LEDGER}/operations/{waiting.id}")
    go(desk, "link", "Decide the conflicts")
    with desk.expect_navigation():
        desk.locator("a.record-name").first.click()
    expect(desk.locator(".three pre")).to_have_count(3)
    first = desk.get_by_role("heading", level=1).inner_text()

    desk.get_by_role("radio", name="Write the value by hand").check()
    field = desk.get_by_role("textbox", name="The value")
    field.fill('{"rent": 970,')
    go(desk, "button", "Decide")
    expect(desk.get_by_role("alert")).to_contain_text("this is no JSON")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value('{"rent": 970,')
    expect(desk.get_by_role("radio", name="Write the value by hand")).to_be_checked()
    check_accessible(desk)
    screenshot(desk, "ledger-conflict-wrong")
    field.fill('{"rent": 970}')
    go(desk, "button", "Decide")

    expect(desk.get_by_role("heading", level=1)).not_to_have_text(first)
    second = desk.get_by_role("heading", level=1).inner_text()
    desk.get_by_role("radio", name="Take what is rolled back to").check()
    go(desk, "button", "Decide")
    expect(desk.locator(".toast")).to_contain_text("Nothing else waits for you")
    assert desk.url == f"{server.url}{LEDGER}/operations/{waiting.id}"
    expect(state_of(desk)).to_have_text("Completed")
    values = {
        key: server.run(server.runtime.ledger.record("fees", key)).value for key in (first, second)
    }
    assert msgspec.json.decode(bytes(values[first])) == {"rent": 970}
    assert msgspec.json.decode(bytes(values[second])) == {"rent": 900, "text": "a"}


def test_a_point_is_deleted_after_asking(server: Server, desk: Page) -> None:
    point = server.run(server.runtime.ledger.create_point(PointRequest(name="no use"), "ann"))
    desk.goto(f"{LEDGER}/points/{point.id}")
    agree(desk, "Delete", "Delete")
    expect(desk.locator(".toast")).to_have_text("The point is deleted.")
    assert desk.url == f"{server.url}{LEDGER}/points"
    expect(desk.locator(f"a[href$='{point.id}']")).to_have_count(0)


def test_the_keyboard_leads_to_a_change(server: Server, desk: Page) -> None:
    put(server, "keys", only={"a": 1})
    desk.goto("/console/keys")
    expect(desk.locator("[data-live-text]")).to_have_text("Live")
    stop_clock(desk)
    with desk.expect_navigation():
        desk.keyboard.press("g")
        desk.keyboard.press("l")
    assert desk.url == f"{server.url}{LEDGER}"
    desk.goto(f"{LEDGER}/history?collection=keys")
    summary = desk.locator(".change-diff summary")
    summary.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".sides .added .line.right")).to_contain_text(["{", '"a": 1', "}"])


def test_readers_see_and_change_nothing(browser: Browser, server: Server) -> None:
    point = server.run(server.runtime.ledger.create_point(PointRequest(name="to see"), "ann"))
    with operator(browser, server, "read") as watched:
        page = watched.open(f"{LEDGER}/points/{point.id}")
        expect(page.get_by_role("link", name="What has changed since")).to_be_visible()
        expect(page.get_by_role("button", name="Delete")).to_have_count(0)
        expect(page.get_by_role("link", name="Roll back to here")).to_have_count(0)
        page.goto(f"{LEDGER}/rollback/preview?moment=0")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Preview")
        expect(page.get_by_role("button", name="Roll back now")).to_have_count(0)
