"""`colloquy db`: the database behind the engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from ..model.errors import NotFound
from .options import Json, Where, command, settings_of
from .output import print_json

if TYPE_CHECKING:
    from ..settings import Settings

app = typer.Typer(no_args_is_help=True, help="The database: its state, its schema.")


@command(app, "status")
def status(where: Where, json: Json = False) -> None:
    """Shows where the database is, its schema and what is in it. Changes nothing."""
    found = asyncio.run(_status(settings_of(where).settings))
    if json:
        print_json(found)
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):22} {value}")


@command(app, "upgrade")
def upgrade(where: Where, json: Json = False) -> None:
    """Makes the database, or brings its schema up to date. `serve` does the same at its start."""
    settings = settings_of(where).settings

    async def work() -> None:
        from ..storage import schema

        store = _store(settings)
        await store.open()
        await store.close()
        if json:
            print_json({"schema": schema.HEAD})
        else:
            print(f"The schema is {schema.HEAD}.")

    asyncio.run(work())


def _store(settings: Settings) -> Any:
    file = settings.sqlite_file
    if file is not None:
        from ..storage.sqlite import SqliteStore

        return SqliteStore(file)
    from ..storage.postgres import PostgresStore

    return PostgresStore(settings.database_url)


async def _status(settings: Settings) -> dict[str, Any]:
    from ..settings import shown
    from ..storage import schema

    file = settings.sqlite_file
    found: dict[str, Any] = {"database": shown("database_url", settings.database_url)}
    if file is None:
        return found | await _postgres_status(settings)
    import apsw

    from ..runtime.checks import schema_version
    from ..storage.file_lock import FileLock

    if not file.exists():
        raise NotFound(f"there is no database at {file}; name one with --database-url")
    connection = apsw.Connection(str(file.absolute()), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        version = schema_version(connection)
        if version is None:
            raise NotFound(f"{file} is no database of Colloquy")
        wal = file.with_name(file.name + "-wal")
        lock = FileLock(file.absolute())
        held = lock.is_held()
        found |= {
            "bytes": file.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "held_by_process": lock.read().get("pid") if held else None,
            "schema": version,
            "schema_wanted": schema.HEAD,
        }
        for name, sql in COUNTS.items():
            found[name] = connection.execute(sql).fetchall()[0][0]
    finally:
        connection.close()
    return found


async def _postgres_status(settings: Settings) -> dict[str, Any]:
    import asyncpg

    from ..model.errors import StoreUnavailable
    from ..storage import schema

    try:
        connection = await asyncpg.connect(settings.database_url, timeout=5.0)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"the database cannot be reached: {error}") from None
    try:
        if not await connection.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
            raise NotFound("the schema was not made yet: colloquy db upgrade")
        found: dict[str, Any] = {
            "bytes": await connection.fetchval("SELECT pg_database_size(current_database())"),
            "schema": await connection.fetchval("SELECT version_num FROM schema_version"),
            "schema_wanted": schema.HEAD,
        }
        for name, sql in COUNTS.items():
            found[name] = await connection.fetchval(sql)
    finally:
        await connection.close(timeout=5.0)
    return found


COUNTS = {
    "conversations": "SELECT count(*) FROM sessions",
    "last_position": "SELECT coalesce(max(position), 0) FROM events",
    "waiting_messages": "SELECT count(*) FROM inbox",
    "unsent_replies": "SELECT count(*) FROM outbox",
    "dead_letters": "SELECT count(*) FROM dead_letters WHERE status = 'dead'",
}
"""What is counted; both engines understand it."""
