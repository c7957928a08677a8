"""`/v2/migration` over HTTP, and by the client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy.client import Client
from colloquy.evolution.migration import Tables, backfill, read_plan, verify
from colloquy.model.errors import Conflict, MigrationNotReady
from colloquy.model.migrations import IgnoreRequest, MigrationJobRequest, MigrationMove
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


def finished(client: httpx.Client, number: int) -> dict[str, Any]:
    """The job, once it is over."""
    while True:
        jobs = client.get("/v2/migration/jobs").json()["jobs"]
        (job,) = (one for one in jobs if one["number"] == number)
        if job["ended_at"] is not None:
            return dict(job)
        time.sleep(0.01)


@pytest.mark.timeout(120)
def test_the_server_does_the_work(moving: Server, plan: Path) -> None:
    with moving.client("operate") as operator, moving.client("admin") as admin:
        early = admin.post("/v2/migration/jobs", json={"kind": "backfill"})
        assert (early.status_code, early.json()["code"]) == (409, "conflict")
        admin.post("/v2/migration/start", json={})
        for body in ({}, {"kind": "dance"}, {"kind": "verify", "rate": 0}, {"kind": 1}):
            assert admin.post("/v2/migration/jobs", json=body).status_code == 422
        assert operator.get("/v2/migration/jobs").json() == {"jobs": []}
        assert operator.post("/v2/migration/jobs", json={"kind": "verify"}).status_code == 403
        done = {}
        for kind in ("backfill", "verify", "reconcile", "record", "backfill_to_v1"):
            begun = admin.post("/v2/migration/jobs", json={"kind": kind})
            assert begun.status_code == 202, begun.text
            assert begun.json()["by"].startswith("key:")
            done[kind] = finished(operator, begun.json()["number"])
            assert (done[kind]["state"], done[kind]["error"]) == ("done", None)
        assert done["verify"]["result"]["mismatched"] == 2
        assert done["reconcile"]["result"] == {"looked_at": 2, "repaired": 2, "left": 0}
        assert done["record"]["result"] == {"stored": 10, "known": 0, "refused": 0}
        assert (done["verify"]["done"], done["verify"]["resumed"]) == (20, 0)
        jobs = operator.get("/v2/migration/jobs").json()["jobs"]
        assert [one["kind"] for one in jobs] == list(reversed(done))
        # Recorded: once, as the log has it.
        again = admin.post("/v2/migration/jobs", json={"kind": "record", "restart": True}).json()
        assert finished(operator, again["number"])["result"]["known"] == 10


@pytest.mark.timeout(120)
def test_a_job_is_alone_and_can_be_stopped(moving: Server) -> None:
    with moving.client("admin") as admin, moving.client("operate") as operator:
        admin.post("/v2/migration/start", json={})
        slow = {"kind": "verify", "rate": 0.01}
        number = admin.post("/v2/migration/jobs", json=slow).json()["number"]
        second = admin.post("/v2/migration/jobs", json={"kind": "backfill"})
        assert (second.status_code, second.json()["code"]) == (409, "conflict")
        assert operator.delete(f"/v2/migration/jobs/{number}").status_code == 403
        assert admin.delete("/v2/migration/jobs/99").status_code == 404
        assert admin.delete("/v2/migration/jobs/x").status_code == 404
        asked = admin.delete(f"/v2/migration/jobs/{number}")
        assert asked.status_code == 200
        assert asked.json()["state"] in ("stopping", "stopped")
        over = finished(operator, number)
        assert (over["state"], over["result"]) == ("stopped", {})
        late = admin.delete(f"/v2/migration/jobs/{number}")
        assert (late.status_code, late.json()["code"]) == (409, "conflict")
        third = admin.post("/v2/migration/jobs", json={"kind": "backfill"}).json()
        assert finished(operator, third["number"])["state"] == "done"


def test_the_client_has_the_jobs(moving: Server) -> None:
    with Client(moving.url, moving.key("admin")) as client:
        client.start_migration()
        slow = MigrationJobRequest(kind="verify", rate=0.01)
        job = client.begin_migration_job(slow)
        assert client.migration_jobs().jobs[0].number == job.number
        with pytest.raises(Conflict):
            client.begin_migration_job(slow)
        assert client.stop_migration_job(job.number).number == job.number
