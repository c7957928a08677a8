"""What can only go wrong with several processes on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from colloquy.model.errors import SettingsError, StoreUnavailable
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.write_set import Unit, Verdict
from support.storage import (
    accepted,
    change,
    commit,
    events,
    message,
    reply,
    started,
    state,
    until_blocked,
)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url, lock_wait_s=60.0, timeout_s=60.0)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def rival(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's connection."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_a_take_over_that_came_first_stops_the_release(
    store: PostgresStore, rival: asyncpg.Connection
) -> None:
    """The release waits for the take-over under way and then sees its epoch, although its own
    snapshot is older."""
    row = await started(store)
    unit = Unit(session=row.number, at=1, events=events("a"), outbox=[reply()])
    await commit(store, unit)
    for statement in (("outbox_release", (row.number, 1)), ("outbox_claim", (row.number, 1, 9))):
        transaction = rival.transaction()
        await transaction.start()
        await rival.execute(
            "UPDATE sessions SET owner_epoch = owner_epoch + 1 WHERE number = $1", row.number
        )
        releasing = asyncio.create_task(store.change(statement[0], [statement[1]]))
        await until_blocked(rival)
        await transaction.commit()
        assert await releasing == []
    assert len(await store.outbox()) == 1


async def test_deadlocks_are_run_again(postgres_url: str, rival: asyncpg.Connection) -> None:
    store = PostgresStore(postgres_url, lock_wait_s=60.0, timeout_s=60.0)
    await store.open()
    one, two = await started(store), await started(store)
    await rival.execute("SET deadlock_timeout = '60s'")
    transaction = rival.transaction()
    await transaction.start()
    await rival.execute("SELECT * FROM sessions WHERE number = $1 FOR UPDATE", two.number)
    committing = asyncio.create_task(
        commit(store, *(Unit(session=row.number, at=1, events=events("a")) for row in (one, two)))
    )
    await until_blocked(rival)
    # Closes the circle; the commit gives way, and comes again when we are done.
    await rival.execute("SELECT * FROM sessions WHERE number = $1 FOR UPDATE", one.number)
    await transaction.commit()
    assert {outcome.verdict for outcome in await committing} == {Verdict.COMMITTED}
    assert store.stats()["retries"] > 0
    assert len(await store.events(one.number, 0, 9)) == 1
    await store.close()


async def test_a_lock_that_stays_is_an_outage(postgres_url: str, rival: asyncpg.Connection) -> None:
    store = PostgresStore(postgres_url, lock_wait_s=0.2)
    await store.open()
    row = await started(store)
    transaction = rival.transaction()
    await transaction.start()
    await rival.execute("SELECT * FROM sessions WHERE number = $1 FOR UPDATE", row.number)
    unit = Unit(session=row.number, at=1, events=events("a"))
    with pytest.raises(StoreUnavailable):
        await commit(store, unit)
    await transaction.rollback()
    assert (await commit(store, unit))[0].verdict is Verdict.COMMITTED
    await store.close()


async def test_a_process_stopped_in_a_transaction_holds_nobody_up(postgres_url: str) -> None:
    """A worker that is paused with the ledger's counter in its hands loses it."""
    stopped = PostgresStore(postgres_url, idle_transaction_s=0.2)
    store = PostgresStore(postgres_url, lock_wait_s=60.0, timeout_s=60.0)
    await stopped.open()
    await store.open()
    row = await started(store)
    connection = await stopped._writers.acquire()
    await connection.execute("BEGIN")
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'ledger'")
    unit = Unit(session=row.number, at=1, events=events("a"), changes=[change("k")])
    assert (await commit(store, unit))[0].verdict is Verdict.COMMITTED
    assert [item.position for item in await store.changes()] == [1]
    stopped._writers.release(connection)
    assert [item.status for item in await stopped.accept([message()])] == ["stored"]
    await store.close()
    await stopped.close()


async def test_more_callers_than_connections(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, writers=1, readers=1)
    await store.open()
    rows = [message() for _ in range(30)]
    found = await asyncio.gather(*(store.accept([row]) for row in rows))
    assert {item.status for (item,) in found} == {"stored"}
    pages = await asyncio.gather(*(store.inbox_headers(0, 100) for _ in range(10)))
    assert {len(page) for page in pages} == {30}
    await store.close()


async def test_durable_and_read_committed(store: PostgresStore) -> None:
    connection = await store._writers.acquire()
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    assert await connection.fetchval("SHOW transaction_isolation") == "read committed"
    store._writers.release(connection)


async def test_a_take_over_withdraws_what_a_turn_wrote_meanwhile(store: PostgresStore) -> None:
    """A reply and a take-over of one version: one of them wins, never both."""
    for _ in range(10):
        row = await started(store)
        (done,) = await accepted(store, message())
        turn = Unit(
            session=row.number, at=1, version=0, state=state(1), done=(done,),
            events=events("m", "r"), outbox=[reply(1)],
        )  # fmt: skip
        take = Unit(session=row.number, at=1, version=0, state=state(1, epoch=1, owner="human"))
        outcomes = await asyncio.gather(commit(store, turn), commit(store, take))
        assert sorted(outcome.verdict.value for (outcome,) in outcomes) == [
            "committed",
            "conflict",
        ]


async def test_a_wrong_url_is_a_wrong_setting(postgres_url: str) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        await PostgresStore(f"{postgres_url}_not_there").open()


async def test_a_url_with_a_driver_is_understood(postgres_url: str) -> None:
    store = PostgresStore(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    await store.open()
    assert await store.meta("partitions") == "64"
    await store.close()
