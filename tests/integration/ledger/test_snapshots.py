"""Snapshots: what goes out comes in the same; what is damaged changes nothing."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from colloquy.ledger.collections import Collection, Refused
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.merge import MISSING, Missing
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.retention import Retention
from colloquy.ledger.scope import Scope
from colloquy.ledger.snapshots import Snapshots, format
from colloquy.ledger.values import Value, same
from colloquy.model.errors import (
    ColloquyError,
    InvalidInput,
    LedgerConflict,
    NotRestorable,
    SnapshotCorrupted,
    SnapshotTooLarge,
    SnapshotVersion,
)
from colloquy.settings import LedgerSettings
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from support.ledger import changed_at_random, filled, ledger_on, no_pause, rolled_back

VALUES: dict[str, Value] = {
    "null": None, "yes": True, "int": -7, "large": 2**200, "float": 1.0, "minus": -0.0,
    "text": "a\u2028🦊é\\\"", "empty": "", "bytes": bytes(range(256)), "decimal": Decimal("1.50"),
    "time": datetime(2026, 1, 31, 10, tzinfo=UTC), "list": [1, [2, {}], None],
    "tagged": {"$bytes": "no"}, "nested": {"b": {"a": [Decimal("0.1")]}, "a": 1},
}  # fmt: skip


def snapshots_of(ledger: Ledger, **settings: Any) -> Snapshots:
    return Snapshots(ledger, LedgerSettings(**settings))


@pytest.fixture
async def other(tmp_path: Path) -> Any:
    """Another, empty ledger."""
    store = SqliteStore(tmp_path / "other.db")
    await store.open()
    yield ledger_on(store)
    await store.close()


async def test_every_kind_of_value_comes_back_the_same(
    store: Store, other: Ledger, tmp_path: Path
) -> None:
    ledger = ledger_on(store)
    await ledger.put_many([("values", key, value, None) for key, value in VALUES.items()], "ann")
    await ledger.put("values", "gone", 1, "ann")
    await ledger.put("values", "gone", MISSING, "ann")
    path = tmp_path / "values.snapshot"
    made = await snapshots_of(ledger).export(path, "ann")
    assert made.trailer.checksum == await ledger.history.checksum()
    assert made.trailer.collections == {"values": len(VALUES)}
    assert await snapshots_of(other).verify(path) == made
    done = await snapshots_of(other).import_(path, "abort", "ben")
    assert (done.written, done.unchanged, done.skipped) == (len(VALUES), 0, 0)
    assert await other.history.checksum() == made.trailer.checksum
    for key, value in VALUES.items():
        assert same(await other.get("values", key), value)


async def test_an_empty_ledger_makes_a_snapshot_too(
    store: Store, other: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "empty.snapshot"
    made = await snapshots_of(ledger_on(store)).export(path, "ann")
    assert made.trailer.records == 0
    assert (await snapshots_of(other).import_(path, "overwrite", "ann")).written == 0
    assert [file.name for file in tmp_path.glob("*.snapshot*")] == ["empty.snapshot"]
    assert not list(tmp_path.glob("*.part"))


async def test_ten_thousand_records_go_and_come_and_are_taken_back(
    store: Store, tmp_path: Path
) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=10_000)
    path = tmp_path / "many.snapshot"
    made = await snapshots_of(ledger).export(path, "ann")
    assert made.trailer.records == 10_000
    await changed_at_random(ledger, 1000, random.Random(1), keys=2000)
    changed = await ledger.history.checksum()
    done = await snapshots_of(ledger).import_(path, "overwrite", "ann")
    assert done.written > 100
    assert done.written + done.unchanged == 10_000
    again = await snapshots_of(ledger).import_(path, "overwrite", "ann")
    assert (again.written, again.unchanged) == (0, 10_000)
    request = Request(point=done.point, scope=Scope(origin=done.id))
    assert (await rolled_back(ledger, request)).status == "completed"
    assert await ledger.history.checksum() == changed


async def test_as_of_a_point_and_of_a_scope(store: Store, other: Ledger) -> None:
    ledger = ledger_on(store)
    await ledger.put("prices", "a", 1, "ann")
    await ledger.put("notes", "a", 1, "ann")
    point = await ledger.create_point(NewPoint(name="p"), "ann")
    await ledger.put("prices", "a", 2, "ann")
    stream = io.BytesIO()
    scope = Scope(collections=("prices",))
    made = await snapshots_of(ledger).export(stream, "ann", point=point.id, scope=scope)
    assert made.trailer.collections == {"prices": 1}
    assert made.trailer.checksum == await ledger.history.checksum(point.position, scope)
    assert (made.header.position, made.header.point) == (point.position, point.id)
    with pytest.raises(InvalidInput):
        await snapshots_of(ledger).export(io.BytesIO(), "ann", scope=Scope(actors=("ann",)))
    with pytest.raises(InvalidInput):
        await snapshots_of(ledger).export(io.BytesIO(), "ann", position=99)


async def test_large_records_are_read_a_few_at_a_time(store: Store, other: Ledger) -> None:
    ledger = ledger_on(store)
    for number in range(7):
        await ledger.put("large", f"k{number}", "x" * 900_000, "ann")
    read, most = store.read, 0

    async def counted(name: str, rows: Any) -> Any:
        nonlocal most
        if name == "changes_by_position":
            most = max(most, len(rows))
        return await read(name, rows)

    store.read = counted  # type: ignore[method-assign]
    made = await snapshots_of(ledger).export(io.BytesIO(), "ann")
    assert most == 2
    assert made.trailer.records == 7
    assert made.trailer.checksum == await ledger.history.checksum()


async def test_what_compaction_passed_is_not_exported(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_on(store)
    await filled(ledger)
    position = await ledger.history.head()
    upto = await ledger.put("prices", "k0", 1, "ann")
    path = tmp_path / "x.snapshot"
    scan = store.scan

    async def passed(name: str, *parameters: Any) -> Any:
        if name == "ledger_sizes_page":
            await Retention(ledger, LedgerSettings(), sleep=no_pause).compact(upto)
        return await scan(name, *parameters)

    monkeypatch.setattr(store, "scan", passed)
    with pytest.raises(NotRestorable):
        await snapshots_of(ledger).export(path, "ann", position=position)
    assert list(tmp_path.glob("*x.snapshot*")) == []


@pytest.mark.parametrize("policy", ["overwrite", "skip", "abort"])
async def test_each_policy_does_what_it_says(store: Store, tmp_path: Path, policy: Any) -> None:
    ledger = ledger_on(store)
    for key, value in (("same", 1), ("other", 1), ("new", 1)):
        await ledger.put("prices", key, value, "ann")
    path = tmp_path / "p.snapshot"
    await snapshots_of(ledger).export(path, "ann")
    await ledger.put("prices", "other", 2, "ben")
    await ledger.put("prices", "new", MISSING, "ben")
    head = await ledger.history.head()
    if policy == "abort":
        with pytest.raises(LedgerConflict) as caught:
            await snapshots_of(ledger).import_(path, policy, "ann")
        assert caught.value.extra["conflicts"] == ["prices/other"]
        assert await ledger.history.head() == head
        assert not await ledger.points.live()
        return
    done = await snapshots_of(ledger).import_(path, policy, "ann")
    overwritten = policy == "overwrite"
    assert (done.written, done.unchanged, done.skipped) == ((2, 1, 0) if overwritten else (1, 1, 1))
    assert await ledger.get("prices", "other") == (1 if overwritten else 2)
    assert await ledger.get("prices", "new") == 1


class Owners(Collection):
    """Not taken along by a rollback of everything."""

    restorable = False


class Built(Collection):
    """`wall` needs `ground`; nobody may write `closed`."""

    plain = False

    def rank(self, key: str) -> int:
        return 1 if key == "ground" else 2

    def needs(self, key: str, value: Value) -> list[tuple[str, str]]:
        return [] if key == "ground" else [(self.name, "ground")]

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if key == "closed":
            raise Refused("it is closed")


async def test_what_a_collection_does_not_let_in_is_told(store: Store, tmp_path: Path) -> None:
    ledger = ledger_on(store, Built("built"))
    for key in ("closed", "ground", "a wall"):
        await ledger.put("built", key, 1, "ann")
    path = tmp_path / "b.snapshot"
    await snapshots_of(ledger).export(path, "ann")
    for key in ("closed", "ground", "a wall"):
        await ledger.put("built", key, MISSING, "ann")
    done = await snapshots_of(ledger).import_(path, "overwrite", "ann")
    assert done.refused == ["built/closed: it is closed"]
    assert done.written == 2
    order = [row.key for row in await store.changes(0, 100) if row.origin == done.id]
    assert order == ["ground", "a wall"]
    await snapshots_of(ledger).export(path, "ann", scope=Scope(keys=("built/a wall",)))
    for key in ("ground", "a wall"):
        await ledger.put("built", key, MISSING, "ann")
    done = await snapshots_of(ledger).import_(path, "overwrite", "ann")
    assert done.refused == ["built/a wall: needs built/ground"]


async def test_collections_that_are_not_restorable_are_refused(
    store: Store, other: Ledger, tmp_path: Path
) -> None:
    await other.put("owners", "a", "ann", "ann")
    path = tmp_path / "o.snapshot"
    await snapshots_of(other).export(path, "ann")
    ledger = ledger_on(store, Owners("owners"))
    with pytest.raises(InvalidInput, match="owners"):
        await snapshots_of(ledger).import_(path, "overwrite", "ann")
    with pytest.raises(InvalidInput, match="owners"):
        scope = Scope(collections=("owners",))
        await snapshots_of(ledger).export(tmp_path / "p", "ann", scope=scope)
    assert await ledger.history.head() == 0


async def test_an_interrupted_import_is_gone_on_with(store: Store, tmp_path: Path) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=1200)
    path = tmp_path / "i.snapshot"
    made = await snapshots_of(ledger).export(path, "ann")
    await ledger.put_many([("prices", f"k{n}", MISSING, None) for n in range(500)], "ann")
    await ledger.put_many([("prices", f"k{n}", 0, None) for n in range(500, 1000)], "ann")
    before = await ledger.history.checksum()
    transact, count = store.transact, 0

    async def failing(steps: Any) -> Any:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        return await transact(steps)

    store.transact = failing  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await snapshots_of(ledger).import_(path, "overwrite", "ann", id_="one")
    store.transact = transact  # type: ignore[method-assign]
    done = await snapshots_of(ledger).import_(path, "overwrite", "ann", id_="one")
    assert 0 < done.written < 1000
    assert await ledger.history.checksum() == made.trailer.checksum
    assert len(await ledger.points.live()) == 1
    request = Request(point=done.point, scope=Scope(origin="one"))
    assert (await rolled_back(ledger, request)).status == "completed"
    assert await ledger.history.checksum() == before


async def test_an_import_that_others_disturb_takes_itself_back(
    store: Store, tmp_path: Path
) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=1200)
    path = tmp_path / "d.snapshot"
    await snapshots_of(ledger).export(path, "ann")
    for start in (0, 500, 1000):
        part = range(start, min(start + 500, 1200))
        await ledger.put_many([("prices", f"k{n}", MISSING, None) for n in part], "ann")
    await ledger.put("prices", "mine", 1, "ann")
    transact, count = store.transact, 0

    async def disturbed(steps: Any) -> Any:
        """Between the first frame and the second somebody writes a record of each."""
        nonlocal count
        count += 1
        if count == 2:
            (wrote,) = await store.changes(await ledger.history.head() - 1, 1)
            await ledger.put_many(
                [("prices", wrote.key, "after", None), ("prices", "k999", "before", None)], "ben"
            )
        return await transact(steps)

    store.transact = disturbed  # type: ignore[method-assign]
    with pytest.raises(LedgerConflict) as caught:
        await snapshots_of(ledger).import_(path, "abort", "ann")
    store.transact = transact  # type: ignore[method-assign]
    assert "prices/k999 was changed meanwhile" in caught.value.detail
    assert (
        "; 999 records rolled back, 1 record left that others changed since" in caught.value.detail
    )
    left = [row async for page in ledger.history.records(2**60, Scope()) for row in page]
    assert sorted(value for _, _, value in left) == [b'"after"', b'"before"', b"1"]
    done = await ledger.operations.get(caught.value.extra["operation"])
    assert (done.status, done.figures().skipped) == ("completed", 1)


# -- damage ---------------------------------------------------------------------------------


@pytest.fixture
async def made(other: Ledger, tmp_path: Path) -> bytes:
    """A snapshot of several frames."""
    await other.put_many([("values", key, value, None) for key, value in VALUES.items()], "ann")
    await filled(other, count=700)
    path = tmp_path / "whole.snapshot"
    await snapshots_of(other).export(path, "ann")
    return path.read_bytes()


async def fails(ledger: Ledger, path: Path, body: bytes, **settings: Any) -> ColloquyError:
    """The error that both verifying and importing this raise; nothing may have changed."""
    path.write_bytes(body)
    head = await ledger.history.head()
    codes = []
    for call in (
        lambda: snapshots_of(ledger, **settings).verify(path),
        lambda: snapshots_of(ledger, **settings).import_(path, "overwrite", "ann"),
    ):
        with pytest.raises(ColloquyError) as caught:
            await call()
        codes.append(caught.value.code)
    assert codes[0] == codes[1]
    assert await ledger.history.head() == head
    assert not await ledger.points.live()
    return caught.value


async def test_a_flipped_byte_anywhere_is_found(other: Ledger, made: bytes, tmp_path: Path) -> None:
    chance = random.Random(5)
    frames = list(format.read(io.BytesIO(made)))
    assert len(frames) > 3
    places = {*range(60), *range(len(made) - 60, len(made)), *chance.sample(range(len(made)), 300)}
    for place in sorted(places):
        damaged = bytearray(made)
        damaged[place] ^= 1 << chance.randrange(8)
        with pytest.raises(SnapshotCorrupted):
            format.verify(io.BytesIO(damaged), 2**30)
    damaged = bytearray(made)
    damaged[len(made) // 2] ^= 1
    error = await fails(other, tmp_path / "x", bytes(damaged))
    assert isinstance(error, SnapshotCorrupted)


async def test_what_is_cut_off_or_has_more_is_found(made: bytes) -> None:
    chance = random.Random(6)
    for length in {*range(40), *chance.sample(range(len(made)), 200), len(made) - 1}:
        with pytest.raises(SnapshotCorrupted):
            format.verify(io.BytesIO(made[:length]), 2**30)
    with pytest.raises(SnapshotCorrupted):
        format.verify(io.BytesIO(made + b"\0"), 2**30)


async def test_frames_that_are_moved_or_left_out_are_found(made: bytes) -> None:
    raw = list(_raw_frames(made))
    for order in ([0, 2, 1, 3], [0, 1, 3], [0, 1, 1, 2, 3], [0, 3], [1, 2, 3], [0, 0, 1, 2, 3]):
        body = made[:14] + b"".join(raw[index] for index in order)
        with pytest.raises(SnapshotCorrupted):
            format.verify(io.BytesIO(body), 2**30)


async def test_other_versions_and_other_files(other: Ledger, made: bytes, tmp_path: Path) -> None:
    start = format.MAGIC + (2).to_bytes(2, "big")
    newer = start + zlib.crc32(start).to_bytes(4, "big") + made[14:]
    assert isinstance(await fails(other, tmp_path / "n", newer), SnapshotVersion)
    for foreign in (b"", b"PK\3\4" + b"\0" * 100, b'{"records": []}', b"CLQSNAP\n"):
        error = await fails(other, tmp_path / "f", foreign)
        assert isinstance(error, SnapshotCorrupted)
    with pytest.raises(InvalidInput):
        await snapshots_of(other).verify(tmp_path)
    with pytest.raises(InvalidInput):
        await snapshots_of(other).import_(tmp_path / "missing", "skip", "ann")


async def test_too_large_is_refused_both_ways(other: Ledger, made: bytes, tmp_path: Path) -> None:
    error = await fails(other, tmp_path / "l", made, max_snapshot_bytes=20_000)
    assert isinstance(error, SnapshotTooLarge)
    with pytest.raises(SnapshotTooLarge):
        await snapshots_of(other, max_snapshot_bytes=20_000).export(tmp_path / "m", "ann")
    assert not (tmp_path / "m").exists()


async def test_forged_frames_are_refused_before_they_are_unpacked(made: bytes) -> None:
    """Their digests are right: only what they say of themselves is not."""
    header = next(_raw_frames(made))
    before = header[-format.DIGEST_BYTES :]

    def forged(packed: bytes, size: int, packed_size: int | None = None) -> bytes:
        head = struct.pack(">cII", b"R", packed_size or len(packed), size)
        return made[:14] + header + head + packed + format._digest(before, head + packed)

    zeros = zlib.compress(b"0" * 50_000_000, 9)
    rows = b'[["a","b",1],["a","c",{"b":1,"a":2}]]'
    deep = b'[["a","b",' + b"[" * 5000 + b"]" * 5000 + b"]]"
    for body in (
        forged(zeros, 1000),
        forged(zeros, 50_000_000),
        forged(zlib.compress(b"[]"), 2**32 - 1),
        forged(b"x", 10, 2**32 - 1),
        forged(b"no zlib", 10),
        forged(zlib.compress(b"[]") + b"more", 2),
        forged(zlib.compress(b"[]"), 2),
        forged(zlib.compress(rows), len(rows)),
        forged(zlib.compress(deep), len(deep)),
        forged(zlib.compress(b'{"a":1}'), 7),
    ):
        with pytest.raises(SnapshotCorrupted):
            format.verify(io.BytesIO(body), 2**30)


def _raw_frames(made: bytes) -> Iterator[bytes]:
    place = 14
    while place < len(made):
        _, packed, _ = struct.unpack_from(">cII", made, place)
        end = place + 9 + packed + format.DIGEST_BYTES
        yield made[place:end]
        place = end
