"""The ledger's pages without a browser: rights, pages of lists, wrong forms, figures, and that what
people wrote stays text."""

from __future__ import annotations

import asyncio
import csv
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from colloquy.api.ledger.reading import AuditEvent
from colloquy.console.ledger import figures
from colloquy.console.ledger.words import AUDIT_EVENTS
from colloquy.ledger.audit import Entry
from colloquy.model.ledger import LedgerScope, OperationView, PointRequest, RollbackRequest
from colloquy.model.times import now_us
from support.console import Console
from support.server import Server, until

LEDGER = "/console/ledger"
NASTY = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>"
RAW = ("<script>alert", "<img")
NOBODY = "0" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ledger")) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


def put(server: Server, collection: str, actor: str = "ann", **records: Any) -> None:
    async def work() -> None:
        for key, value in records.items():
            await server.runtime.ledger.ledger.put(collection, key, value, actor)

    server.run(work())


def head(server: Server) -> int:
    return server.run(server.runtime.ledger.status()).head


def run(server: Server, request: RollbackRequest, *states: str) -> OperationView:
    async def work() -> OperationView:
        desk = server.runtime.ledger
        operation = await desk.rollback(request, "ann")
        async with asyncio.timeout(60):
            while operation.status not in states:
                await asyncio.sleep(0.01)
                operation = await desk.operation(operation.id)
        return operation

    return server.run(work())


def clash(server: Server, collection: str, actor: str = "bob", by: Any = "b") -> OperationView:
    """An operation that waits for a decision on one record."""
    put(server, collection, "carol", only={"a": 1, "by": "c"})
    start = head(server)
    put(server, collection, only={"a": 2, "by": "c"})
    put(server, collection, actor, only={"a": 3, "by": by})
    scope = LedgerScope(collections=(collection,), actors=("ann",))
    request = RollbackRequest(position=start, scope=scope, on_conflict="ask_user")
    return run(server, request, "waiting")


def conflict_of(server: Server, operation: OperationView) -> str:
    found = server.run(server.runtime.ledger.conflicts(operation_id=operation.id))
    return found.conflicts[0].id


def links(page: str, pattern: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(f'href="({pattern})"', page)]


def test_what_people_wrote_stays_text(server: Server, console: Console) -> None:
    start = head(server)
    put(server, NASTY[:64], NASTY, **{NASTY: {NASTY: 1}})
    put(server, NASTY[:64], NASTY, **{NASTY: {NASTY: NASTY}})
    new = PointRequest(name=NASTY, description=NASTY, tags=(NASTY[:64],))
    point = server.run(server.runtime.ledger.create_point(new, NASTY))
    waiting = clash(server, "nasty", NASTY, NASTY)
    conflict = conflict_of(server, waiting)
    query = {"collection": NASTY[:64], "key": NASTY}
    pages = [
        *(LEDGER, f"{LEDGER}/history", f"{LEDGER}/points", f"{LEDGER}/points/{point.id}"),
        *(f"{LEDGER}/operations/{waiting.id}", f"{LEDGER}/operations/{waiting.id}/log"),
        *(f"{LEDGER}/conflicts", f"{LEDGER}/conflicts/{conflict}", f"{LEDGER}/rollback"),
        *(f"{LEDGER}/compare?from={start}", f"{LEDGER}/changes/{start + 2}"),
        *(f"{LEDGER}/rollback/preview?moment={start}",),
    ]
    texts = [console.get(path) for path in pages]
    texts += [
        console.get(f"{LEDGER}/record", params=query),
        console.get(f"{LEDGER}/history", params={**query, "actor": NASTY, "since": NASTY}),
        console.get(f"{LEDGER}/audit", params={"actor": NASTY, "since": NASTY, "event": NASTY}),
        console.get(f"{LEDGER}/compare", params={"from": NASTY, "to": NASTY}),
        console.get(f"{LEDGER}/rollback", params={"moment": NASTY, "reason": NASTY, "keys": NASTY}),
        console.get(f"{LEDGER}/rollback/preview", params={"moment": start, "reason": NASTY}),
        console.act(f"{LEDGER}/points", name=NASTY, expires=NASTY, description=NASTY),
        console.act(
            f"{LEDGER}/conflicts/{conflict}",
            decision="edit",
            value=f"</textarea>{NASTY}",
            version="0",
        ),
    ]
    seen = 0
    for answer in texts:
        assert answer.status_code in (200, 422), (answer.url, answer.text)
        assert not any(raw in answer.text for raw in RAW), answer.url
        seen += "&lt;script&gt;alert" in answer.text
    assert seen >= len(texts) - 4  # the dashboard and such show no values
    assert "</textarea><" not in texts[-1].text


def test_readers_see_operators_handle_administrators_roll_back(server: Server) -> None:
    put(server, "rights", a=1)
    point = server.run(server.runtime.ledger.create_point(PointRequest(name="x"), "ann"))
    forms = {
        f"{LEDGER}/points": "operate",
        f"{LEDGER}/points/{point.id}/expiry": "operate",
        f"{LEDGER}/points/{point.id}/delete": "operate",
        f"{LEDGER}/operations/{NOBODY}/cancel": "operate",
        f"{LEDGER}/conflicts/{NOBODY}": "operate",
        f"{LEDGER}/rollback": "admin",
        f"{LEDGER}/operations/{NOBODY}/undo": "admin",
    }
    pages = [
        *("", "/history", "/compare", "/points", "/rollback", "/operations", "/conflicts"),
        *("/trend", "/export", f"/points/{point.id}", "/rollback/preview?moment=0"),
    ]
    with Console(server, server.key("read")) as reader:
        for path in pages:
            answer = reader.get(LEDGER + path)
            assert answer.status_code == 200, path
            assert 'method="post" action="/console/ledger' not in answer.text, path
            assert "/console/ledger/audit" not in answer.text, path
        for path in ("/audit", "/audit/export/csv", "/audit/export/json"):
            assert reader.get(LEDGER + path).status_code == 403, path
        for path in forms:
            assert reader.act(path).status_code == 403, path
    with Console(server, server.key("read", "operate")) as handler:
        for path, scope in forms.items():
            allowed = scope == "operate"
            assert (handler.act(path, expires="keep").status_code != 403) is allowed, path
        assert (
            "Only keys with the scope admin"
            in handler.get(f"{LEDGER}/rollback/preview?moment=0").text
        )
    with Console(server, server.key("operate")) as blind:
        assert blind.get(LEDGER).status_code == 403


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/history?key=a", "goes with its collection"),
        ("/history?conversation=x", "conversation"),
        ("/history?since=soon", "write the time as"),
        ("/compare?from=yesterday", "give a position"),
        ("/compare?from=999999999", "the ledger ends at"),
        ("/rollback/preview", "choose a point"),
        ("/rollback/preview?moment=soon", "write the time as"),
        ("/rollback/preview?moment=0&batch_size=many", "no number"),
        ("/rollback/preview?moment=0&collections=none-such", "scope"),
        (f"/rollback/preview?point={NOBODY}", "no rollback point"),
    ],
)
def test_a_wrong_question_is_asked_again(console: Console, path: str, said: str) -> None:
    answer = console.get(LEDGER + path)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert said in html.unescape(answer.text)


@pytest.mark.parametrize(
    "path",
    [
        *(f"/points/{NOBODY}", f"/operations/{NOBODY}", f"/conflicts/{NOBODY}", "/changes/999999"),
        *(f"/operations/{NOBODY}/log", f"/changes/{10**30}", "/record"),
        *("/history?cursor=x", "/points?cursor=x", "/conflicts?cursor=x", "/operations?cursor=x"),
    ],
)
def test_what_is_not_there_is_no_failure(console: Console, path: str) -> None:
    answer = console.get(LEDGER + path)
    assert 400 <= answer.status_code < 500
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "path", ["/unknown", "/unknown/deeper", f"/points/{NOBODY}/unknown", "/changes/first"]
)
def test_a_page_that_there_is_not_is_told_as_a_page(console: Console, path: str) -> None:
    answer = console.get(LEDGER + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in answer.headers
    assert "Back to the console" in answer.text
    wrong = console.act(LEDGER + path)
    assert (wrong.status_code in (404, 405), "<h1>" in wrong.text) == (True, True)


def test_the_log_comes_in_pages(server: Server, console: Console) -> None:
    put(server, "pages", **{f"k{number}": number for number in range(120)})
    seen: list[str] = []
    path: str | None = f"{LEDGER}/history?collection=pages"
    while path is not None:
        page = console.get(path).text
        seen += re.findall(r'class="change-number" href="/console/ledger/changes/(\d+)"', page)
        path = next(iter(links(page, r"/console/ledger/history\?[^\"]*cursor=[^\"]*")), None)
    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen, key=int, reverse=True)


@pytest.mark.parametrize("name", ["preview", "compare"])
def test_records_come_in_pages(server: Server, console: Console, name: str) -> None:
    start = head(server)
    put(server, f"{name}s", **{f"k{number:03}": number for number in range(70)})
    asked = {
        "preview": f"{LEDGER}/rollback/preview?moment={start}&collections={name}s",
        "compare": f"{LEDGER}/compare?from={start}&collections={name}s",
    }
    path: str | None = asked[name]
    seen: list[str] = []
    while path is not None:
        page = console.get(path).text
        seen += re.findall(r'class="record-name".*?</span>(k\d+)</a>', page)
        path = next(iter(links(page, r"/console/ledger/[^\"]*cursor=[^\"]*")), None)
    assert seen == [f"k{number:03}" for number in range(70)]


@pytest.mark.parametrize("strategy", ["auto", "force"])
def test_the_recommended_strategy_is_told_whatever_was_chosen(
    server: Server, console: Console, strategy: str
) -> None:
    start = head(server)
    name = f"advice-{strategy}"
    put(server, name, **{f"k{number}": number for number in range(60)})
    asked = {"moment": start, "collections": name, "strategy": strategy}
    page = console.get(f"{LEDGER}/rollback/preview", params=asked).text
    assert "<dd>Gradual <span" in page
    assert "more than 50 records" in page
    assert ("Force</dd>" in page) is (strategy == "force")


def test_a_point_is_made_kept_moved_and_deleted(server: Server, console: Console) -> None:
    answer = console.act(
        f"{LEDGER}/points", name="release", description="before it", expires="7", tags="a, b"
    )
    where = answer.headers["location"].partition("?")[0]
    point_id = where.rpartition("/")[2]
    point = server.run(server.runtime.ledger.point(point_id))
    assert (point.name, point.tags, point.position) == ("release", ["a", "b"], head(server))
    assert point.actor.startswith("key:")
    assert point.expires_at is not None
    console.act(f"{where}/expiry", expires="keep")
    assert server.run(server.runtime.ledger.point(point_id)).expires_at is None
    console.act(f"{where}/expiry", expires="1")
    moved = server.run(server.runtime.ledger.point(point_id)).expires_at
    assert moved is not None and moved < point.expires_at
    assert console.act(f"{where}/expiry", expires="8").status_code == 422
    assert (
        console.act(f"{where}/delete").headers["location"] == f"{LEDGER}/points?done=point-deleted"
    )
    assert console.get(where).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "a point needs a name"),
        ({"name": "x", "expires": "soon"}, "choose when the point expires"),
        ({"name": "x", "conversation": NOBODY}, "no conversation"),
        ({"name": "x", "conversation": "x"}, "regex"),
        ({"name": "x", "tags": "t" * 65}, "length"),
    ],
)
def test_a_wrong_point_comes_back_with_what_was_written(
    console: Console, fields: dict[str, str], said: str
) -> None:
    answer = console.act(f"{LEDGER}/points", **{"expires": "7", "description": "kept", **fields})
    assert 400 <= answer.status_code < 500
    assert said in html.unescape(answer.text)
    assert ">kept</textarea>" in answer.text


def test_a_running_operation_is_shown_and_a_finished_one_reloads_the_page(
    server: Server, console: Console
) -> None:
    start = head(server)
    put(server, "watched", a=1)
    scope = LedgerScope(collections=("watched",))
    done = run(server, RollbackRequest(position=start, scope=scope), "completed")
    path = f"{LEDGER}/operations/{done.id}"
    part = {"hx-request": "true"}
    assert console.get(f"{path}?seen=in_progress-0", headers=part).headers["hx-refresh"] == "true"
    same = console.get(f"{path}?seen=completed-0", headers=part)
    assert "hx-refresh" not in same.headers
    assert 'aria-valuenow="100.0"' in same.text
    assert "hx-get" not in same.text  # it is over: nothing is asked any more
    waiting = clash(server, "polled")
    part_of = console.get(f"{LEDGER}/operations/{waiting.id}?seen=waiting-0", headers=part)
    assert 'hx-trigger="every 1s"' in part_of.text


def test_an_undo_keeps_to_the_records_of_its_operation(server: Server, console: Console) -> None:
    """So that an operation on others, which waits, does not stand in its way."""
    clash(server, "elsewhere")
    start = head(server)
    put(server, "here", a=1)
    scope = LedgerScope(collections=("here",), actors=("ann",))
    done = run(server, RollbackRequest(position=start, scope=scope), "completed")
    answer = console.act(f"{LEDGER}/operations/{done.id}/undo")
    assert answer.status_code == 303, answer.text
    undoing = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    request = server.run(server.runtime.ledger.operation(undoing)).request
    assert request.undo == done.id
    assert request.scope == LedgerScope(collections=("here",))


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"decision": "hope", "version": "0"}, 422, "choose what is to happen"),
        ({"decision": "edit", "value": "{", "version": "0"}, 422, "this is no JSON"),
        ({"decision": "keep", "version": "7"}, 412, "read it again"),
        ({"decision": "keep", "version": "x"}, 422, "out of date"),
    ],
)
def test_a_wrong_decision_changes_nothing(
    server: Server, console: Console, fields: dict[str, str], status: int, said: str
) -> None:
    name = f"wrong-{fields['decision']}-{fields['version']}"
    conflict = conflict_of(server, clash(server, name))
    answer = console.act(f"{LEDGER}/conflicts/{conflict}", **fields)
    assert answer.status_code == status
    assert said in html.unescape(answer.text)
    assert server.run(server.runtime.ledger.conflict(conflict)).conflict.state == "open"


def test_the_audit_trail_is_found_again_and_goes_out_as_a_file(
    server: Server, console: Console
) -> None:
    put(server, "audited", a=1)
    scope = LedgerScope(collections=("audited",))
    formula = '=cmd("x")'
    request = RollbackRequest(position=head(server) - 1, scope=scope, reason=formula)
    done = run(server, request, "completed")
    path = f"{LEDGER}/audit"
    shown = console.get(path).text
    assert f'href="/console/ledger/operations/{done.id}"' in shown
    narrow = {"event": "rollback_executed", "actor": "ann"}
    assert "Operation begun</b>" not in console.get(path, params=narrow).text
    assert "Nothing fits" in console.get(path, params={"actor": NASTY}).text
    assert console.get(path, params={"since": "soon"}).status_code == 422
    entries = console.get(f"{path}/export/json", params=narrow).json()
    assert {entry["event"] for entry in entries} == {"rollback_executed"}
    assert entries[0]["operation_id"] == done.id
    answer = console.get(f"{path}/export/csv", params={"event": "rollback_created"})
    assert answer.headers["content-disposition"].endswith('"ledger-audit.csv"')
    (newest, *_) = csv.DictReader(answer.text.splitlines())
    assert (newest["operation_id"], newest["reason"]) == (done.id, f"'{formula}")


def test_the_audit_trail_comes_in_pages(server: Server, console: Console) -> None:
    trail = server.runtime.ledger.ledger.audit
    entries = [Entry(at=now_us(), actor="pager", event="x", message=f"no {n}") for n in range(70)]
    server.run(trail.add(*entries))
    path: str | None = f"{LEDGER}/audit?actor=pager"
    seen: list[str] = []
    while path is not None:
        page = console.get(path).text
        seen += re.findall(r'<p class="wrap">no (\d+)', page)
        path = next(iter(links(page, r"/console/ledger/audit\?[^\"]*cursor=[^\"]*")), None)
    assert seen == [str(number) for number in reversed(range(70))]


def test_every_event_of_the_audit_trail_has_words() -> None:
    named = get_args(get_args(get_args(AuditEvent)[0])[0])
    assert set(AUDIT_EVENTS) == set(named)


def test_figures_come_from_what_is_stored(server: Server) -> None:
    put(server, "figures", a=1)
    start = head(server)
    put(server, "figures", a=2)
    scope = LedgerScope(collections=("figures",))
    before = server.run(figures.figures(server.runtime))
    trend_before = server.run(figures.trend(server.runtime, 24))
    run(server, RollbackRequest(position=start, scope=scope), "completed")
    after = server.run(figures.figures(server.runtime))
    trend = server.run(figures.trend(server.runtime, 24))
    for old, new in zip(before.windows, after.windows, strict=True):
        assert new.completed == old.completed + 1
        assert new.success_percent == 100.0
        assert new.mean_s is not None and new.mean_s > 0
    assert after.states["completed"] == before.states.get("completed", 0) + 1
    assert sum(trend.completed) == sum(trend_before.completed) + 1
    assert sum(trend.changes) == head(server)
    assert not trend.is_cut
    assert len({len(getattr(trend, name)) for name in ("at", "changes", "failed", "mean_s")}) == 1
    later = now_us() + 25 * figures.HOUR_US
    emptied = server.run(figures.trend(server.runtime, 24, later))
    assert (sum(emptied.changes), sum(emptied.completed)) == (0, 0)
    assert server.run(figures.figures(server.runtime, later)).windows[1].success_percent is None


def test_the_dashboard_is_exported(server: Server, console: Console) -> None:
    operation = clash(server, "exported")
    answer = console.get(f"{LEDGER}/export?hours=168")
    assert answer.headers["content-disposition"] == 'attachment; filename="ledger.json"'
    found = msgspec.json.decode(answer.content)
    assert found["figures"]["status"]["head"] == head(server)
    assert found["trend"]["step_s"] == 6 * 3600
    assert found["alerts"] == []
    assert found["operations"][0]["id"] == operation.id


def test_open_alerts_of_the_ledger_are_shown(tmp_path: Path) -> None:
    with Server(tmp_path, **{"alerts.max_pending_operations": "1"}) as server:
        for name in ("one", "two"):
            clash(server, name)
        server.run(until(lambda: server.runtime.ledger.pending() > 1))
        server.run(server.runtime.alerts.look())
        for scopes, is_shown in ((("admin",), True), (("read",), False)):
            with Console(server, server.key(*scopes)) as console:
                found = "2 operations wait (bound 1)" in console.get(LEDGER).text
                assert found is is_shown, scopes
