"""An empty database for a benchmark that runs in this process."""

from __future__ import annotations

from pathlib import Path

from ..storage.sqlite import SqliteStore
from ..storage.store import Store


def empty_store(folder: Path, database_url: str | None) -> Store:
    """A SQLite file in `folder`, or the PostgreSQL database at the URL."""
    if database_url is None:
        return SqliteStore(folder / "bench.db")
    from ..storage.postgres import PostgresStore

    return PostgresStore(database_url)
