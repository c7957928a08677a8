"""The pages of the migration without a browser: rights, steps, refusals, mismatches."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from colloquy.console.migration.words import adoption_of, percent_of
from colloquy.evolution.migration import Tables, read_plan, reconcile, verify
from colloquy.model.migrations import MigrationStage
from colloquy.model.rollouts import Figures
from support.console import Console
from support.migration import make_story, sqlite_url, write_plan
from support.server import Server

PAGE = "/console/migration"
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    url = sqlite_url(tmp_path)
    plan = write_plan(tmp_path, url)
    asyncio.run(make_story(url, plan))
    return plan


@pytest.fixture
def moving(tmp_path: Path, plan: Path) -> Iterator[Server]:
    with Server(tmp_path, **{"versions.migration": str(plan)}) as running:
        yield running


@pytest.fixture
def console(moving: Server) -> Iterator[Console]:
    with Console(moving, moving.key()) as client:
        yield client


def words_of(page: str) -> str:
    """The words of a page, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def shown(console: Console, path: str = PAGE) -> str:
    answer = console.get(path)
    assert answer.status_code == 200, answer.text
    assert NASTY not in answer.text
    return words_of(answer.text)


def settle(plan: Path) -> None:
    """The tables say the same, and were compared."""

    async def work() -> None:
        async with Tables(read_plan(plan)) as tables:
            await reconcile(tables, MigrationStage.SHADOW)
            await verify(tables)

    asyncio.run(work())


def test_it_is_moved_by_hand(moving: Server, console: Console, plan: Path) -> None:
    words = shown(console)
    assert "messages: Off" in words and "No step was taken yet." in words
    assert "Different content 2" in words and "Not in V2" in words
    begun = console.act(f"{PAGE}/start", stage="off", reason=f"spring {NASTY}")
    assert begun.headers["location"] == f"{PAGE}?done=migration-started"
    words = shown(console)
    assert "messages: Shadow" in words and "Next: Dual, V1 first" in words
    assert "3 mismatches open, at most 0 allowed" in words
    assert "spring <script>" in words and "Shadow test" in words

    refused = console.act(f"{PAGE}/advance", stage="shadow", reason="now")
    assert refused.status_code == 409
    assert "That step is not open" in words_of(refused.text) and 'value="now"' in refused.text
    late = console.act(f"{PAGE}/advance", stage="off", reason="now")
    assert (late.status_code, "moved meanwhile" in words_of(late.text)) == (409, True)
    silent = console.act(f"{PAGE}/advance", stage="shadow", force="yes")
    assert (silent.status_code, "needs a reason" in words_of(silent.text)) == (422, True)
    long = console.act(f"{PAGE}/advance", stage="shadow", reason="x" * 501)
    assert long.status_code == 422

    settle(plan)
    done = console.act(f"{PAGE}/advance", stage="shadow", reason="the same")
    assert done.headers["location"] == f"{PAGE}?done=migration-advanced"
    forced = console.act(f"{PAGE}/advance", stage="dual_v1", reason="tonight", force="yes")
    assert forced.status_code == 303
    words = shown(console)
    assert (
        "Dual, V2 first Forced test" in words and "Missing: the tables were not compared" in words
    )
    back = console.act(f"{PAGE}/back", stage="dual_v2", reason="not yet", force="yes")
    assert back.headers["location"] == f"{PAGE}?done=migration-back"
    assert moving.run(moving.runtime.migration.view()).state.stage == "dual_v1"


def test_mismatches_are_listed_and_ignored(console: Console) -> None:
    words = shown(console, f"{PAGE}/mismatches")
    assert "Different message 3, content Open" in words and NASTY in words
    number = re.findall(r"mismatches/(\d+)/ignore", console.get(f"{PAGE}/mismatches").text)[0]
    path = f"{PAGE}/mismatches/{number}/ignore"
    silent = console.act(path, reason="")
    assert (silent.status_code, "say why" in words_of(silent.text)) == (422, True)
    assert console.act(path, reason="a test").status_code == 303
    words = shown(console, f"{PAGE}/mismatches?state=ignored")
    assert "Ignored" in words and "Reason a test" in words
    assert "No mismatch is in this state." in shown(console, f"{PAGE}/mismatches?state=repaired")
    assert console.act(f"{PAGE}/mismatches/999/ignore", reason="x").status_code == 404


@pytest.mark.timeout(120)
def test_jobs_are_begun_and_stopped(moving: Server, console: Console) -> None:
    jobs = f"{PAGE}/jobs"
    assert "Once the migration has begun" in shown(console)
    early = console.act(jobs, kind="verify", rate="")
    assert (early.status_code, "start it" in words_of(early.text)) == (409, True)
    console.act(f"{PAGE}/start", stage="off", reason="spring")
    for kind, rate in (("dance", ""), ("verify", "fast"), ("verify", "0"), ("verify", "nan")):
        assert console.act(jobs, kind=kind, rate=rate).status_code == 422, (kind, rate)
    begun = console.act(jobs, kind="verify", rate="0.01")
    assert begun.headers["location"] == f"{PAGE}?done=migration-job-begun"
    words = shown(console)
    assert "Under way" in words and "Progress of the job" in console.get(PAGE).text
    second = console.act(jobs, kind="backfill", rate="")
    assert (second.status_code, "is under way" in words_of(second.text)) == (409, True)
    (number,) = re.findall(r"jobs/(\d+)/stop", console.get(PAGE).text)
    stopped = console.act(f"{jobs}/{number}/stop")
    assert stopped.headers["location"] == f"{PAGE}?done=migration-job-stopped"
    while moving.run(moving.runtime.migration.jobs()).jobs[0].is_open:
        time.sleep(0.01)
    assert "Compare Stopped" in shown(console)
    assert console.act(f"{jobs}/{number}/stop").status_code == 409
    assert console.act(f"{jobs}/99/stop").status_code == 404
    console.act(jobs, kind="reconcile", rate="")
    while moving.run(moving.runtime.migration.jobs()).jobs[0].is_open:
        time.sleep(0.01)
    assert "Repair Done" in shown(console) and "repaired 3" in shown(console)
    with Console(moving, moving.key("operate")) as operator:
        assert "A key with the scope admin begins them." in shown(operator)
        assert operator.act(jobs, kind="verify").status_code == 403
        assert operator.act(f"{jobs}/1/stop").status_code == 403


def test_operators_look_and_admins_act(moving: Server) -> None:
    with Console(moving, moving.key("operate")) as operator:
        words = shown(operator)
        assert "A key with the scope admin takes the steps." in words
        assert "It may stay" not in shown(operator, f"{PAGE}/mismatches")
        for path in ("start", "advance", "back", "mismatches/1/ignore"):
            assert operator.act(f"{PAGE}/{path}", stage="off", reason="x").status_code == 403
    with Console(moving, moving.key("read")) as reader:
        assert reader.get(PAGE).status_code == 403


def test_tables_that_are_away_are_said(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, sqlite_url(tmp_path))
    with (
        Server(tmp_path, **{"versions.migration": str(plan)}) as server,
        Console(server, server.key()) as console,
    ):
        answer = console.get(PAGE)
        assert answer.status_code == 503
        assert "The tables cannot be reached." in words_of(answer.text)


def test_without_a_plan_the_page_says_how(server: Server) -> None:
    with Console(server, server.key()) as console:
        assert "No table is moved here" in shown(console)
        assert console.get(f"{PAGE}/mismatches").status_code == 404
        assert console.act(f"{PAGE}/start", stage="off").status_code == 404


def test_shares() -> None:
    assert adoption_of({}).share is None
    found = adoption_of({"v1": Figures(count=20), "v2": Figures(count=80)})
    assert (found.share, found.is_reached) == (0.8, True)
    assert [percent_of(one) for one in (0.0, 0.5, 0.9999999, 1.0)] == [
        *("0.0 %", "50.0 %", "99.9999 %", "100 %")
    ]
