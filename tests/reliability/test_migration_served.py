"""A served migration: the process that works is killed, and the one after it takes up the job; what
waits in the outbox is written to the other side by the server alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from colloquy.client import AsyncClient
from colloquy.evolution.migration import Tables, read_plan
from colloquy.evolution.migration.sides import Side
from colloquy.model.migrations import MigrationJob, MigrationJobRequest
from colloquy.proof.server import Server
from support.migration import make_old_table, old_row, sqlite_url, v1, write_plan

MESSAGES = 3000


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Tables]:
    """In two databases, which a plan names."""
    url = sqlite_url(tmp_path)
    await make_old_table(url, [old_row(number) for number in range(1, MESSAGES + 1)])
    plan = write_plan(tmp_path, url, v2_url=sqlite_url(tmp_path, "new.db"))
    async with Tables(read_plan(plan)) as opened:
        yield opened


@pytest.fixture
async def server(tmp_path: Path, tables: Tables) -> AsyncIterator[Server]:
    folder = tmp_path / "engine"
    folder.mkdir()
    settings = {
        "COLLOQUY_VERSIONS_MIGRATION": str(tmp_path / "migration.toml"),
        "COLLOQUY_WORKERS": "0",
    }
    made = Server(folder, settings=settings)
    await made.prepare()
    await made.start()
    yield made
    await made.stop()


def client_of(server: Server) -> AsyncClient:
    return AsyncClient(f"http://127.0.0.1:{server.port}", server.token)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await condition():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)


async def newest(client: AsyncClient) -> MigrationJob:
    return (await client.migration_jobs()).jobs[0]


async def test_a_killed_server_goes_on_with_its_job(tables: Tables, server: Server) -> None:
    async with client_of(server) as client:
        await client.start_migration()
        # At this pace it lasts longer than any test: nothing but a kill comes in between.
        job = await client.begin_migration_job(MigrationJobRequest(kind="backfill", rate=100))

        async def has_moved() -> bool:
            return await tables.current.count() > 0

        await eventually(has_moved)
        assert (await newest(client)).is_open
    server.kill_group()
    assert server.process is not None
    await server.process.wait()
    moved = await tables.current.count()
    assert 0 < moved < MESSAGES
    before = await tables.journal.read("backfill_v1")
    await server.start()
    async with client_of(server) as client:

        async def is_resumed() -> bool:
            return (await newest(client)).resumed == 1 and await tables.current.count() > moved

        await eventually(is_resumed)
        resumed = await newest(client)
        assert (resumed.number, resumed.state, resumed.kind) == (job.number, "running", "backfill")
        # Behind its last batch: no message was passed twice.
        after = await tables.journal.read("backfill_v1")
        assert after.started_at == before.started_at
        assert after.cursor == after.done > before.done
        await client.stop_migration_job(job.number)

        async def is_over() -> bool:
            return not (await newest(client)).is_open

        await eventually(is_over)
        assert (await newest(client)).state == "stopped"
        await client.begin_migration_job(MigrationJobRequest(kind="backfill"))
        await eventually(is_over)
        done = await newest(client)
        assert (done.state, done.done) == ("done", MESSAGES)
        assert await tables.current.count() == MESSAGES


async def test_what_waits_in_the_outbox_is_written_by_the_server(
    tables: Tables, server: Server
) -> None:
    """The program that wrote it died before it could write the other side."""
    async with client_of(server) as client:
        await client.start_migration()
    key = MESSAGES + 1
    kept = tables.legacy.as_kept(v1(key))

    def steps():  # type: ignore[no-untyped-def]
        yield tables.legacy.write([tables.legacy.row(kept)])
        yield tables.from_v1.put([key])

    await tables.old.transact(steps)

    async def is_there() -> bool:
        return key in await Side(tables, 2).read([key]) and await tables.waiting() == 0

    await eventually(is_there)
    assert (await Side(tables, 2).read([key]))[key] == kept
