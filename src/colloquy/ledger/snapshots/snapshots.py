"""Snapshots of one ledger: written, verified, brought in again.

snapshot = await snapshots.export(Path("prices.snapshot"), "ann", scope=Scope(collections=("p",)))
imported = await snapshots.import_(Path("prices.snapshot"), "overwrite", "ann")
await ledger.start(Request(point=imported.point, scope=Scope(origin=imported.id)), "ann")  # undoes
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from ...model.counting import counted
from ...model.errors import InvalidInput, LedgerConflict, SnapshotCorrupted
from ...model.ids import uuid7
from ...model.times import rfc3339
from ...settings import LedgerSettings
from ..audit import Entry
from ..collections import decode_value, encode_value
from ..ledger import AUTOMATIC_US, Ledger
from ..points import NewPoint
from ..scope import NEVER, Scope, check_scope
from .format import (
    CHUNK_BYTES,
    CHUNK_RECORDS,
    RECORDS,
    Header,
    Packer,
    Record,
    Snapshot,
    Tally,
    read,
    records_of,
    verify,
)
from .importing import Import, Policy, Tallied

EVERYTHING = Scope()

Write = Callable[[bytes], object]

AUTOMATIC = "before_import"
PAGE = 500
"""Records named at a time."""
GROUP_BYTES = 2 * 1024 * 1024
"""Values in memory at a time."""
MOST_NAMES = 100
"""Names of records listed in a result or an error."""


class Imported(Struct, frozen=True, kw_only=True):
    """`id` is the origin of the rows it wrote, `point` was made before it. `refused` are records
    that their collection did not let in, with the reason: MOST_NAMES of them."""

    id: str
    point: str
    written: int
    unchanged: int
    skipped: int
    refused: list[str]


class Snapshots:
    """All methods may raise StoreUnavailable, and InvalidInput where a file cannot be used."""

    def __init__(self, ledger: Ledger, settings: LedgerSettings) -> None:
        self._ledger = ledger
        self._limit = settings.max_snapshot_bytes

    # -- out ----------------------------------------------------------------------------------

    async def export(
        self,
        to: Path | BinaryIO,
        actor: str,
        *,
        point: str | None = None,
        position: int | None = None,
        scope: Scope = EVERYTHING,
    ) -> Snapshot:
        """Writes the records as of a point or a position, else as they are now. A file is there
        whole or not at all; what it replaces is there until then.

        Raises NotFound, PointExpired, NotRestorable, InvalidInput, SnapshotTooLarge.
        """
        self._check_scope(scope)
        at = await self._position(point, position)
        header = Header(
            engine=_engine(), created_at=rfc3339(self._ledger.clock()), position=at, point=point,
            scope=scope,
        )  # fmt: skip
        if isinstance(to, Path):
            snapshot = await self._into_file(to, header)
        else:
            snapshot = await self._written(to.write, header)
        await self._ledger.audit.add(
            Entry(at=self._ledger.clock(), actor=actor, event="snapshot_exported",
                  message=f"{counted(snapshot.trailer.records, 'record')} as of position {at}",
                  point=point, data={"checksum": snapshot.trailer.checksum})
        )  # fmt: skip
        return snapshot

    async def _position(self, point: str | None, position: int | None) -> int:
        head = await self._ledger.history.head()
        if point is not None and position is not None:
            raise InvalidInput("give a `point` or a `position`", field="position")
        if point is not None:
            position = (await self._ledger.points.get(point)).position
        if position is None:
            return head
        if not 0 <= position <= head:
            raise InvalidInput(f"the ledger ends at position {head}", field="position")
        await self._ledger.history.check_restorable(position)
        return position

    def _check_scope(self, scope: Scope) -> None:
        check_scope(scope)
        if scope.looks_at_changes:
            raise InvalidInput("a snapshot is of records, whoever changed them", field="scope")
        named = {*scope.collections, *(collection for collection, _ in scope.exact)}
        self._check_collections(named, "scope.collections")

    def _check_collections(self, names: set[str], field: str) -> None:
        for name in sorted(names):
            if name in NEVER or not self._ledger.collections[name].restorable:
                raise InvalidInput(f"records of {name!r} are in no snapshot", field=field)

    async def _into_file(self, to: Path, header: Header) -> Snapshot:
        part = to.with_name(f".{to.name}.{uuid7().hex()}.part")
        try:
            stream = await asyncio.to_thread(part.open, "xb")
        except OSError as error:
            raise InvalidInput(f"{to} cannot be written: {error.strerror}", field="path") from None
        try:
            with stream:
                snapshot = await self._written(stream.write, header)
                await asyncio.to_thread(_synced, stream)
            await asyncio.to_thread(_put, part, to)
        except OSError as error:
            raise InvalidInput(f"{to} cannot be written: {error.strerror}", field="path") from None
        finally:
            part.unlink(missing_ok=True)
        return snapshot

    async def _written(self, write: Write, header: Header) -> Snapshot:
        packer, tally = Packer(), Tally(self._limit)

        def add(records: list[Record]) -> None:
            # Not every writer of rows minds the order of keys; in a snapshot all are alike.
            alike = [(*one[:2], encode_value(decode_value(one[2]))) for one in records]
            for chunk in _chunks(alike):
                frame, size = packer.records(chunk)
                tally.add(chunk, size)
                write(frame)

        await asyncio.to_thread(lambda: write(packer.header(header)))
        async for records in self._records(header.position, header.scope):
            await asyncio.to_thread(add, records)
        # Compaction may have passed us; then some of what we read is not what was so.
        await self._ledger.history.check_restorable(header.position)
        trailer = tally.trailer()
        await asyncio.to_thread(lambda: write(packer.end(trailer)))
        return Snapshot(header, trailer)

    async def _records(self, position: int, scope: Scope) -> AsyncIterator[list[Record]]:
        """As `History.records`, but never more than GROUP_BYTES of values at a time, and one."""
        store, collections = self._ledger.store, self._ledger.collections
        place = ("", "")
        while rows := await store.scan("ledger_sizes_page", *place, position, PAGE):
            place = rows[-1][:2]
            wanted = [row for row in rows if scope.has_record(row[0], row[1], collections)]
            for group in _groups(wanted):
                found = await store.read("changes_by_position", [(at,) for _, _, at, _ in group])
                values = {row[0]: row[7] for row in found}
                # One that compaction took meanwhile makes the snapshot fail at its end.
                yield [(collection, key, values[at]) for collection, key, at, _ in group
                       if at in values]  # fmt: skip

    # -- in -----------------------------------------------------------------------------------

    async def verify(self, path: Path) -> Snapshot:
        """What a snapshot holds, once all of it was read and found sound.

        Raises SnapshotCorrupted, SnapshotVersion, SnapshotTooLarge.
        """
        with await asyncio.to_thread(_opened, path) as stream:
            snapshot, _ = await asyncio.to_thread(verify, stream, self._limit)
        return snapshot

    async def import_(
        self, path: Path, policy: Policy, actor: str, *, id_: str | None = None, reason: str = ""
    ) -> Imported:
        """Writes the records of a snapshot, after all of it was verified and a point was made.

        `overwrite` changes records that are otherwise, `skip` leaves them, `abort` writes nothing
        where one is; if somebody writes such a record while it works, it rolls back what it wrote.
        `id_` goes on with an import that was interrupted; without it a second one
        finds what the first one wrote unchanged. What is not in the snapshot stays.

        Raises SnapshotCorrupted, SnapshotVersion, SnapshotTooLarge, InvalidInput for records of a
        collection that is not restorable, LedgerConflict.
        """
        if policy not in ("overwrite", "skip", "abort"):
            raise InvalidInput("one of overwrite, skip, abort", field="policy")
        with await asyncio.to_thread(_opened, path) as stream:
            snapshot, digests = await asyncio.to_thread(verify, stream, self._limit)
            self._check_collections(set(snapshot.trailer.collections), "path")
            id_ = id_ or uuid7().hex()
            work = Import(self._ledger, snapshot.header.scope, policy, actor, id_)
            found = await self._ranks(stream, digests, work)
            if policy == "abort":
                await self._check_same(stream, digests, work)
            point = await self._point(id_, actor, reason)
            done = Tallied()
            try:
                for rank in sorted(found):
                    async for records in _Again(stream, digests):
                        done += await work.write(records, rank)
            except LedgerConflict as conflict:
                raise await work.taken_back(conflict, point) from conflict
        refused = done.refused[:MOST_NAMES]
        await self._ledger.audit.add(
            Entry(at=self._ledger.clock(), actor=actor, event="snapshot_imported",
                  message=f"{counted(done.written, 'record')} written", point=point, operation=id_,
                  severity="warn" if refused else "info", reason=reason,
                  data={"unchanged": done.unchanged, "skipped": done.skipped, "refused": refused})
        )  # fmt: skip
        return Imported(id=id_, point=point, written=done.written, unchanged=done.unchanged,
                        skipped=done.skipped, refused=refused)  # fmt: skip

    async def _ranks(self, stream: BinaryIO, digests: list[bytes], work: Import) -> set[int]:
        found: set[int] = set()
        async for records in _Again(stream, digests):
            found |= work.ranks(records)
        return found

    async def _check_same(self, stream: BinaryIO, digests: list[bytes], work: Import) -> None:
        """Raises LedgerConflict where a record is otherwise than in the snapshot."""
        differing: list[str] = []
        async for records in _Again(stream, digests):
            differing += await work.differing(records)
        if differing:
            raise LedgerConflict(
                f"otherwise than in the snapshot: {counted(len(differing), 'record')}, such as"
                f" {differing[0]}; nothing was written",
                conflicts=differing[:MOST_NAMES],
            )

    async def _point(self, id_: str, actor: str, reason: str) -> str:
        """The point before this import: that of its first attempt, or a new one."""
        place = None
        while True:
            page = await self._ledger.points.page(place, 100, automatic=AUTOMATIC)
            for row in page.rows:
                if msgspec.json.decode(row.metadata).get("import") == id_:
                    found: str = row.id
                    return found
            if page.cursor is None:
                break
            place = page.cursor
        new = NewPoint(name="before an import", description=reason, lifetime_us=AUTOMATIC_US,
                       automatic=AUTOMATIC, metadata={"import": id_})  # fmt: skip
        return (await self._ledger.create_point(new, actor)).id


def _groups(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of statement `ledger_sizes_page`, by the size of their values."""
    group: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        if group and size + row[3] > GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(row)
        size += row[3]
    if group:
        yield group


def _chunks(records: list[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    size = 0
    for record in records:
        more = len(record[0]) + len(record[1]) + len(record[2])
        if chunk and (size + more > CHUNK_BYTES or len(chunk) == CHUNK_RECORDS):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += more
    if chunk:
        yield chunk


class _Again:
    """Reads the frames of records once more; each must be the one that was verified."""

    def __init__(self, stream: BinaryIO, digests: list[bytes]) -> None:
        stream.seek(0)
        self._frames = read(stream)
        self._digests = iter(digests)

    def __aiter__(self) -> _Again:
        return self

    async def __anext__(self) -> list[Record]:
        found = await asyncio.to_thread(self._next)
        if found is None:
            raise StopAsyncIteration
        return found

    def _next(self) -> list[Record] | None:
        for frame in self._frames:
            if frame.kind != RECORDS:
                continue
            if next(self._digests, None) != frame.digest:
                raise SnapshotCorrupted("the file was changed while it was read")
            return records_of(frame)
        return None


def _engine() -> str:
    """The version of this program; empty where it runs without being installed."""
    try:
        return version("colloquy")
    except PackageNotFoundError:
        return ""


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise InvalidInput(f"{path} is no file", field="path")
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="path") from None


def _synced(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _put(part: Path, to: Path) -> None:
    part.replace(to)
    descriptor = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
