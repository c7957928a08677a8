"""The embedded engine: one SQLite file, one process, one writer thread with group commit.

Everything that waits when the writer comes round goes into one transaction, each piece in a
savepoint (engine decision 8). The writer spends its time inside SQLite, which gives up the
interpreter lock, so the event loop runs beside it. Reads run in the loop on a connection of their
own, those that look at many rows beside it on another; a third thread moves the write-ahead log
back into the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw

from ..model.errors import NotFound, StoreUnavailable, UnsupportedVersion
from . import schema
from .commit import Redo, Rows, Steps
from .file_lock import FileLock
from .queries import QUERIES
from .statements import STATEMENTS, sqlite_text, storable, storable_rows
from .store import Reading, Store

CHUNKS = (250, 64, 16, 4, 1)
"""Rows per statement: few texts to prepare, and 250 rows of 16 columns stay below the 16 KiB of
text that apsw caches."""
GROUP = 256
"""Jobs in one transaction at most, so that the first of them never waits for a whole flood."""
CHECKPOINT_PAGES = 2000
"""Pages (4 KiB) in the write-ahead log that wake the checkpointer."""

OPEN_WAIT_S = 10.0
"""A start waits longer for a locked database than a commit: nobody is served before it anyway."""

_OUTAGES = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.NoMemError,
    apsw.InterruptError,
    apsw.ProtocolError,
    apsw.CorruptError,
    apsw.NotADBError,
)


T = TypeVar("T")


class _Job(NamedTuple):
    make: Callable[[Any], Steps]
    inbox_numbers: int
    future: asyncio.Future[Any]


def _query(sql: str, parameters: tuple[Any, ...]) -> Callable[[apsw.Connection], Rows]:
    return lambda connection: connection.execute(sql, storable(parameters)).fetchall()


def _drive(connection: apsw.Connection, reading: Reading[T]) -> T:
    try:
        sql, parameters = next(reading)
        while True:
            sql, parameters = reading.send(_query(sql, tuple(parameters))(connection))
    except StopIteration as done:
        result: T = done.value
        return result


class SqliteStore(Store):
    """Durable state in one file. `lock_wait_s`: how long a transaction waits for a foreign lock."""

    dialect = "sqlite"
    shared = False
    keeps_a_file = True
    refusals = (
        apsw.ConstraintError,
        apsw.MismatchError,
        apsw.TooBigError,
        TypeError,
        ValueError,
        OverflowError,
    )

    def __init__(
        self,
        path: Path | str,
        *,
        lock_wait_s: float = 0.25,
        vfs: str | None = None,
        read_only: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self.lock = FileLock(self.path)
        self._lock_wait_s = lock_wait_s
        self._vfs = vfs
        self._read_only = read_only
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._checkpointer: threading.Thread | None = None
        self._checkpoint_due = threading.Event()
        self._closing = False
        self._reader: apsw.Connection | None = None
        self._scanner: apsw.Connection | None = None
        self._scanning = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._epoch = 0
        self._next_inbox = 1
        self._next_session = 1
        self._waiting = 0
        self._commits = 0
        self._commit_s = 0.0
        self._wal_pages = 0
        self._checkpoint_failures = 0

    # -- life ---------------------------------------------------------------------------------

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._read_only:
            if not self.path.exists():
                raise NotFound(f"no database at {self.path}")
            with self._opening() as connections:
                self._reader = reader = self._connect(connections)
                self._scanner = self._connect(connections)
                if schema.upgrade(self.dialect, self._revision(reader)):
                    raise UnsupportedVersion(f"{self.path} needs an upgrade: open it for writing")
            return
        if self.keeps_a_file:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.lock.acquire()
        with self._opening() as connections:
            writer = self._connect(connections)
            writer.set_busy_timeout(int(max(OPEN_WAIT_S, self._lock_wait_s) * 1000))
            writer.execute("PRAGMA journal_mode = WAL").fetchall()
            self._migrate(writer)
            self._take_ownership(writer)
            writer.set_busy_timeout(int(self._lock_wait_s * 1000))
            self._reader = self._connect(connections)
            self._scanner = self._connect(connections)
            checkpointer = self._connect(connections)
        writer.wal_autocheckpoint(0)
        writer.set_wal_hook(self._on_wal)
        self._writer = threading.Thread(
            target=self._write_loop, args=(writer,), name="colloquy-writer", daemon=True
        )
        self._writer.start()
        self._checkpointer = threading.Thread(
            target=self._checkpoint_loop,
            args=(checkpointer,),
            name="colloquy-checkpoint",
            daemon=True,
        )
        self._checkpointer.start()

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if self._writer is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
        if self._checkpointer is not None:
            self._checkpoint_due.set()
            await asyncio.to_thread(self._checkpointer.join)
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        async with self._scanning:
            if self._scanner is not None:
                self._scanner.close()
                self._scanner = None
        self.lock.release()

    @contextlib.contextmanager
    def _opening(self) -> Iterator[list[apsw.Connection]]:
        """Undoes a failed `open`, and says StoreUnavailable when the file cannot be had now."""
        connections: list[apsw.Connection] = []
        try:
            yield connections
        except BaseException as error:
            self._reader = self._scanner = None
            for connection in connections:
                connection.close()
            self.lock.release()
            if isinstance(error, _OUTAGES):
                raise StoreUnavailable(f"the database cannot be opened: {error}") from error
            raise

    def _connect(self, opened: list[apsw.Connection]) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE
        if not self._read_only:
            flags |= apsw.SQLITE_OPEN_CREATE
        connection = apsw.Connection(
            str(self.path), flags=flags, vfs=self._vfs, statementcachesize=512
        )
        opened.append(connection)
        connection.set_busy_timeout(int(self._lock_wait_s * 1000))
        if self._read_only:
            connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA mmap_size = 268435456")
        return connection

    def _revision(self, connection: apsw.Connection) -> str | None:
        """The schema's revision; None in an empty file."""
        known = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"
        if connection.execute(known).fetchall() == [(0,)]:
            return None
        rows = connection.execute("SELECT version_num FROM schema_version").fetchall()
        return str(rows[0][0])

    def _migrate(self, connection: apsw.Connection) -> None:
        script = schema.upgrade(self.dialect, self._revision(connection))
        with connection:
            for statement in schema.statements(script):
                connection.execute(statement).fetchall()

    def _take_ownership(self, connection: apsw.Connection) -> None:
        """The holder of the file lock owns every lease at once (engine decision 26)."""
        with connection:
            connection.execute(
                "UPDATE leases SET epoch = epoch + 1, owner = ?", (f"process-{os.getpid()}",)
            )

        def number(sql: str) -> int:
            value = connection.execute(sql).fetchall()[0][0]
            assert isinstance(value, int)
            return value

        self._epoch = number("SELECT max(epoch) FROM leases")
        self._next_inbox = number("SELECT value FROM counters WHERE name = 'inbox'") + 1
        self._next_session = number(QUERIES["session_top"]) + 1

    # -- the writer thread --------------------------------------------------------------------

    def _write_loop(self, connection: apsw.Connection) -> None:
        jobs = self._jobs
        while True:
            job = jobs.get()
            group: list[_Job] = []
            stop = False
            while True:
                if job is None:
                    stop = True
                else:
                    group.append(job)
                if stop or jobs.empty() or len(group) >= GROUP:
                    break
                job = jobs.get()
            if group:
                started = time.perf_counter()
                results = self._transaction(connection, group)
                self._commits += 1
                self._commit_s += time.perf_counter() - started
                self._answer(results)
            if stop:
                break
        with contextlib.suppress(*_OUTAGES):
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.close()

    def _answer(self, results: list[tuple[_Job, Any, BaseException | None]]) -> None:
        def resolve() -> None:
            for job, value, error in results:
                self._waiting -= 1
                if job.future.done():
                    continue
                if error is not None:
                    job.future.set_exception(error)
                else:
                    job.future.set_result(value)

        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            self._loop.call_soon_threadsafe(resolve)

    def _transaction(
        self, connection: apsw.Connection, group: list[_Job]
    ) -> list[tuple[_Job, Any, BaseException | None]]:
        """Runs the jobs in one transaction, each in a savepoint: one failing harms no other.

        Whatever goes wrong with the transaction itself is answered to all of them: this thread goes
        on, or everybody who waits for it would wait for ever.
        """
        results: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            if connection.in_transaction:  # the rollback below had failed
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            for job in group:
                connection.execute("SAVEPOINT job")
                try:
                    value = self._drive(connection, job)
                except _OUTAGES:
                    raise
                except Exception as error:
                    connection.execute("ROLLBACK TO job")
                    results.append((job, None, error))
                else:
                    results.append((job, value, None))
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except Exception as error:
            if connection.in_transaction:  # SQLite rolls back by itself on some errors
                with contextlib.suppress(apsw.Error):  # tried again before the next transaction
                    connection.execute("ROLLBACK")
            reason = f"the database cannot be written: {error}"
            return [(job, None, StoreUnavailable(reason)) for job in group]
        return results

    def _drive(self, connection: apsw.Connection, job: _Job) -> Any:
        if job.inbox_numbers:
            first = self._next_inbox
            self._next_inbox += job.inbox_numbers
            # Absolute, not added: after a rolled back job the stored number must not lag behind.
            self._run(connection, "counter_raise", [("inbox", self._next_inbox - 1)])
            return self._steps(connection, job.make(range(first, self._next_inbox)))
        excluded: dict[int, Any] = {}
        while True:
            try:
                return self._steps(connection, job.make(excluded))
            except Redo as redo:
                connection.execute("ROLLBACK TO job")
                excluded |= redo.verdicts

    def _steps(self, connection: apsw.Connection, steps: Steps) -> Any:
        try:
            name, rows = next(steps)
            while True:
                name, rows = steps.send(self._run(connection, name, rows))
        except StopIteration as done:
            return done.value

    def _run(self, connection: apsw.Connection, name: str, rows: Rows) -> Rows:
        if name not in STATEMENTS:
            return connection.execute(QUERIES[name], storable(rows[0])).fetchall()
        rows = storable_rows(name, rows)
        found: Rows = []
        start = 0
        total = len(rows)
        for size in CHUNKS:
            while total - start >= size:
                chunk = rows[start : start + size]
                found += connection.execute(
                    sqlite_text(name, size), tuple(chain.from_iterable(chunk))
                ).fetchall()
                start += size
        return found

    # -- the write-ahead log ------------------------------------------------------------------

    def _on_wal(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        if pages >= CHECKPOINT_PAGES:
            self._checkpoint_due.set()
        return apsw.SQLITE_OK

    def _checkpoint_loop(self, connection: apsw.Connection) -> None:
        while True:
            self._checkpoint_due.wait()
            self._checkpoint_due.clear()
            if self._closing:
                break
            try:
                # PASSIVE moves the bulk without stopping the writer; RESTART holds it only for the
                # few pages since, and lets the next transaction begin at the log's start.
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            except apsw.Error:
                # Most often a reader or a foreign lock is in the way; the next commit asks again.
                self._checkpoint_failures += 1
        connection.close()

    # -- primitives ---------------------------------------------------------------------------

    async def _write(self, make: Callable[[Any], Steps], inbox_numbers: int = 0) -> Any:
        if self._closing or self._writer is None:
            raise StoreUnavailable("the store is closed")
        assert self._loop is not None
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting += 1
        self._jobs.put(_Job(make, inbox_numbers, future))
        return await future

    async def read(self, name: str, rows: Rows) -> Rows:
        if not rows:
            return []
        return self._guarded(self._reader, lambda connection: self._run(connection, name, rows))

    async def query(self, name: str, *parameters: Any) -> Rows:
        return self._guarded(self._reader, _query(QUERIES[name], parameters))

    async def scan(self, name: str, *parameters: Any) -> Rows:
        return await self.select(QUERIES[name], *parameters)

    async def select(self, sql: str, *parameters: Any) -> Rows:
        """One at a time, on a connection and in a thread of their own."""
        return await self._scan(_query(sql, parameters))

    async def explore(self, reading: Reading[T]) -> T:
        return await self._scan(lambda connection: _drive(connection, reading))

    async def _scan(self, work: Callable[[apsw.Connection], T]) -> T:
        async with self._scanning:
            running = asyncio.ensure_future(asyncio.to_thread(self._guarded, self._scanner, work))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                # A connection serves one thread at a time: the next scan waits for this one.
                await asyncio.wait([running])
                raise

    @staticmethod
    def _guarded(connection: apsw.Connection | None, work: Callable[[apsw.Connection], T]) -> T:
        if connection is None:
            raise StoreUnavailable("the store is closed")
        try:
            return work(connection)
        except _OUTAGES as error:
            raise StoreUnavailable(f"the database cannot be read: {error}") from error

    async def new_session_numbers(self, count: int) -> list[int]:
        first = self._next_session
        self._next_session += count
        return list(range(first, first + count))

    async def new_inbox_numbers(self, count: int) -> list[int]:
        def steps(ids: Any) -> Steps:
            yield from ()
            return list(ids)

        result: list[int] = await self._write(steps, inbox_numbers=count)
        return result

    async def hold_leases(self, owner: str, lease_s: float) -> dict[int, int]:
        rows = await self.query("leases")
        return {partition: epoch for partition, epoch in rows if epoch == self._epoch}

    async def drop_leases(self, owner: str) -> None:
        """Nothing to give back: the next process takes the file lock."""

    def stats(self) -> dict[str, float]:
        return {
            "wal_bytes": self._wal_pages * 4096.0,
            "write_queue": float(self._waiting),
            "commits": float(self._commits),
            "commit_seconds": self._commit_s,
            "checkpoint_failures": float(self._checkpoint_failures),
        }

    def listen(self, callback: Callable[[str, str], None]) -> None:
        """There are no other processes to hear from."""

    async def signal(self, topic: str, text: str) -> None:
        """There are no other processes to tell."""

    def hint(self, topic: str, text: str) -> None:
        """There are no other processes to tell."""
