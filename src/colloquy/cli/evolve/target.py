"""The tables of a plan and the record of its stage, opened for the length of a command."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...model.errors import InvalidInput, StoreLocked
from ..options import Reach, settings_of
from ..output import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...client import AsyncClient
    from ...evolution.migration import Plan, Stages, Standing, State, Tables
    from ...storage.store import Store

PlanOption = Annotated[
    Path,
    typer.Option("--plan", metavar="FILE", help="What is moved, and the gates. In TOML."),
]
PLAN = Path("migration.toml")


def plan_of(path: Path) -> Plan:
    """Raises InvalidInput."""
    from ...evolution.migration import read_plan

    return read_plan(path)


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Tables]:
    """The tables of the plan. Raises NotFound, InvalidInput, StoreUnavailable."""
    from ...evolution.migration import Tables
    from ...telemetry import configure

    configure("warning")
    async with Tables(plan_of(path)) as tables:
        yield tables


@contextlib.asynccontextmanager
async def serving(reach: Reach) -> AsyncIterator[AsyncClient | None]:
    """The server that was named, whose own plan holds; None where none was."""
    from ...client import AsyncClient

    named = reach.server()
    if named is None:
        yield None
        return
    async with AsyncClient(*named) as client:
        yield client


@contextlib.asynccontextmanager
async def staged(reach: Reach, plan: Plan, *, writes: bool) -> AsyncIterator[Stages]:
    """The stage's record in the engine's database.

    On SQLite one process writes: Raises StoreLocked for a step while a server holds the file. It
    can be taken through that server.
    """
    from ...evolution.migration import Stages

    store = _store(reach, writes=writes)
    try:
        await store.open()
    except StoreLocked:
        raise StoreLocked(
            "a server holds this database file: take the step through it with --url and --key (its "
            "setting versions.migration names the plan), or stop it"
        ) from None
    try:
        yield Stages.on(store, plan.name, plan.gates)
    finally:
        await store.close()


async def state_of(reach: Reach, plan: Plan) -> State:
    async with staged(reach, plan, writes=False) as stages:
        return await stages.state()


def _store(reach: Reach, *, writes: bool) -> Store:
    if reach.server() is not None:
        raise InvalidInput(
            "this works on the databases themselves: --database-url instead", field="url"
        )
    settings = settings_of(reach).settings
    file = settings.sqlite_file
    if file is not None:
        from ...storage.sqlite import SqliteStore

        return SqliteStore(file, read_only=not writes)
    from ...storage.postgres import PostgresStore

    return PostgresStore(settings.database_url, signals=settings.signals)


@contextlib.contextmanager
def shown(label: str, total: int) -> Iterator[Callable[[Standing], None]]:
    """A bar that follows what is said of long work."""
    with progress(label, total) as advance:
        reached = 0

        def told(standing: Standing) -> None:
            nonlocal reached
            advance(standing.done - reached)
            reached = standing.done

        yield told
