"""Our own stores under the suite that others run against theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.storage.memory import MemoryStore
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from colloquy.testing.ledger import LedgerConformance


class TestMemory(LedgerConformance):
    is_durable = False

    async def make_store(self, folder: Path) -> Store:
        return MemoryStore()


class TestSqlite(LedgerConformance):
    async def make_store(self, folder: Path) -> Store:
        return SqliteStore(folder / "colloquy.db")


@pytest.mark.postgres
class TestPostgres(LedgerConformance):
    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str) -> None:
        self.url = postgres_url

    async def make_store(self, folder: Path) -> Store:
        return PostgresStore(self.url)
