"""Power loss: what was acknowledged is there, although nothing but synced writes survives
(engine decision 39). SIGKILL cannot show this: the page cache outlives the process.

A VFS beside SQLite's own passes everything on and keeps, for each file, what the disk would hold:
the bytes at its last sync, and the writes since. A "power loss" is a copy of the disk just then,
on which a random part of the unsynced writes arrived, the last of them perhaps torn. The store goes
on and never learns of it; afterwards each copy is opened as if it had been the end.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from colloquy.storage import sqlite
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import session_from
from colloquy.storage.write_set import Unit, Verdict
from support.storage import change, commit, events, message, reply, started, state

SECTOR = 512
CUTS = 12
Write = tuple[int, bytes | None]
"""(offset, bytes), or (size, None) for a truncation."""


class Disk:
    """What would be left of each file, by name."""

    def __init__(self) -> None:
        self.synced: dict[str, bytearray] = {}
        self.pending: dict[str, list[Write]] = {}
        self.guard = threading.RLock()
        self.on_operation: Callable[[], None] = lambda: None

    def opened(self, name: str) -> None:
        with self.guard:
            self.synced.setdefault(name, bytearray())
            self.pending.setdefault(name, [])

    def wrote(self, name: str, write: Write) -> None:
        with self.guard:
            self.pending[name].append(write)
            self.on_operation()

    def synchronised(self, name: str) -> None:
        with self.guard:
            # The moment before counts too: everything written, nothing promised.
            self.on_operation()
            for write in self.pending[name]:
                apply(self.synced[name], write)
            self.pending[name].clear()
            self.on_operation()

    def deleted(self, name: str) -> None:
        with self.guard:
            self.synced.pop(name, None)
            self.pending.pop(name, None)

    def lose_power(self, folder: Path, chance: random.Random) -> None:
        """Writes into `folder` what a power loss now would leave."""
        folder.mkdir()
        with self.guard:
            for name, base in self.synced.items():
                image = bytearray(base)
                pending = self.pending[name]
                # Nothing, everything, or any part of it, in any order: a disk promises nothing.
                share = chance.choice((0.0, 0.0, 0.5, 0.9, 1.0))
                arrived = [write for write in pending if chance.random() < share]
                if chance.random() < 0.5:
                    chance.shuffle(arrived)
                for write in arrived:
                    apply(image, write)
                if arrived and (torn := arrived[-1])[1] is not None:
                    offset, data = torn
                    kept = chance.randrange(0, len(data) + 1, SECTOR) if data else 0
                    image[offset + kept : offset + len(data)] = bytes(len(data) - kept)
                (folder / Path(name).name).write_bytes(image)


def apply(image: bytearray, write: Write) -> None:
    offset, data = write
    if data is None:
        del image[offset:]
        return
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


class _File(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int], disk: Disk) -> None:
        super().__init__("", name, flags)
        self.disk = disk
        self.name = name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary"
        disk.opened(self.name)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self.disk.wrote(self.name, (offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self.disk.wrote(self.name, (size, None))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self.disk.synchronised(self.name)


class LosingVfs(apsw.VFS):
    """Passes everything on and tells the disk."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self.disk = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:
        return _File(name, flags, self.disk)

    def xDelete(self, name: str, syncdir: bool) -> None:
        super().xDelete(name, syncdir)
        self.disk.deleted(name)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    vfs = LosingVfs("losing", disk)
    yield disk
    vfs.unregister()


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_acknowledged_survives(
    tmp_path: Path, disk: Disk, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 60)  # so that checkpoints are cut as well
    chance = random.Random(seed)
    store = SqliteStore(tmp_path / "a.db", vfs="losing")
    await store.open()
    rows = [await started(store) for _ in range(5)]
    acknowledged: list[bytes] = []
    finished: list[int] = []
    cuts: list[tuple[Path, int, int]] = []
    operations = 0
    next_cut = chance.randrange(5, 60)

    def maybe_cut() -> None:
        nonlocal operations, next_cut
        operations += 1
        if operations >= next_cut and len(cuts) < CUTS:
            next_cut = operations + chance.randrange(5, 90)
            # First what was answered, then the disk: the other way round would prove nothing.
            known = len(acknowledged), len(finished)
            folder = tmp_path / f"cut{len(cuts)}"
            disk.lose_power(folder, chance)
            cuts.append((folder, *known))

    disk.on_operation = maybe_cut

    async def talk(name: int) -> None:
        row = rows[name]
        for turn in range(14):
            batch = [message(b"%d" % (name * 1000 + turn)) for _ in range(chance.randrange(1, 12))]
            found = await store.accept(batch)
            acknowledged.extend(item.message_id for item in batch)
            unit = Unit(
                session=row.number, at=1, version=turn, state=state(turn + 1),
                done=tuple(item.inbox_id for item in found), outbox=[reply(1)],
                events=events("message", "reply", inbox_id=found[0].inbox_id),
                changes=[change(f"k{name}"), change("shared")],
            )  # fmt: skip
            (outcome,) = await commit(store, unit)
            assert outcome.verdict is Verdict.COMMITTED
            finished.append(row.number)

    await asyncio.gather(*(talk(name) for name in range(5)))
    disk.on_operation = lambda: None
    order = list(finished)
    await store.close()

    assert len(cuts) == CUTS
    for folder, messages, turns in cuts:
        await check(folder / "a.db", acknowledged[:messages], order[:turns])


async def check(path: Path, acknowledged: list[bytes], finished: list[int]) -> None:
    """Opens a copy as the next start would, and compares."""
    store = SqliteStore(path)
    await store.open()
    file = apsw.Connection(str(path))
    assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.close()
    for key in acknowledged:
        assert await store.query("message_key", key), "an accepted message is gone"
    for number in set(finished):
        found = await store.events(number, 0, 1000)
        assert len(found) >= 2 * finished.count(number), "a committed turn is gone"
        # Whole or not at all: every turn has its two events, its reply, its state, its changes.
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        assert len(found) % 2 == 0
        assert len(await store.outbox_of(number)) == len(found) // 2
        (row,) = await store.read("sessions_by_number", [(number,)])
        session = session_from(row)
        assert (session.version, session.last_seq) == (len(found) // 2, len(found))
    changes = await store.changes(0, 10_000)
    assert [row.position for row in changes] == list(range(1, len(changes) + 1))
    assert len(changes) == len(await store.query("events_feed", 0, 10_000))
    # And it can go on.
    assert [item.status for item in await store.accept([message()])] == ["stored"]
    await store.close()


def test_the_disk_forgets_what_was_not_synced(tmp_path: Path, disk: Disk) -> None:
    """The proof is worth something: without the sync of each commit it would have failed."""
    lost = {"FULL": 0, "OFF": 0}
    for mode in lost:
        path = tmp_path / f"{mode}.db"
        connection = apsw.Connection(str(path), vfs="losing")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA synchronous = {mode}")
        connection.execute("INSERT INTO t VALUES (randomblob(9000))")
        for seed in range(20):
            folder = tmp_path / f"{mode}{seed}"
            disk.lose_power(folder, random.Random(seed))
            copy = apsw.Connection(str(folder / path.name))
            lost[mode] += copy.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
            copy.close()
        connection.close()
    assert lost["FULL"] == 0
    assert lost["OFF"] > 5
