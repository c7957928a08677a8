"""`/v2/migration` over HTTP, and by the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from colloquy.client import Client
from colloquy.evolution.migration import Tables, backfill, read_plan, verify
from colloquy.model.errors import MigrationNotReady
from colloquy.model.migrations import IgnoreRequest, MigrationMove
from support.migration import make_old_table, old_row, run, sqlite_url, write_plan
from support.server import Server


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Of a table with a message that only the old one has in this form."""
    url = sqlite_url(tmp_path)

    async def work() -> Path:
        await make_old_table(url, [old_row(number) for number in range(1, 11)])
        plan = write_plan(tmp_path, url)
        async with Tables(read_plan(plan)) as tables:
            await backfill(tables)
            await run(tables.old, "UPDATE chat SET body = 'edited' WHERE id IN (3, 4)")
            await verify(tables)
        return plan

    return asyncio.run(work())


@pytest.fixture
def moving(tmp_path: Path, plan: Path) -> Iterator[Server]:
    with Server(tmp_path, **{"versions.migration": str(plan)}) as running:
        yield running


def test_reading_is_for_operators_and_steps_are_for_admins(moving: Server) -> None:
    with moving.client("operate") as operator, moving.client("admin") as admin:
        view = operator.get("/v2/migration").json()
        assert (view["state"]["stage"], view["report"]["rows_v1"]) == ("off", 10)
        for step in ("start", "advance", "back", "mismatches/1/ignore"):
            refused = operator.post(f"/v2/migration/{step}", json={"reason": "x"})
            assert (step, refused.status_code) == (step, 403)
        with moving.client("read") as reader:
            assert reader.get("/v2/migration").status_code == 403
        begun = admin.post("/v2/migration/start", json={"reason": "spring"})
        assert begun.status_code == 200, begun.text
        assert begun.json()["history"][0]["by"].startswith("key:")
        early = admin.post("/v2/migration/advance", json={})
        assert (early.status_code, early.json()["code"]) == (409, "migration_not_ready")
        assert len(early.json()["missing"]) == 2
        forced = admin.post("/v2/migration/advance", json={"force": True})
        assert (forced.status_code, forced.json()["field"]) == (422, "reason")
        wrong = admin.post("/v2/migration/advance", json={"forced": True})
        assert wrong.status_code == 422
        back = admin.post("/v2/migration/back", json={"reason": "not yet"}).json()
        assert (back["state"]["stage"], back["history"][0]["reason"]) == ("off", "not yet")


def test_mismatches_have_pages_and_are_ignored(moving: Server) -> None:
    with moving.client("admin") as admin:
        first = admin.get("/v2/migration/mismatches?state=open&limit=1").json()
        assert [row["message"] for row in first["mismatches"]] == ["3"]
        rest = admin.get(f"/v2/migration/mismatches?cursor={first['next']}").json()
        assert ([row["message"] for row in rest["mismatches"]], rest["next"]) == (["4"], None)
        number = first["mismatches"][0]["number"]
        path = f"/v2/migration/mismatches/{number}/ignore"
        assert admin.post(path, json={"reason": ""}).status_code == 422
        assert admin.post(path, json={"reason": "a test"}).json()["state"] == "ignored"
        assert admin.post(path.replace(str(number), "99"), json={"reason": "x"}).status_code == 404
        wrong = admin.get("/v2/migration/mismatches?cursor=x")
        assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")
        assert admin.get("/v2/migration/mismatches?state=lost").status_code == 422
        report = admin.get("/v2/migration").json()["report"]
        assert report["mismatches"] == {
            "ignored": {"different": {"content": 1}},
            "open": {"different": {"content": 1}},
        }


def test_the_client_has_all_of_it(moving: Server) -> None:
    with Client(moving.url, moving.key("admin")) as client:
        assert client.start_migration().report.stage == "shadow"
        with pytest.raises(MigrationNotReady) as caught:
            client.advance_migration()
        assert len(caught.value.extra["missing"]) == 2
        found = list(client.mismatches(limit=1, state="open"))
        assert [one.message for one in found] == ["3", "4"]
        assert client.ignore_mismatch(found[0].number, IgnoreRequest(reason="a test")).state
        moved = client.advance_migration(MigrationMove(reason="tonight", force=True))
        assert moved.history[0].forced
        assert client.take_migration_back().state.stage == "shadow"
        assert len(client.migration(limit=2).history) == 2


def test_without_a_plan_there_is_none(admin: httpx.Client) -> None:
    for found in (
        admin.get("/v2/migration"),
        admin.get("/v2/migration/mismatches"),
        admin.post("/v2/migration/start", json={}),
        admin.post("/v2/migration/mismatches/1/ignore", json={"reason": "x"}),
    ):
        assert (found.status_code, found.json()["code"]) == (404, "not_found")
        assert "versions.migration" in found.json()["detail"]
