"""Opening, closing, opening again; outages and their end."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from pathlib import Path

import apsw
import asyncpg
import pytest

from colloquy.model.errors import NotFound, StoreLocked, StoreUnavailable, UnsupportedVersion
from colloquy.storage import schema, sqlite
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit, Verdict
from support.storage import Place, accepted, change, commit, events, message, reply, started, state
from support.waiting import until


async def test_a_reopened_store_has_everything(place: Place) -> None:
    store = place.store()
    await store.open()
    row = await started(store)
    (done, left) = await accepted(store, message(), message())
    unit = Unit(
        session=row.number, at=1, done=(done,), version=0, state=state(1),
        events=events("a", "b"), outbox=[reply(1)], changes=[change("k")],
    )  # fmt: skip
    await commit(store, unit)
    epoch = (await store.hold_leases("worker", 5.0))[0]
    await store.drop_leases("worker")
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.accept([message()])
    with pytest.raises(StoreUnavailable):
        await store.changes()

    store = place.store()
    await store.open()
    assert (await store.hold_leases("worker", 5.0))[0] > epoch
    assert [header.id for header in await store.inbox_headers(0, 9)] == [left]
    assert (await store.session(row.id)).last_seq == 2
    assert len(await store.outbox()) == 1
    assert [item.position for item in await store.changes()] == [1]
    await commit(store, Unit(session=row.number, at=1, events=events("c"), changes=[change("k")]))
    assert [item.previous for item in await store.changes()] == [None, 1]
    assert [item[1] for item in await store.query("events_feed", 0, 9)] == [1, 2, 3]
    await store.close()


async def test_numbers_are_never_given_twice(place: Place) -> None:
    inbox: list[int] = []
    sessions: list[int] = []
    for _ in range(3):
        store = place.store()
        await store.open()
        inbox += await store.new_inbox_numbers(3)
        inbox += await accepted(store, message())
        # Refused: rolled back, and with it the numbers it had taken.
        bad = message()._replace(payload=None)  # type: ignore[arg-type]
        assert [item.status for item in await store.accept([bad])] == ["refused"]
        inbox += await accepted(store, message(), message())
        sessions.append((await started(store)).number)
        await store.close()
    assert inbox == sorted(set(inbox))
    assert sessions == sorted(set(sessions))


async def test_what_was_handed_in_is_finished_by_close(place: Place) -> None:
    store = place.store()
    await store.open()
    rows = [message() for _ in range(20)]
    waiting = [asyncio.ensure_future(store.accept([row])) for row in rows]
    await asyncio.sleep(0)
    await store.close()
    assert {found[0].status for found in await asyncio.gather(*waiting)} == {"stored"}
    store = place.store()
    await store.open()
    assert len(await store.inbox_headers(0, 100)) == 20
    await store.close()


async def test_a_cancelled_caller_leaves_no_half_and_no_wreck(store: Store) -> None:
    row = message()
    task = asyncio.ensure_future(store.accept([row]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (found,) = await store.accept([row])
    assert found.status in ("stored", "duplicate")
    assert len(await store.inbox_headers(0, 9)) == 1


async def test_figures_for_the_metrics(store: Store) -> None:
    await store.accept([message()])
    stats = store.stats()
    assert stats["commits"] == 1
    assert stats["commit_seconds"] > 0
    assert {"wal_bytes", "write_queue"} <= stats.keys()


# -- the schema -------------------------------------------------------------------------------

LATER = f'''"""A later revision."""

from alembic import op

revision = "9001"
down_revision = "{schema.HEAD}"


def upgrade():
    op.execute("ALTER TABLE sessions ADD COLUMN mood TEXT")
'''


async def test_an_older_database_is_brought_up_with_its_data(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.store()
    await store.open()
    row = await started(store)
    await store.close()

    scripts = tmp_path / "migrations"
    source = Path(schema.__file__).parent.parent / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for script in (source / "env.py", *source.glob("versions/*.py")):
        (scripts / script.relative_to(source)).write_text(script.read_text())
    (scripts / "versions" / "9001_mood.py").write_text(LATER)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "SCRIPTS", str(scripts))
        before = schema.HEAD
        patch.setattr(schema, "HEAD", "9001")
        rendered = schema.render("postgresql", before)
        assert "ADD COLUMN mood" in rendered
        assert "CREATE TABLE" not in rendered
        openers = [place.store()] + ([place.store()] if place.engine == "postgres" else [])
        await asyncio.gather(*(opener.open() for opener in openers))
        assert (await openers[0].session(row.id)).number == row.number
        for opener in openers:
            await opener.close()

    # This program is the older one now: it says so and touches nothing.
    with pytest.raises(UnsupportedVersion, match="9001"):
        await place.store().open()


async def test_several_processes_may_start_at_once(postgres_url: str) -> None:
    stores = [Place("postgres", postgres_url).store() for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    rows = await asyncio.gather(*(store.accept([message()]) for store in stores))
    assert sorted(item.inbox_id for (item,) in rows) == [1, 2, 3, 4]
    for store in stores:
        await store.close()


# -- one SQLite file --------------------------------------------------------------------------


async def test_one_file_has_one_owner(tmp_path: Path) -> None:
    store, second = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "a.db")
    await store.open()
    store.lock.write({"url": "http://127.0.0.1:1", "token": "secret"})
    with pytest.raises(StoreLocked) as caught:
        await second.open()
    assert caught.value.extra["url"] == "http://127.0.0.1:1"
    assert "secret" not in str(caught.value.problem())
    assert second.lock.is_held()
    await store.accept([message()])
    await store.close()
    assert not second.lock.is_held()
    assert second.lock.read() == {}
    await second.open()
    await second.close()


async def test_reading_beside_the_writer(tmp_path: Path) -> None:
    store, reader = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "a.db", read_only=True)
    with pytest.raises(NotFound):
        await reader.open()
    assert not (tmp_path / "a.db").exists()
    await store.open()
    await reader.open()
    row = await started(store)
    assert (await reader.session(row.id)).number == row.number
    with pytest.raises(StoreUnavailable):
        await reader.accept([message()])
    await reader.close()
    assert [item.status for item in await store.accept([message()])] == ["stored"]
    await store.close()


async def test_a_locked_file_is_an_outage_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "OPEN_WAIT_S", 0.05)
    store = SqliteStore(tmp_path / "a.db", lock_wait_s=0.05)
    await store.open()
    row = await started(store)
    (done,) = await accepted(store, message())
    foreign = apsw.Connection(str(store.path))
    foreign.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable):
        await store.accept([message()])
    unit = Unit(session=row.number, at=1, done=(done,), events=events("a"))
    with pytest.raises(StoreUnavailable):
        await commit(store, unit)
    assert len(await store.inbox_headers(0, 9)) == 1  # reading goes on
    other = SqliteStore(tmp_path / "b.db", lock_wait_s=0.05)
    foreign.execute("ROLLBACK")
    assert (await commit(store, unit))[0].verdict is Verdict.COMMITTED
    assert [item.status for item in await store.accept([message()])] == ["stored"]
    foreign.close()
    await store.close()

    blocker = apsw.Connection(str(other.path))
    blocker.execute("CREATE TABLE t (x); BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable):
        await other.open()
    blocker.execute("ROLLBACK; DROP TABLE t")
    blocker.close()
    await other.open()
    await other.close()


async def test_a_broken_statement_harms_only_its_caller(store: Store) -> None:
    broken, fine = await asyncio.gather(
        store.change("no_such_statement", [(1,)]),
        store.accept([message()]),
        return_exceptions=True,
    )
    assert isinstance(broken, KeyError)
    assert fine[0].status == "stored"  # type: ignore[index]


async def test_the_log_is_moved_back_while_writing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    body = b"x" * 2000
    before, now = -1.0, 0.0
    rounds = 0
    while now > before and rounds < 500:  # it grows until the checkpointer lets it begin anew
        await store.accept([message(body) for _ in range(100)])
        before, now = now, store.stats()["wal_bytes"]
        rounds += 1
    assert rounds < 500
    await store.close()
    assert not (tmp_path / "a.db-wal").exists()


# -- a server that goes away ------------------------------------------------------------------


async def test_lost_connections_are_replaced(postgres_url: str) -> None:
    store = Place("postgres", postgres_url).store()
    heard: list[tuple[str, str]] = []
    store.listen(lambda topic, text: heard.append((topic, text)))
    await store.open()
    row = await started(store)
    killer = await asyncpg.connect(postgres_url)
    for turn in range(3):
        killed = await killer.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert killed
        assert [item.status for item in await store.accept([message()])] == ["stored"]
        unit = Unit(session=row.number, at=1, events=events("a"))
        assert (await commit(store, unit))[0].first_seq == turn + 1
        assert len(await store.events(row.number, 0, 9)) == turn + 1
    await killer.close()
    # The signals come back too, and say that some may be missing.
    teller = Place("postgres", postgres_url).store()
    await teller.open()

    async def is_heard() -> bool:
        await teller.signal("t", "x")
        return ("t", "x") in heard

    await until(is_heard)
    assert ("missed", "") in heard
    await teller.close()
    await store.close()


async def test_a_killed_transaction_leaves_nothing(postgres_url: str) -> None:
    """Backends are killed at random moments; what was answered is there, once."""
    store = Place("postgres", postgres_url).store()
    await store.open()
    row = await started(store)
    killer = await asyncpg.connect(postgres_url)
    stop = asyncio.Event()
    answered = asyncio.Event()
    chance = random.Random(7)

    async def kill() -> None:
        while not stop.is_set():
            answered.clear()
            await killer.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(chance.uniform(0.01, 0.08))
            await answered.wait()  # a slow machine, too, comes to its end

    killing = asyncio.create_task(kill())
    outages = 0
    for index in range(100):
        item = message(b"%d" % index)
        while True:
            try:
                ((_, number),) = await store.accept([item])
                answered.set()
                break
            except StoreUnavailable:
                outages += 1
        unit = Unit(session=row.number, at=1, done=(number,), events=events("m", inbox_id=number))
        while True:
            try:
                (outcome,) = await commit(store, unit)
                answered.set()
                break
            except StoreUnavailable:
                outages += 1
        assert outcome.verdict in (Verdict.COMMITTED, Verdict.DONE_ALREADY)
    stop.set()
    await killing
    await killer.close()
    found = await store.query("events_feed", 0, 1000)
    assert [item[2] for item in found] == list(range(1, 101))
    assert await store.inbox_headers(0, 10) == []
    await store.close()


async def test_no_server_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable):
        await Place("postgres", "postgresql://postgres@127.0.0.1:1/none").store().open()


async def test_a_start_waits_for_a_locked_file(tmp_path: Path) -> None:
    """A commit gives up after `lock_wait_s` and the spool takes over; a start has no spool yet."""
    store = SqliteStore(tmp_path / "a.db", lock_wait_s=0.01)
    await store.open()
    await store.close()
    locked = threading.Event()

    def hold() -> None:
        foreign = apsw.Connection(str(store.path))
        foreign.execute("BEGIN EXCLUSIVE")
        locked.set()
        time.sleep(0.1)
        foreign.execute("ROLLBACK")
        foreign.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait()
    again = SqliteStore(tmp_path / "a.db", lock_wait_s=0.01)
    await again.open()
    assert [item.status for item in await again.accept([message()])] == ["stored"]
    await again.close()
    holder.join()
