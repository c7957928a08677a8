"""What a store must do for the ledger, as a suite for pytest (with pytest-asyncio).

    class TestMyStore(LedgerConformance):
        async def make_store(self, folder: Path) -> Store:
            return MyStore(folder / "data")

`make_store` is asked for an empty store that is not open yet; asked again with the same folder, it
gives one on the same data, unless `is_durable` is false.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ..ledger.collections import MAX_VALUE, Collections
from ..ledger.history import Filter
from ..ledger.ledger import Ledger
from ..ledger.merge import MISSING, ConflictPolicy
from ..ledger.points import DAY_US, KEEP, NewPoint
from ..ledger.restoring.requests import Request
from ..ledger.scope import Scope
from ..model.errors import Conflict, InvalidInput, PointExpired, PreconditionFailed
from ..storage.store import Store

VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    1.0,
    -0.0,
    2**200,
    "",
    "\N{GRINNING FACE} \u202e",
    b"\x00\xff",
    datetime(2026, 1, 31, 10, tzinfo=UTC),
    Decimal("1.50"),
    [],
    {},
    [[1], {"": None}],
    {"$bytes": "no bytes"},
    {"a/b": {"c|d": ["%", "*"]}},
]
KEYS = ["a", "a/b", "a|b", "%", "_", "*", "'; --", "\N{GRINNING FACE}", "k" * 2048]


class LedgerConformance:
    """Subclass it and give `make_store`."""

    is_durable = True

    async def make_store(self, folder: Path) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path

    @asynccontextmanager
    async def opened(self, folder: Path, **options: Any) -> AsyncIterator[Ledger]:
        store = await self.make_store(folder)
        await store.open()
        try:
            yield Ledger(store, Collections(), **options)
        finally:
            await store.close()

    # -- records ------------------------------------------------------------------------------

    async def test_every_value_comes_back_as_it_was(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            for index, value in enumerate(VALUES):
                await ledger.put("values", f"v{index}", value, "ann")
            for index, value in enumerate(VALUES):
                found = await ledger.get("values", f"v{index}")
                assert found == value and type(found) is type(value)

    async def test_every_key_is_one_record(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            await ledger.put_many([("keys", key, key, None) for key in KEYS], "ann")
            names = [("keys", key) for key in KEYS]
            assert await ledger.history.values(names) == dict(zip(names, KEYS, strict=True))
            for key in ("", "k" * 2049, "a\0b"):
                with pytest.raises(InvalidInput):
                    await ledger.put("keys", key, 1, "ann")
            with pytest.raises(InvalidInput):
                await ledger.put("keys", "a", "x" * MAX_VALUE, "ann")

    async def test_null_is_a_value_and_absent_is_none(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            assert await ledger.get("c", "k") is MISSING
            await ledger.put("c", "k", None, "ann")
            assert await ledger.get("c", "k") is None
            await ledger.put("c", "k", MISSING, "ann")
            assert await ledger.get("c", "k") is MISSING

    async def test_a_record_is_changed_only_from_where_it_was_seen(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            first = await ledger.put("c", "k", 1, "ann", expected=0)
            await ledger.put("c", "k", 2, "ann", expected=first)
            for stale in (0, first):
                with pytest.raises(PreconditionFailed):
                    await ledger.put("c", "k", 3, "ben", expected=stale)
            assert await ledger.get("c", "k") == 2

    async def test_values_as_of_each_position(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            positions = [await ledger.put("c", "k", number, "ann") for number in range(5)]
            for number, position in enumerate(positions):
                assert await ledger.get("c", "k", position) == number
            assert await ledger.get("c", "k", positions[0] - 1) is MISSING

    async def test_concurrent_writers_leave_no_gap_and_no_broken_chain(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:

            async def write(who: int) -> None:
                for number in range(20):
                    rows: list[Any] = [("c", f"k{number % 5}", [who, number], None)]
                    await ledger.put_many([*rows, ("c", f"own{who}", number, None)], f"w{who}")

            await asyncio.gather(*(write(who) for who in range(5)))
            rows = await ledger.store.changes(0, 500)
            assert [row.position for row in rows] == list(range(1, 201))
            newest: dict[str, int] = {}
            for row in rows:
                assert row.previous == newest.get(row.key)
                newest[row.key] = row.position

    async def test_the_log_is_filtered_and_paged(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            for number in range(30):
                await ledger.put(f"c{number % 2}", f"k{number % 3}", number, f"w{number % 5}")
            for wanted, count in (
                (Filter(), 30),
                (Filter(collection="c1"), 15),
                (Filter(actor="w2"), 6),
                (Filter(collection="c0", key="k0"), 5),
                (Filter(since=2**61), 0),
            ):
                seen: list[int] = []
                before: int | None = None
                while True:
                    page = await ledger.history.log(wanted, before, 4)
                    seen += [row.position for row in page.rows]
                    if page.cursor is None:
                        break
                    before = page.cursor
                assert len(seen) == count and seen == sorted(set(seen), reverse=True)

    # -- points -------------------------------------------------------------------------------

    async def test_points_expire_when_they_shall_and_not_before(self, folder: Path) -> None:
        now = [1_800_000_000_000_000]
        async with self.opened(folder, clock=lambda: now[0]) as ledger:
            long = await ledger.create_point(NewPoint(name="l", lifetime_us=40 * DAY_US), "ann")
            kept = await ledger.create_point(NewPoint(name="k", lifetime_us=KEEP), "ann")
            now[0] += 39 * DAY_US
            assert (await ledger.points.get(long.id)).name == "l"
            now[0] += 2 * DAY_US
            for _ in range(2):
                with pytest.raises(PointExpired):
                    await ledger.points.get(long.id)
            assert [point.id for point in await ledger.points.live()] == [kept.id]
            assert await ledger.points.sweep() == [long.id]

    async def test_a_point_in_use_is_not_deleted(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            point = await ledger.create_point(NewPoint(name="p"), "ann")
            await ledger.put("c", "k", 1, "ann")
            operation = await ledger.start(Request(point=point.id), "ann")
            with pytest.raises(Conflict):
                await ledger.points.delete(point.id)
            await ledger.run(operation.id)
            await ledger.points.delete(point.id)

    # -- restoring ----------------------------------------------------------------------------

    @pytest.mark.parametrize("strategy", ["auto", "immediate", "safe", "force"])
    async def test_a_rollback_restores_and_can_be_undone(self, folder: Path, strategy: Any) -> None:
        async with self.opened(folder) as ledger:
            point, before = await self._changed(ledger)
            changed = await ledger.history.checksum()
            assert changed != before
            done = await self._run(ledger, Request(point=point, strategy=strategy))
            assert await ledger.history.checksum() == before
            await self._run(ledger, Request(undo=done))
            assert await ledger.history.checksum() == changed

    async def test_a_conflict_that_aborts_changes_nothing(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            point, _ = await self._changed(ledger)
            await ledger.put("c", "k3", "ben's", "ben")
            state = await ledger.history.checksum()
            request = Request(point=point, scope=Scope(actors=("ann",)))
            operation = await ledger.start(request, "ann")
            failed = await ledger.run(operation.id)
            assert (failed.status, failed.error_code) == ("failed", "rollback_conflict")
            assert await ledger.history.checksum() == state

    async def test_a_conflict_waits_for_a_decision(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            point, _ = await self._changed(ledger)
            await ledger.put("c", "k3", "ben's", "ben")
            scope, policy = Scope(actors=("ann",)), ConflictPolicy.ASK_USER
            request = Request(point=point, scope=scope, on_conflict=policy)
            operation = await ledger.start(request, "ann")
            assert (await ledger.run(operation.id)).status == "waiting"
            (conflict,) = (await ledger.operations.conflicts(None, 10, state="open")).rows
            await ledger.decide(conflict.id, "keep", "ann")
            assert (await ledger.run(operation.id)).status == "completed"
            assert await ledger.get("c", "k3") == "ben's"
            assert await ledger.get("c", "k4") == 4

    async def test_an_operation_is_gone_on_with_by_another_process(self, folder: Path) -> None:
        class Stopped(BaseException):
            pass

        async def stop(_: float) -> None:
            raise Stopped

        async with self.opened(folder, sleep=stop, owner="first") as ledger:
            point, before = await self._changed(ledger)
            request = Request(point=point, strategy="gradual", batch_size=3, pause_s=0.1)
            operation = await ledger.start(request, "ann")
            with pytest.raises(Stopped):
                await ledger.run(operation.id)
            halfway = await ledger.operations.get(operation.id)
            assert 0 < halfway.progress < 100 and halfway.progress != int(halfway.progress)
            second = Ledger(
                ledger.store, Collections(), owner="second",
                clock=lambda: halfway.updated_at + 60_000_000,
            )  # fmt: skip
            done = await second.run(operation.id)
            assert (done.status, done.progress) == ("completed", 100.0)
            assert await ledger.history.checksum() == before

    async def test_what_happened_is_in_the_audit_trail_once(self, folder: Path) -> None:
        async with self.opened(folder) as ledger:
            point, _ = await self._changed(ledger)
            request = Request(point=point, reason="ask ann@example.com")
            operation = await ledger.start(request, "ann")
            await ledger.run(operation.id)
            entries = (await ledger.audit.page(None, 10)).rows
            assert [entry.event for entry in entries] == ["rollback_executed", "rollback_created"]
            assert {entry.reason for entry in entries} == {"ask [e-mail]"}
            assert {entry.operation for entry in entries} == {operation.id}

    async def test_everything_is_there_after_a_restart(self, folder: Path) -> None:
        if not self.is_durable:
            pytest.skip("this store does not outlive its process")
        async with self.opened(folder) as ledger:
            point, before = await self._changed(ledger)
            await self._run(ledger, Request(point=point))
        async with self.opened(folder) as ledger:
            assert await ledger.history.checksum() == before
            assert (await ledger.points.get(point)).name == "before"
            page = await ledger.operations.page(None, 10)
            assert [row.status for row in page.rows] == ["completed"]

    async def _changed(self, ledger: Ledger) -> tuple[str, str]:
        """A point, and the checksum there, in a ledger that moved on since."""
        await ledger.put_many([("c", f"k{number}", number, None) for number in range(10)], "set up")
        point = await ledger.create_point(NewPoint(name="before"), "ann")
        before = await ledger.history.checksum()
        rows: list[Any] = [("c", f"k{number}", {"n": number}, None) for number in range(3, 8)]
        rows += [("c", "k8", MISSING, None), ("c", "new", [1], None)]
        await ledger.put_many(rows, "ann")
        return point.id, before

    async def _run(self, ledger: Ledger, request: Request) -> str:
        operation = await ledger.start(request, "ann")
        done = await ledger.run(operation.id)
        assert (done.status, done.error) == ("completed", None)
        return done.id
