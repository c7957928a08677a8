"""Figures in the database: windows, hours and days, once each, whatever fails in between."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from colloquy.flags import Flags
from colloquy.model.errors import InvalidInput, StoreUnavailable
from colloquy.model.monitoring import Span, ValidationRecord
from colloquy.ops.monitoring import Monitoring
from colloquy.ops.monitoring.figures import DAY_US, HOUR_US
from colloquy.settings import MonitoringSettings
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store

GOOD = {"name": "good"}
BAD = {"name": "not good"}
NOON = 20_000 * DAY_US + 12 * HOUR_US


class Bench:
    """Monitoring on a store, with a clock that the test sets."""

    def __init__(self, store: Store, folder: Path, name: str = "here", **flags: bool) -> None:
        self.now = NOON
        named = {f"monitoring_{flag}": value for flag, value in flags.items()}
        self.monitoring = Monitoring(
            MonitoringSettings(keep_windows_days=2, keep_hours_days=3, keep_days_days=4),
            Flags(named),
            store,
            source=name,
            leftovers=folder / "figures",
            clock=lambda: self.now,
        )

    async def count(self, good: int, bad: int = 0, kind: str = "app") -> None:
        for data in [GOOD] * good + [BAD] * bad:
            self.monitoring.publish(kind, data)
        await self.monitoring.look()

    async def rows(self, span: Span = Span.WINDOW) -> list[ValidationRecord]:
        return (await self.monitoring.history(span)).records

    async def totals(self, span: Span = Span.WINDOW) -> list[tuple[str, int, int]]:
        return [
            (one.event_type, one.total_events, one.failed_events) for one in await self.rows(span)
        ]


def at(hours: float) -> int:
    return NOON + int(hours * HOUR_US)


async def test_a_flush_writes_a_window_of_each_kind(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path)
    await bench.count(2, bad=1)
    await bench.count(1, kind="nonsense")
    done = await bench.monitoring.flush()
    assert (done.flushed_records, done.timestamp) == (2, "2024-10-04T12:00:00.000000Z")
    app, unknown = sorted(await bench.rows(), key=lambda one: one.event_type)
    assert (app.event_type, app.total_events, app.passed_events, app.failed_events) == (
        "app", 3, 2, 1,
    )  # fmt: skip
    assert (app.pass_rate, app.total_errors, app.at) == (0.666667, 1, done.timestamp)
    assert app.avg_validation_time_ms > 0
    assert (unknown.event_type, unknown.pass_rate) == ("unknown", 0.0)
    assert (await bench.monitoring.flush()).flushed_records == 0, "nothing new, no rows"


async def test_hours_and_days_add_up(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path)
    for hours, good, bad in ((0, 1, 1), (0.5, 2, 0), (1, 4, 0), (24, 8, 0)):
        bench.now = at(hours)
        await bench.count(good, bad)
        await bench.monitoring.flush()
    assert await bench.totals(Span.HOUR) == [("app", 8, 0), ("app", 4, 0), ("app", 4, 1)]
    assert await bench.totals(Span.DAY) == [("app", 8, 0), ("app", 8, 1)]
    hour = (await bench.rows(Span.HOUR))[-1]
    assert (hour.at, hour.pass_rate) == ("2024-10-04T12:00:00.000000Z", 0.75)


async def test_two_processes_add_to_the_same_hours(store: Store, tmp_path: Path) -> None:
    one, other = Bench(store, tmp_path, "one"), Bench(store, tmp_path, "other")
    for bench in (one, other):
        await bench.count(3)
        await bench.monitoring.flush()
    assert await one.totals() == [("app", 3, 0), ("app", 3, 0)]
    assert await one.totals(Span.HOUR) == [("app", 6, 0)]


async def test_history_has_pages_and_kinds(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path)
    for number in range(5):  # two windows each, at the same moment
        bench.now = at(number // 2)
        await bench.count(number + 1)
        await bench.count(1, kind="nonsense")
        await bench.monitoring.flush()
    whole = await bench.rows()
    assert len(whole) == 10
    found, cursor = [], None
    while True:
        page = await bench.monitoring.history(cursor=cursor, limit=3)
        found += page.records
        cursor = page.next
        if cursor is None:
            break
    assert found == whole
    named = await bench.monitoring.history(event_type="app", limit=50)
    assert [one.total_events for one in named.records] == [5, *sorted([3, 4], key=_place(whole)),
        *sorted([1, 2], key=_place(whole))]  # fmt: skip
    with pytest.raises(InvalidInput, match="cursor"):
        await bench.monitoring.history(cursor="x")


def _place(whole: list[ValidationRecord]):  # type: ignore[no-untyped-def]
    totals = [one.total_events for one in whole if one.event_type == "app"]
    return totals.index


async def test_what_is_too_old_is_forgotten(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path)
    keeper = bench.monitoring._keeper
    await bench.count(1)
    await bench.monitoring.flush()
    for days, kept in ((1, (1, 1, 1)), (2.5, (0, 1, 1)), (3.5, (0, 0, 1)), (5.5, (0, 0, 0))):
        bench.now = at(24 * days)
        await keeper.forget()
        assert tuple([len(await bench.rows(span)) for span in Span]) == kept
    assert await keeper.forget() == 0, "not again within the hour"


async def test_without_persistence_nothing_is_written(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path, metrics_persistence=False)
    await bench.count(3)
    assert (await bench.monitoring.flush()).flushed_records == 0
    await bench.monitoring.stop(1)
    assert await bench.rows() == []
    assert bench.monitoring.validation().total_validations == 3, "counted it is all the same"


# -- failures ---------------------------------------------------------------------------------


class Lock:
    """Another program that holds the database file, until it lets go."""

    def __init__(self, file: Path) -> None:
        self._connection = apsw.Connection(str(file))

    def __enter__(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


async def test_what_could_not_be_written_is_kept_and_written_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db", lock_wait_s=0.02)
    await store.open()
    bench = Bench(store, tmp_path)
    await bench.count(2)
    with Lock(store.path):
        with pytest.raises(StoreUnavailable):
            await bench.monitoring.flush()
        await bench.count(3)
        with pytest.raises(StoreUnavailable):
            await bench.monitoring.flush()
        view = bench.monitoring.view()
        assert (view.waiting_records, view.unwritten_events) == (1, 3), "the next one stays open"
        assert view.last_flush_error
        assert view.last_flush is None
    assert (await bench.monitoring.flush()).flushed_records == 2
    assert sorted(await bench.totals()) == [("app", 2, 0), ("app", 3, 0)]
    assert await bench.totals(Span.DAY) == [("app", 5, 0)]
    view = bench.monitoring.view()
    assert (view.waiting_records, view.last_flush_error) == (0, None)
    await store.close()


async def test_a_window_that_arrived_unseen_is_stored_once(store: Store, tmp_path: Path) -> None:
    """As when the connection breaks between the commit and its answer."""
    bench = Bench(store, tmp_path)
    keeper = bench.monitoring._keeper
    await bench.count(2)
    keeper._waiting = keeper._figures.close(bench.now)
    written = list(keeper._waiting)
    await keeper.flush()
    keeper._waiting = written
    await bench.count(1)
    assert (await keeper.flush()).flushed_records == 1
    assert sorted(await bench.totals()) == [("app", 1, 0), ("app", 2, 0)]
    assert await bench.totals(Span.HOUR) == [("app", 3, 0)]


async def test_stopping_writes_what_is_left(store: Store, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path)
    bench.monitoring.publish("app", GOOD)
    await bench.monitoring.stop(10)
    await bench.monitoring.stop(10)
    assert await bench.totals() == [("app", 1, 0)]


async def test_what_cannot_be_written_at_the_stop_is_written_by_the_next_start(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "a.db", lock_wait_s=0.02)
    await store.open()
    before = Bench(store, tmp_path, "before")
    with Lock(store.path):
        await before.count(4, bad=1)
        await before.monitoring.stop(10)
    assert [file.name for file in tmp_path.glob("figures*")] == ["figures-before"]
    after = Bench(store, tmp_path, "after")
    await after.monitoring.recall()
    assert after.monitoring.view().waiting_records == 1
    await after.count(1)
    await after.monitoring.flush()
    assert sorted(await after.totals()) == [("app", 1, 0), ("app", 5, 1)]
    assert list(tmp_path.glob("figures*")) == []
    await store.close()
