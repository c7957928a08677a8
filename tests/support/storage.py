"""Rows for tests of the store: short to write, distinct by default."""

from __future__ import annotations

import asyncio
import os
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from colloquy.model.ids import body_hash, partition_of
from colloquy.storage.memory import MemoryStore
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from colloquy.storage.write_set import (
    AcceptRow,
    Change,
    EventRow,
    InboxRow,
    OutboxRow,
    Outcome,
    SessionRow,
    StateRow,
    Unit,
    WriteSet,
)

_times = count(1_700_000_000_000_000)


class Place(NamedTuple):
    """A database that stores can be opened on, again and several at once."""

    engine: str
    where: str

    def store(self, **options: Any) -> Store:
        if self.engine == "memory":
            return MemoryStore(**options)
        if self.engine == "sqlite":
            return SqliteStore(Path(self.where), **options)
        return PostgresStore(self.where, **options)


def message(
    payload: bytes = b'{"text":"hello"}',
    *,
    key: bytes | None = None,
    conversation: bytes | None = None,
    stream: str | None = None,
    sequence: int | None = None,
) -> AcceptRow:
    """A new message; `key` is its message id."""
    where = conversation or os.urandom(16)
    at = next(_times)
    return AcceptRow(
        key or os.urandom(16), body_hash(payload), where, partition_of(where), "ready", at, at,
        stream, sequence, payload,
    )  # fmt: skip


def timer(number: int, conversation: bytes | None = None) -> InboxRow:
    """An inbox row that a commit writes itself."""
    where = conversation or os.urandom(16)
    at = next(_times)
    return InboxRow(
        number, os.urandom(16), where, partition_of(where), 1, "ready", at, at, None, None, 0, 0,
        b"{}",
    )  # fmt: skip


def session(number: int, *, conversation: bytes | None = None, key: str = "peer") -> SessionRow:
    at = next(_times)
    return SessionRow(
        number, conversation or os.urandom(16), "web", "shop", key, "", "open", "assistant", None,
        0, 0, 0, b"{}", b"{}", at, at,
    )  # fmt: skip


def events(*kinds: str, inbox_id: int | None = None) -> list[EventRow]:
    return [EventRow(kind, next(_times), b"t" * 16, inbox_id, b'{"k":1}') for kind in kinds]


def reply(event: int = 0, *, automatic: bool = True, epoch: int = 0) -> OutboxRow:
    return OutboxRow(event, os.urandom(16), "web", "shop", automatic, epoch, 0, next(_times))


def change(key: str, after: bytes | None = b"1", collection: str = "sessions") -> Change:
    return Change(next(_times), "test", None, "set", collection, key, after)


def state(version: int, *, epoch: int = 0, owner: str = "assistant") -> StateRow:
    """The state that follows version - 1."""
    return StateRow("open", owner, None, epoch, version, b'{"v":%d}' % version)


def dead_letter(number: int, row: AcceptRow, status: str = "dead") -> tuple[Any, ...]:
    """A row for statement `dead_letter_insert`."""
    return (
        number, row.message_id, row.conversation, 0, row.received_at, row.received_at + 1,
        row.stream, row.sequence, 0, "Boom", "it broke", status, row.payload, b"[]",
    )  # fmt: skip


async def commit(store: Store, *units: Unit, leases: dict[int, int] | None = None) -> list[Outcome]:
    return await store.commit(WriteSet(units=list(units), leases=leases or {}))


async def started(store: Store, **options: Any) -> SessionRow:
    """A session that exists."""
    (number,) = await store.new_session_numbers(1)
    row = session(number, **options)
    (outcome,) = await commit(store, Unit(session=number, at=1, create=row))
    assert outcome.verdict.value == "committed"
    return row


async def accepted(store: Store, *rows: AcceptRow) -> list[int]:
    """Accepts them and returns their inbox numbers."""
    return [found.inbox_id for found in await store.accept(list(rows))]


async def until_blocked(rival: asyncpg.Connection) -> None:
    """Waits until some statement waits for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    async with asyncio.timeout(60.0):
        while True:
            if await rival.fetchval(waiting):
                return
            await asyncio.sleep(0.002)
