"""A running engine takes part in a migration: reports, steps, the outbox and the alert."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from colloquy import Colloquy
from colloquy.evolution.migration import DualWriter, Stage, Tables, backfill, read_plan, verify
from colloquy.model.errors import (
    Conflict,
    InvalidInput,
    MigrationNotReady,
    NotFound,
    SettingsError,
    Unavailable,
)
from colloquy.model.migrations import (
    IgnoreRequest,
    MigrationJobRequest,
    MigrationMove,
    MigrationStart,
)
from colloquy.runtime import Runtime
from colloquy.runtime.migration import MigrationDesk
from support.migration import at, both, make_old_table, old_row, run, sqlite_url, v1, write_plan
from support.storage import Place

START = MigrationStart(reason="spring")
MOVE = MigrationMove()
WITHOUT = """
import asyncio, sys
from colloquy import Colloquy
from colloquy.runtime import Runtime
from colloquy.runtime.migration import MigrationDesk

async def main():
    app = Colloquy()
    runtime = Runtime(app, app.resolution({"preset": "test", "database_url": sys.argv[1]}))
    await runtime.start()
    print("sqlalchemy" in sys.modules, runtime.migration.is_configured)
    await runtime.stop()

asyncio.run(main())
"""


@asynccontextmanager
async def engine(url: str, plan: Path | None, *, worker: bool = True) -> AsyncIterator[Runtime]:
    app = Colloquy()
    said = {"preset": "test", "workers": "0", "database_url": url}
    if plan is not None:
        said["versions.migration"] = str(plan)
    runtime = Runtime(app, app.resolution(said), worker=worker)
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - the engine tells nobody
            await asyncio.sleep(0.01)


def url_of(place: Place) -> str:
    return place.where if place.engine == "postgres" else f"sqlite:///{place.where}"


@pytest.fixture
async def old(place: Place, tmp_path: Path) -> str:
    """The URL of an old table of thirty messages: on PostgreSQL in the engine's own database."""
    url = place.where if place.engine == "postgres" else sqlite_url(tmp_path)
    await make_old_table(url, [old_row(number) for number in range(1, 31)])
    return url


async def test_it_is_moved_with_the_steps_of_a_running_engine(
    place: Place, old: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path, old)
    async with engine(url_of(place), plan) as runtime, Tables(read_plan(plan)) as tables:
        desk = runtime.migration
        begun = await desk.begin(START, "key:ann")
        assert (begun.state.stage, begun.state.by, begun.report.rows_v1) == (
            "shadow",
            "key:ann",
            30,
        )
        assert begun.state.source.endswith(" chat") and begun.report.next == "dual_v1"
        with pytest.raises(Conflict, match="under way"):
            await desk.begin(START, "key:ann")
        with pytest.raises(MigrationNotReady, match="backfill is not complete"):
            await desk.advance(MOVE, "key:ann")
        await backfill(tables)
        await run(tables.old, "UPDATE chat SET body = 'edited' WHERE id = 3")
        await verify(tables)

        page = await desk.mismatches(None, 1, "open")
        (found,) = page.mismatches
        assert (found.message, found.field, page.next) == ("3", "content", None)
        with pytest.raises(InvalidInput, match="say why"):
            await desk.ignore(found.number, IgnoreRequest(reason=" "))
        with pytest.raises(NotFound):
            await desk.ignore(found.number + 1, IgnoreRequest(reason="a test"))
        ignored = await desk.ignore(found.number, IgnoreRequest(reason="a test"))
        assert ignored.state == "ignored"
        assert (await desk.mismatches(None, 50, "open")).mismatches == []
        with pytest.raises(InvalidInput, match="cursor"):
            await desk.mismatches("x")
        await verify(tables)
        assert (await desk.advance(MOVE, "key:ann")).state.stage == "dual_v1"

        with pytest.raises(InvalidInput, match="reason"):
            await desk.advance(MigrationMove(force=True), "key:bob")
        forced = await desk.advance(MigrationMove(reason="tonight", force=True), "key:bob")
        assert (forced.report.stage, forced.history[0].by) == ("dual_v2", "key:bob")
        assert forced.history[0].forced and forced.history[0].missing == forced.state.missing != []

        async def is_back() -> bool:
            """Not before the stage is in force everywhere: half a second."""
            await verify(tables)
            try:
                await desk.back(MigrationMove(reason="not yet"), "key:ann")
            except MigrationNotReady as error:
                assert error.extra["missing"] == [
                    "the tables were not compared since this stage began"
                ]
                return False
            return True

        await eventually(is_back)
        back = await desk.view()
        assert [step.stage for step in back.history] == ["dual_v1", "dual_v2", "dual_v1", "shadow"]
        assert len(await desk.history(1)) == 1


async def test_a_report_is_kept_for_a_moment(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    await make_old_table(url, [old_row(1)])
    async with engine(f"sqlite:///{tmp_path / 'c.db'}", write_plan(tmp_path, url)) as runtime:
        desk = runtime.migration
        first, second = await asyncio.gather(desk.view(), desk.view())
        assert first.report is second.report and first.made_at == second.made_at
        begun = await desk.begin(START, "ann")
        assert begun.report is not first.report
        assert await desk.report() is begun.report


async def test_the_outbox_is_emptied_by_itself(place: Place, old: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, old, v2_url=sqlite_url(tmp_path, "new.db"))
    async with engine(url_of(place), plan) as runtime, Tables(read_plan(plan)) as tables:
        await runtime.migration.begin(START, "ann")

        # The writer leaves it in the outbox, as where the other database is away.
        writer = DualWriter(tables, at(Stage.SHADOW), is_on=lambda: True)
        await tables.old.transact(lambda: _waits(tables, 41))
        assert (await writer.write([v1(42)]))[0].both

        async def is_there() -> bool:
            return await tables.waiting() == 0

        await eventually(is_there)
        there = (await both(tables))[1]
        assert 42 in there


async def test_jobs_are_done_one_at_a_time(place: Place, old: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, old, v2_url=sqlite_url(tmp_path, "new.db"))
    async with engine(url_of(place), plan) as runtime:
        desk = runtime.migration
        with pytest.raises(Conflict):
            await desk.begin_job(MigrationJobRequest(kind="backfill"), "ann")
        await desk.begin(START, "ann")
        asked = [desk.begin_job(MigrationJobRequest(kind="backfill"), "ann") for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in answers if isinstance(one, Exception)] == [Conflict] * 2

        async def is_over() -> bool:
            return not (await desk.jobs()).jobs[0].is_open

        await eventually(is_over)
        (job,) = (await desk.jobs()).jobs
        assert (job.state, job.by, job.result["written"]) == ("done", "ann", 30)
        with pytest.raises(Conflict):
            await desk.stop_job(job.number)
        with pytest.raises(NotFound):
            await desk.stop_job(99)


async def test_a_job_stays_open_while_its_process_ends(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    await make_old_table(url, [old_row(number) for number in range(1, 31)])
    plan = write_plan(tmp_path, url)
    for life in range(2):
        async with engine(f"sqlite:///{tmp_path / 'engine.db'}", plan) as runtime:
            desk = runtime.migration
            if life == 0:
                await desk.begin(START, "ann")
                await desk.begin_job(MigrationJobRequest(kind="backfill", rate=0.01), "ann")

            async def is_at_work(life: int = life, desk: MigrationDesk = desk) -> bool:
                job = (await desk.jobs()).jobs[0]
                return (job.state, job.resumed, job.done) == ("running", life, 7 * (life + 1))

            await eventually(is_at_work)


def _waits(tables: Tables, number: int):  # type: ignore[no-untyped-def]
    yield tables.from_v1.put([number])


async def test_standing_still_is_an_alert(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    await make_old_table(url, [old_row(1)])
    plan = write_plan(tmp_path, url, stall_after_s=1e-6)
    async with engine(f"sqlite:///{tmp_path / 'c.db'}", plan) as runtime:
        assert await runtime.migration.stalled_s() == 0.0
        await runtime.migration.begin(START, "ann")
        assert await runtime.migration.stalled_s() > 0

        async def is_open() -> bool:
            open_now = runtime.alerts.page(None, 50).alerts
            return "migration_stalled" in [one.rule for one in open_now]

        await eventually(is_open)


async def test_tables_that_are_away_stop_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    async with engine(f"sqlite:///{tmp_path / 'c.db'}", write_plan(tmp_path, url)) as runtime:
        with pytest.raises(Unavailable, match="chat"):
            await runtime.migration.view()
        assert runtime.ready()
        await make_old_table(url, [old_row(1)])
        assert (await runtime.migration.view()).report.rows_v1 == 1


async def test_a_plan_that_cannot_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        async with engine(f"sqlite:///{tmp_path / 'c.db'}", tmp_path / "none.toml"):
            pass
    assert caught.value.field == "versions.migration"


async def test_without_a_plan_there_is_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.db'}"
    async with engine(url, None) as runtime:
        for ask in (
            runtime.migration.view(),
            runtime.migration.history(),
            runtime.migration.mismatches("x"),
            runtime.migration.begin(START, "ann"),
            runtime.migration.back(MOVE, "ann"),
            runtime.migration.ignore(1, IgnoreRequest(reason="why")),
        ):
            with pytest.raises(NotFound, match=r"versions\.migration"):
                await ask


def test_without_a_plan_nothing_that_moves_tables_is_loaded(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT, f"sqlite:///{tmp_path / 'c.db'}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "False False" in found.stdout.splitlines()


async def test_of_two_steps_at_once_one_is_taken(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    await make_old_table(url, [old_row(1)])
    async with engine(f"sqlite:///{tmp_path / 'c.db'}", write_plan(tmp_path, url)) as runtime:
        desk = runtime.migration
        asked = [desk.begin(START, name) for name in ("ann", "bob", "eve")]
        done = await asyncio.gather(*asked, return_exceptions=True)
        refused = [one for one in done if isinstance(one, BaseException)]
        assert len(refused) == 2 and all(isinstance(one, Conflict) for one in refused)
        assert len(await desk.history()) == 1
