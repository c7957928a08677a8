"""Retention: what may still be asked for is the same after compaction, the rest is gone."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest

from colloquy.ledger import compaction
from colloquy.ledger.audit import Entry
from colloquy.ledger.compaction import Compactor
from colloquy.ledger.ledger import DAY_US, Ledger
from colloquy.ledger.merge import MISSING, ConflictPolicy
from colloquy.ledger.pinned import read_pinned
from colloquy.ledger.points import KEEP, NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.retention import Retention
from colloquy.ledger.scope import Scope
from colloquy.model.errors import NotFound, NotRestorable
from colloquy.model.times import now_us, to_datetime
from colloquy.settings import LedgerSettings
from colloquy.storage.store import ChangeRow, Store
from support.ledger import changed_at_random, filled, ledger_on, no_pause, rolled_back


def retention_of(ledger: Ledger, **settings: Any) -> Retention:
    return Retention(ledger, LedgerSettings(**settings), sleep=no_pause)


class Clock:
    """The real time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_us() + self.ahead


def clocked(store: Store) -> tuple[Ledger, Clock]:
    clock = Clock()
    ledger = ledger_on(store)
    return Ledger(store, ledger.collections, clock=clock, sleep=no_pause), clock


async def rows_of(store: Store) -> list[ChangeRow]:
    return await store.changes(0, 100_000)


def expected(rows: list[ChangeRow], upto: int, points: list[int]) -> set[int]:
    """The positions that compaction keeps, said in another way: for each moment that may be asked
    for, the row that says what was so then; removals only where something was before."""
    of: dict[tuple[str, str], list[ChangeRow]] = defaultdict(list)
    for row in rows:
        of[row.collection, row.key].append(row)
    kept = {row.position for row in rows if row.position >= upto}
    for found in of.values():
        there = False
        for moment in sorted({*points, upto}):
            past = [row for row in found if row.position <= min(moment, upto)]
            if past and (there or past[-1].after is not None):
                kept.add(past[-1].position)
                there = True
    return kept


def check_chains(rows: list[ChangeRow]) -> None:
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        assert row.previous == newest.get((row.collection, row.key)), row
        newest[row.collection, row.key] = row.position


@pytest.mark.parametrize("seed", range(6))
async def test_what_can_be_restored_stays_the_same(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(compaction, "BATCH", chance.choice((1, 3, 10, 500)))
    ledger = ledger_on(store)
    retention = retention_of(ledger)
    points: dict[int, str] = {}
    for _ in range(chance.randrange(1, 6)):
        await changed_at_random(ledger, chance.randrange(1, 60), chance, keys=12)
        point = await ledger.create_point(NewPoint(name="p", lifetime_us=KEEP), "ann")
        points[point.position] = point.id
    await changed_at_random(ledger, 60, chance, keys=12)
    for upto in sorted(chance.choices(range(await ledger.history.head() + 1), k=2)):
        rows = await rows_of(store)
        asked = [*points, *range(upto, await ledger.history.head() + 1, 7)]
        before = {one: await ledger.history.checksum(one) for one in asked}
        done = await retention.compact(upto)
        assert {one: await ledger.history.checksum(one) for one in asked} == before
        left = await rows_of(store)
        check_chains(left)
        assert {row.position for row in left} == expected(rows, upto, list(points))
        assert (done.rows, done.upto) == (len(rows) - len(left), upto)
        assert (await retention.compact(upto)).rows == 0
        for position in range(upto):
            if position not in points:
                with pytest.raises(NotRestorable):
                    await ledger.start(Request(position=position), "ann")
    for position, point in points.items():
        done = await rolled_back(ledger, Request(point=point))
        assert (done.status, done.error) == ("completed", None)
        assert await ledger.history.checksum() == before[position]


async def test_a_record_that_was_removed_long_ago_leaves_nothing(store: Store) -> None:
    ledger = ledger_on(store)
    await ledger.put("notes", "a", 1, "ann")
    gone = await ledger.put("notes", "a", MISSING, "ann")
    other = await ledger.put("notes", "b", 1, "ann")
    await retention_of(ledger).compact(other)
    assert [row.key for row in await rows_of(store)] == ["b"]
    again = await ledger.put("notes", "a", 2, "ann", expected=0)
    assert [row.previous for row in await rows_of(store)] == [None, None]
    assert again == gone + 2


async def test_a_time_after_the_horizon_can_be_restored(store: Store) -> None:
    ledger, clock = clocked(store)
    await ledger.put("notes", "b", 1, "ann")
    await ledger.put("notes", "a", 1, "ann")
    upto = await ledger.put("notes", "a", MISSING, "ann")
    moment = to_datetime(clock() + 1_000_000)
    clock.ahead = 2_000_000
    await ledger.put("notes", "b", 2, "ann")
    await retention_of(ledger).compact(upto)
    assert (await rolled_back(ledger, Request(time=moment))).status == "completed"
    assert await ledger.get("notes", "b") == 1


async def test_what_runs_finds_all_that_it_needs(store: Store) -> None:
    """Operations that are planned, that wait for a decision, and that may be undone."""
    ledger = ledger_on(store)
    retention = retention_of(ledger)
    await ledger.put("flats", "a", {"price": 1}, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("flats", "a", {"price": 2}, "import")
    await ledger.put("flats", "a", {"price": 3}, "ben")
    request = Request(
        point=point.id, scope=Scope(actors=("import",)), on_conflict=ConflictPolicy.ASK_USER
    )
    planned = await ledger.start(request, "ann")
    await retention.compact(await ledger.history.head())
    assert (await ledger.run(planned.id)).status == "waiting"
    await retention.compact(await ledger.history.head())
    (conflict,) = (await ledger.operations.conflicts(None, 10)).rows
    await ledger.put("flats", "a", {"price": 4}, "ben")
    await retention.compact(await ledger.history.head())
    await ledger.decide(conflict.id, "take", "ann")
    assert (await ledger.run(planned.id)).status == "waiting"  # it changed since: asked again
    (conflict,) = (await ledger.operations.conflicts(None, 10, state="open")).rows
    await ledger.decide(conflict.id, "take", "ann")
    assert (await ledger.run(planned.id)).status == "completed"
    assert await ledger.get("flats", "a") == {"price": 1}
    await ledger.put("flats", "b", 1, "ben")
    await retention.compact(await ledger.history.head())
    assert (await rolled_back(ledger, Request(undo=planned.id))).status == "completed"
    assert await ledger.get("flats", "a") == {"price": 4}


async def test_an_old_operation_can_be_undone_no_more(store: Store) -> None:
    ledger, clock = clocked(store)
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 50, random.Random(1), keys=30)
    done = await rolled_back(ledger, Request(point=point.id))
    clock.ahead = 31 * DAY_US
    await ledger.put("prices", "k0", 1, "ann")
    await retention_of(ledger).compact()
    with pytest.raises(NotRestorable):
        await ledger.start(Request(undo=done.id), "ann")
    with pytest.raises(NotRestorable):
        scope = Scope(actors=("somebody",))
        await ledger.start(Request(point=point.id, scope=scope), "ann")
    assert (await rolled_back(ledger, Request(point=point.id))).status == "completed"


async def test_an_interrupted_compaction_is_gone_on_with(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "BATCH", 10)
    ledger = ledger_on(store)
    await changed_at_random(ledger, 400, random.Random(2), keys=40)
    upto = await ledger.history.head() - 50
    rows = await rows_of(store)
    checksum = await ledger.history.checksum(upto)

    class Stopped(Exception):
        pass

    count = 0

    async def stop(seconds: float) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise Stopped

    with pytest.raises(Stopped):
        await Retention(ledger, LedgerSettings(), sleep=stop).compact(upto)
    half = await rows_of(store)
    check_chains(half)
    with pytest.raises(NotRestorable):  # from the first moment on
        await ledger.start(Request(position=upto - 1), "ann")
    done = await retention_of(ledger).compact(upto + 20)
    assert {row.position for row in await rows_of(store)} == expected(rows, upto + 20, [])
    check_chains(await rows_of(store))
    assert await store.meta(compaction.PROGRESS) == ""
    assert done.upto == upto + 20
    assert len(half) < len(rows)
    assert checksum != ""


async def test_writers_meanwhile_lose_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "BATCH", 5)
    ledger = ledger_on(store)
    chance = random.Random(3)
    await changed_at_random(ledger, 200, chance, keys=20)
    upto = await ledger.history.head()

    async def write(seconds: float) -> None:
        await changed_at_random(ledger, 3, chance, keys=25)

    point = await ledger.create_point(NewPoint(name="now"), "ann")
    checksum = await ledger.history.checksum()
    await Retention(ledger, LedgerSettings(), sleep=write).compact(upto)
    check_chains(await rows_of(store))
    assert (await rolled_back(ledger, Request(point=point.id))).status == "completed"
    assert await ledger.history.checksum() == checksum


async def test_what_a_point_costs_is_what_goes_with_it(store: Store) -> None:
    ledger = ledger_on(store)
    retention = retention_of(ledger)
    await ledger.put("notes", "a", "x" * 1000, "ann")
    first = await ledger.create_point(NewPoint(name="first"), "ann")
    await ledger.put("notes", "a", "y" * 500, "ann")
    second = await ledger.create_point(NewPoint(name="second"), "ann")
    third = await ledger.create_point(NewPoint(name="beside the second"), "ann")
    upto = await ledger.put("notes", "a", "z", "ann")
    await retention.compact(upto)
    found = await read_pinned(store)
    assert (found.rows, found.bytes) == (2, 1002 + 502)
    assert found.points == {first.id: (1, 1002)}, "the other goes with neither of the two"
    await ledger.points.delete(first.id)
    assert (await retention.compact(upto)).bytes == 1002
    await ledger.points.delete(third.id)
    await retention.compact(upto)
    found = await read_pinned(store)
    assert (found.rows, found.bytes, found.points) == (1, 502, {second.id: (1, 502)})
    await ledger.points.delete(second.id)
    await retention.compact(upto)
    found = await read_pinned(store)
    assert (found.rows, found.points) == (0, {})
    assert found.counted_at > 0


async def test_time_takes_points_history_operations_and_audit(store: Store) -> None:
    ledger, clock = clocked(store)
    retention = retention_of(ledger)
    told: list[str] = []
    ledger.listeners.add(lambda event: told.append(event.name))
    await filled(ledger)
    week = await ledger.create_point(NewPoint(name="week", lifetime_us=7 * DAY_US), "ann")
    await ledger.put("prices", "k1", 100, "ann")
    await changed_at_random(ledger, 60, random.Random(4), keys=30)
    done = await rolled_back(ledger, Request(point=week.id))
    stale = await ledger.start(Request(point=week.id, scope=Scope(keys=("prices/k1",))), "ann")
    await ledger.audit.add(Entry(at=ledger.clock(), actor="ann", event="x", message="old"))
    assert await retention.clean() == await retention.clean()  # nothing is old yet
    clock.ahead = 91 * DAY_US
    await ledger.put("prices", "k0", 1, "ann")
    found = await retention.clean()
    assert week.id not in found.points  # the one that did not finish uses it
    assert len(found.points) == 2  # those before the two rollbacks
    assert found.compaction.rows == 0  # it has not read yet what it takes back
    assert found.operations == 1
    with pytest.raises(NotFound):
        await ledger.operations.get(done.id)
    assert not (await ledger.operations.items(done, None, 10)).rows
    assert not (await ledger.operations.log(done, 0, 10)).rows
    assert (await ledger.operations.get(stale.id)).is_open
    assert [row.event for row in (await ledger.audit.page(None, 10)).rows] == ["cleanup_performed"]
    assert told.count("rollback-point-expired") == 2
    ended = await ledger.run(stale.id)
    assert (ended.status, ended.error) == ("completed", None)
    rows = len(await rows_of(store))
    found = await retention.clean()
    assert found.points == [week.id]
    assert found.compaction.rows == rows - len(await rows_of(store)) > 0


@pytest.mark.parametrize("seed", range(8))
async def test_from_one_compaction_to_the_next_nothing_is_overlooked(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points come and go, the horizon moves, or stays where it is."""
    chance = random.Random(seed)
    monkeypatch.setattr(compaction, "BATCH", chance.choice((1, 4, 500)))
    ledger = ledger_on(store)
    points: dict[str, int] = {}
    upto = 0
    for _ in range(12):
        await changed_at_random(ledger, chance.randrange(1, 25), chance, keys=6)
        point = await ledger.create_point(NewPoint(name="p", lifetime_us=KEEP), "ann")
        points[point.id] = point.position
        for gone in chance.sample(sorted(points), chance.randrange(min(3, len(points) + 1))):
            await ledger.points.delete(gone)
            del points[gone]
        upto = max(upto, chance.randrange(await ledger.history.head() + 1))
        rows = await rows_of(store)
        await retention_of(ledger).compact(upto)
        left = await rows_of(store)
        check_chains(left)
        below = [position for position in points.values() if position < upto]
        assert {row.position for row in left} == expected(rows, upto, below)


async def test_what_was_kept_for_operations_goes_after_them(store: Store) -> None:
    ledger, clock = clocked(store)
    retention = retention_of(ledger)
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 80, random.Random(5), keys=25)
    await rolled_back(ledger, Request(point=point.id))
    await ledger.points.delete(point.id)
    await changed_at_random(ledger, 80, random.Random(6), keys=25)
    upto = await ledger.history.head()
    points = [at for (at,) in await store.query("ledger_point_positions", upto)]
    whole = expected(await rows_of(store), upto, points)
    await retention.compact(upto)
    assert {row.position for row in await rows_of(store)} > whole  # it may still be undone
    clock.ahead = 31 * DAY_US
    await retention.sweep()
    last = await ledger.put("prices", "k0", 1, "ann")
    await retention.compact(last)
    rows = await rows_of(store)
    assert {row.position for row in rows} == expected(rows, last, [])
    check_chains(rows)


async def test_a_second_run_reads_no_more_than_what_came_since(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_on(store)
    compactor = Compactor(store, ledger.history, ledger.clock, 0, no_pause)
    await filled(ledger, count=300)
    point = await ledger.create_point(NewPoint(name="early"), "ann")
    await ledger.put_many([("prices", f"k{index}", 1, None) for index in range(5)], "ann")
    await ledger.create_point(NewPoint(name="late"), "ann")
    await ledger.put_many([("prices", f"k{index}", 2, None) for index in range(300)], "ann")
    read: list[Any] = []
    scan = store.scan

    async def counting(name: str, *parameters: Any) -> Any:
        rows = await scan(name, *parameters)
        read.extend(rows)
        return rows

    monkeypatch.setattr(store, "scan", counting)
    first = await compactor.compact(await ledger.history.head())
    assert first.rows == 0  # both points need what was before them
    assert len(read) == 305
    read.clear()
    upto = await ledger.put("prices", "k7", 3, "ann")
    assert (await compactor.compact(upto)).rows == 1
    assert len(read) == 2  # the new one, and the row at the former horizon
    read.clear()
    await ledger.points.delete(point.id)
    assert (await compactor.compact(upto)).rows == 5
    assert len(read) == 5  # what changed between the two points
    read.clear()
    assert (await compactor.compact(upto)).rows == 0
    assert read == []
