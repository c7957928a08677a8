"""Leases: a fair share each, an epoch for each change of hand, late commits refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from colloquy.model.errors import StaleLease
from colloquy.model.ids import PARTITIONS
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit, Verdict
from support.storage import Place, accepted, commit, events, message, started, until_blocked

LEASE_S = 60.0
EVERYTHING = set(range(PARTITIONS))


@pytest.fixture
async def workers(postgres_url: str) -> AsyncIterator[list[PostgresStore]]:
    """Three stores on one database, as three processes have them."""
    stores = [PostgresStore(postgres_url, lock_wait_s=60.0, timeout_s=60.0) for _ in range(3)]
    for store in stores:
        await store.open()
    yield stores
    for store in stores:
        await store.close()


async def time_passes(url: str, worker: str) -> None:
    """As if this worker had not been seen for longer than its leases last."""
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE workers SET expires_at = 1 WHERE name LIKE $1 || '#%'", worker)
    await connection.close()


async def test_a_lone_worker_holds_everything(store: Store) -> None:
    held = await store.hold_leases("a", LEASE_S)
    assert set(held) == EVERYTHING
    assert await store.hold_leases("a", LEASE_S) == held
    assert store.draining("a") == frozenset()


async def test_a_new_process_makes_new_epochs(place: Place) -> None:
    epochs = []
    for _ in range(3):
        store = place.store()
        await store.open()
        held = await store.hold_leases("same name", LEASE_S)
        assert len(set(held.values())) == 1
        epochs.append(held[0])
        await store.drop_leases("same name")
        await store.close()
    assert epochs == sorted(set(epochs))


async def test_partitions_are_shared_out_fairly(workers: list[PostgresStore]) -> None:
    a, b, c = workers
    assert len(await a.hold_leases("a", LEASE_S)) == 64
    assert await b.hold_leases("b", LEASE_S) == {}
    # `a` learns that it has to give 32 up, and does so a round later.
    first = await a.hold_leases("a", LEASE_S)
    assert (len(first), len(a.draining("a"))) == (64, 32)
    second = await a.hold_leases("a", LEASE_S)
    assert set(first) - set(second) == set(range(32, 64))
    late = Unit(session=0, at=1)
    with pytest.raises(StaleLease):  # given up is over, also while nobody has taken it
        await commit(a, late, leases={40: first[40]})
    await commit(a, late, leases=second)
    assert a.draining("a") == frozenset()
    gained = await b.hold_leases("b", LEASE_S)
    assert set(gained) == set(range(32, 64))
    assert all(gained[key] > first[key] for key in gained)

    for _ in range(4):
        shares = [
            await store.hold_leases(name, LEASE_S) for store, name in ((a, "a"), (b, "b"), (c, "c"))
        ]
    assert sorted(len(share) for share in shares) == [20, 22, 22]
    assert set().union(*shares) == EVERYTHING

    await b.drop_leases("b")
    for _ in range(3):
        shares = [await a.hold_leases("a", LEASE_S), await c.hold_leases("c", LEASE_S)]
    assert [len(share) for share in shares] == [32, 32]


async def test_workers_that_start_together_agree(workers: list[PostgresStore]) -> None:
    for _ in range(5):
        shares = await asyncio.gather(
            *(store.hold_leases(f"w{index}", LEASE_S) for index, store in enumerate(workers))
        )
    assert sorted(len(share) for share in shares) == [20, 22, 22]
    assert sum(len(share) for share in shares) == 64


async def test_a_paused_worker_changes_nothing(
    workers: list[PostgresStore], postgres_url: str
) -> None:
    a, b, _ = workers
    row = await started(a)
    (done,) = await accepted(a, message())
    old = await a.hold_leases("a", LEASE_S)
    await time_passes(postgres_url, "a")
    new = await b.hold_leases("b", LEASE_S)
    assert set(new) == EVERYTHING
    assert all(new[key] == old[key] + 1 for key in EVERYTHING)
    late = Unit(session=row.number, at=1, done=(done,), events=events("late"))
    with pytest.raises(StaleLease):
        await commit(a, late, leases={5: old[5]})
    assert await a.events(row.number, 0, 9) == []
    assert len(await a.inbox_headers(0, 9)) == 1
    assert (await commit(b, late, leases={5: new[5]}))[0].verdict is Verdict.COMMITTED
    # Awake again it is one worker among two, and owns none of what it had.
    assert await a.hold_leases("a", LEASE_S) == {}


async def test_a_worker_that_nobody_replaced_goes_on(
    workers: list[PostgresStore], postgres_url: str
) -> None:
    a, *_ = workers
    old = await a.hold_leases("a", LEASE_S)
    await time_passes(postgres_url, "a")
    row = await started(a)
    unit = Unit(session=row.number, at=1, events=events("x"))
    assert (await commit(a, unit, leases=old))[0].verdict is Verdict.COMMITTED
    assert await a.hold_leases("a", LEASE_S) == old


async def test_the_same_name_in_two_processes_is_two_workers(
    workers: list[PostgresStore],
) -> None:
    a, b, _ = workers
    await a.hold_leases("worker", LEASE_S)
    assert await b.hold_leases("worker", LEASE_S) == {}


async def test_a_take_over_waits_for_the_commit_under_way(
    workers: list[PostgresStore], postgres_url: str
) -> None:
    """A lease that a running commit has checked is not taken before that commit has ended."""
    a, b, _ = workers
    held = await a.hold_leases("a", LEASE_S)
    row = await started(a)
    connection = await asyncpg.connect(postgres_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT * FROM sessions FOR UPDATE")
    unit = Unit(session=row.number, at=1, events=events("in time"))
    committing = asyncio.create_task(commit(a, unit, leases={9: held[9]}))
    await until_blocked(connection)
    await time_passes(postgres_url, "a")
    assert set(await b.hold_leases("b", LEASE_S)) == EVERYTHING - {9}
    await transaction.commit()
    await connection.close()
    assert (await committing)[0].verdict is Verdict.COMMITTED
    assert (await b.hold_leases("b", LEASE_S))[9] == held[9] + 1


async def test_leases_are_taken_while_commits_never_cease(workers: list[PostgresStore]) -> None:
    """Renewing needs no lock on the lease rows, so commits cannot keep a worker from it."""
    a, *_ = workers
    held = await a.hold_leases("a", LEASE_S)
    rows = [await started(a) for _ in range(3)]
    stop = False

    async def busy(number: int) -> int:
        turns = 0
        while not stop:
            unit = Unit(session=number, at=1, events=events("x"))
            await commit(a, unit, leases=held)
            turns += 1
        return turns

    tasks = [asyncio.create_task(busy(row.number)) for row in rows]
    for _ in range(10):
        assert await a.hold_leases("a", LEASE_S) == held
    stop = True
    assert min(await asyncio.gather(*tasks)) > 0
