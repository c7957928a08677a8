"""The shared engine: PostgreSQL through asyncpg, for as many processes as one likes.

The same statements and steps as the embedded engine, one transaction per call (READ COMMITTED, rows
locked in key order). What may differ and why: a guard that fails rolls the transaction back instead
of a savepoint, so that the common case pays no round trip for one; collisions with other processes
are run again; leases are rows, held by workers that show themselves alive.

When the connection breaks during COMMIT nobody knows whether it happened. The caller sees
StoreUnavailable and tries again: keys and guards make that safe, a repeated accept is a duplicate
and a repeated commit is done already.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from asyncpg import exceptions

from ..model.errors import StoreUnavailable
from ..model.ids import PARTITIONS, uuid7
from ..settings import SignalSettings
from . import schema
from .commit import Redo, Rows, Steps
from .postgres_connections import COLLISIONS, OUTAGES, REFUSALS, Connections, connect
from .postgres_vectors import PostgresVectors, require_extension
from .queries import POSTGRES_QUERIES, QUERIES
from .signals.carrier import Carrier, carrier_to
from .signals.postgres import PostgresCarrier, identity_of
from .signals.signals import Signals
from .statements import STATEMENTS, postgres_text, storable, storable_rows
from .store import Store
from .vectors import VectorIndex

ATTEMPTS = 8
"""Runs of one transaction that keeps colliding with others."""
FIRST_PAUSE_S = 0.004
FORGET_WORKER_US = 60_000_000
"""A worker that was not seen for so long is no longer listed."""

# A statement that makes news for other processes: topic, and the column with the number to tell.
_NEWS = {"inbox_insert": ("inbox", 3), "event_insert": ("events", 0)}

_SET = """SELECT set_config(name, value, true)
    FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)"""

Work = Callable[[Any], Awaitable[Any]]


class PostgresStore(Store):
    """Durable state in a PostgreSQL database that other processes may use at the same time.

    `writers` and `readers` bound the connections (one more carries signals, unless `signals` names
    a server for them). `timeout_s` bounds every statement and every wait for a connection,
    `lock_wait_s` the wait for a row lock, after which the transaction runs again. A process that
    stops in the middle of a transaction loses it, and its locks, after `idle_transaction_s`.
    """

    dialect = "postgresql"
    shared = True
    refusals = REFUSALS

    def __init__(
        self,
        url: str,
        *,
        writers: int = 4,
        readers: int = 4,
        timeout_s: float = 10.0,
        lock_wait_s: float = 1.0,
        idle_transaction_s: float = 5.0,
        signals: SignalSettings | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """Raises ExtraMissing where the package for the server of signals is not installed."""
        scheme = urlsplit(url).scheme.partition("+")[0]
        self.url = urlunsplit(urlsplit(url)._replace(scheme=scheme))
        self._settings = {
            "application_name": "colloquy",
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",
            "lock_timeout": str(int(lock_wait_s * 1000)),
            "statement_timeout": str(int(timeout_s * 1000)),
            "idle_in_transaction_session_timeout": str(int(idle_transaction_s * 1000)),
            "jit": "off",
        }
        self._timeout_s = timeout_s
        self._lock_wait_s = lock_wait_s
        self._chance = chance or random.Random()
        self._writers = self._connections(writers)
        self._readers = self._connections(readers)
        told = signals or SignalSettings()
        self._signals = Signals(self._carrier(told), prefix=told.prefix)
        self._identity = uuid7().hex()
        """Tells this store from every other, also from an earlier one of the same owner's name."""
        self._draining: dict[str, frozenset[int]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._builds: set[asyncio.Task[None]] = set()
        self._state = "new"
        self._commits = 0
        self._commit_s = 0.0
        self._retries = 0

    def _connections(self, size: int) -> Connections:
        return Connections(self.url, size, timeout_s=self._timeout_s, settings=self._settings)

    def _carrier(self, told: SignalSettings) -> Carrier:
        if told.server is not None:
            return carrier_to(told.server)
        return PostgresCarrier(
            lambda: connect(self.url, timeout_s=self._timeout_s, settings=self._settings)
        )

    # -- life ---------------------------------------------------------------------------------

    async def open(self) -> None:
        try:
            await self._transact(self._migrate)
            await self._signals.open(await self._transact(identity_of))
        except BaseException:
            await self._writers.close()
            raise
        self._state = "open"

    async def close(self) -> None:
        if self._state == "closed":
            return
        self._state = "closed"
        for build in self._builds:
            build.cancel()
        await asyncio.gather(*self._builds, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running)
        await self._signals.close()
        await self._writers.close()
        await self._readers.close()

    async def _migrate(self, connection: Any) -> None:
        """Several processes may start at once: one brings the schema up, the others wait."""
        if not schema.upgrade(self.dialect, await self._revision(connection)):
            return
        await connection.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('colloquy.schema'))", timeout=3600.0
        )
        script = schema.upgrade(self.dialect, await self._revision(connection))
        if script:
            await connection.execute(script, timeout=3600.0)

    async def _revision(self, connection: Any) -> str | None:
        """The schema's revision; None in an empty database."""
        # A query and not to_regclass(), which may answer from this session's cache that the table
        # is not there, although another process has made it in the meantime.
        if not await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE tablename = 'schema_version'"
            " AND schemaname = ANY (current_schemas(false))"
        ):
            return None
        return str(await connection.fetchval("SELECT version_num FROM schema_version"))

    # -- transactions -------------------------------------------------------------------------

    async def _transact(self, work: Work) -> Any:
        """Runs `work` on a connection inside a transaction; again when it collided with another.

        A connection that turns out to be dead before COMMIT costs one more run on a fresh one.
        """
        deadline = time.monotonic() + self._timeout_s
        losses = 0
        attempt = 0
        while True:
            connection = await self._writers.acquire()
            committing = False
            try:
                await connection.execute("BEGIN")
                value = await work(connection)
                committing = True
                await connection.execute("COMMIT")
                return value
            except COLLISIONS as error:
                await _roll_back(connection)
                attempt += 1
                if attempt >= ATTEMPTS or time.monotonic() > deadline:
                    raise StoreUnavailable(f"the transaction kept colliding: {error}") from error
            except OUTAGES as error:
                if isinstance(error, exceptions.InterfaceError) and not connection.is_closed():
                    await _roll_back(connection)  # our own mistake, not the server's absence
                    raise
                connection.terminate()
                losses += 1
                if committing or losses > 1 or isinstance(error, TimeoutError):
                    reason = str(error) or type(error).__name__
                    raise StoreUnavailable(f"the database was lost: {reason}") from error
            except Exception:
                await _roll_back(connection)
                raise
            except BaseException:
                connection.terminate()
                raise
            finally:
                self._writers.release(connection)
            self._retries += 1
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_S * 2**attempt * self._chance.random())

    async def work(self, run: Work) -> Any:
        """What `run` does with a connection, as one transaction; again when it collided with
        another."""
        return await self._handed_in(self._transact(run))

    def build(self, run: Work) -> asyncio.Task[None]:
        """Begins what may take hours, one transaction on a connection of its own. Closing the store
        breaks it off."""
        task = asyncio.get_running_loop().create_task(self._build(run))
        self._builds.add(task)
        task.add_done_callback(self._builds.discard)
        return task

    async def _build(self, run: Work) -> None:
        connection = await connect(self.url, timeout_s=self._timeout_s, settings=self._settings)
        try:
            async with connection.transaction():
                await run(connection)
        finally:
            await connection.close(timeout=self._timeout_s)

    async def _write(self, make: Callable[[Any], Steps], inbox_numbers: int = 0) -> Any:
        # A task of its own: what was handed in runs to its end, whoever stops waiting for it.
        return await self._handed_in(self._write_steps(make, inbox_numbers))

    async def _handed_in(self, work: Any) -> Any:
        if self._state != "open":
            work.close()
            raise StoreUnavailable("the store is closed")
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it was or will be raised to whoever still waits

    async def _write_steps(self, make: Callable[[Any], Steps], inbox_numbers: int) -> Any:
        excluded: dict[int, Any] = {}
        news: dict[str, set[int]] = {}

        async def run(connection: Any) -> Any:
            news.clear()
            argument: Any = excluded
            if inbox_numbers:
                argument = await self._numbers(connection, "inbox_numbers", inbox_numbers)
            return await self._steps(connection, make(argument), news)

        started = time.perf_counter()
        while True:
            try:
                value = await self._transact(run)
                break
            except Redo as redo:
                excluded |= redo.verdicts
        self._commits += 1
        self._commit_s += time.perf_counter() - started
        for topic, numbers in news.items():
            self._signals.tell(topic, numbers)
        return value

    async def _steps(self, connection: Any, steps: Steps, news: dict[str, set[int]]) -> Any:
        try:
            name, rows = next(steps)
            while True:
                found = await self._run(connection, name, rows)
                if name in _NEWS:
                    topic, column = _NEWS[name]
                    news.setdefault(topic, set()).update(row[column] for row in rows)
                name, rows = steps.send(found)
        except StopIteration as done:
            return done.value
        finally:
            steps.close()

    async def _run(self, connection: Any, name: str, rows: Rows) -> Rows:
        if name in STATEMENTS:
            columns = zip(*storable_rows(name, rows), strict=True)
            found = await connection.fetch(postgres_text(name), *columns)
        else:
            text = POSTGRES_QUERIES.get(name) or QUERIES[name]
            found = await connection.fetch(text, *storable(rows[0]))
        return [tuple(row) for row in found]

    async def _numbers(self, connection: Any, name: str, count: int) -> list[int]:
        return [number for (number,) in await self._run(connection, name, [(count,)])]

    # -- reading ------------------------------------------------------------------------------

    async def read(self, name: str, rows: Rows) -> Rows:
        if not rows:
            return []
        return await self._read(lambda connection: self._run(connection, name, rows))

    async def query(self, name: str, *parameters: Any) -> Rows:
        return await self._read(lambda connection: self._run(connection, name, [parameters]))

    async def select(self, sql: str, *parameters: Any) -> Rows:
        async def run(connection: Any) -> Rows:
            return [tuple(row) for row in await connection.fetch(sql, *storable(parameters))]

        return await self._read(run)

    async def select_with(self, settings: Mapping[str, str], sql: str, *parameters: Any) -> Rows:
        """As `select`, under settings of the server that hold for this query alone."""

        async def run(connection: Any) -> Rows:
            async with connection.transaction(readonly=True):
                await connection.fetch(_SET, list(settings), list(settings.values()))
                return [tuple(row) for row in await connection.fetch(sql, *storable(parameters))]

        return await self._read(run)

    async def _read(self, run: Work) -> Rows:
        """One statement, once more when its connection turns out to be dead."""
        if self._state != "open":
            raise StoreUnavailable("the store is closed")
        for last in (False, True):
            connection = await self._readers.acquire()
            try:
                rows: Rows = await run(connection)
                return rows
            except OUTAGES as error:
                if isinstance(error, exceptions.InterfaceError) and not connection.is_closed():
                    raise
                connection.terminate()
                if last or isinstance(error, TimeoutError):
                    reason = str(error) or type(error).__name__
                    raise StoreUnavailable(f"the database was lost: {reason}") from error
            except asyncio.CancelledError:
                connection.terminate()
                raise
            finally:
                self._readers.release(connection)
        raise AssertionError

    async def own_vectors(self, model: str, dimensions: int) -> VectorIndex:
        await require_extension(self)
        return PostgresVectors(self, model, dimensions)

    # -- numbers ------------------------------------------------------------------------------

    async def new_session_numbers(self, count: int) -> list[int]:
        return [number for (number,) in await self.query("session_numbers", count)]

    async def new_inbox_numbers(self, count: int) -> list[int]:
        return [number for (number,) in await self.query("inbox_numbers", count)]

    # -- leases -------------------------------------------------------------------------------

    async def hold_leases(self, owner: str, lease_s: float) -> dict[int, int]:
        """A lease lives as long as its worker is seen, by the database's clock; each worker holds
        a fair share. What is over the share is `draining` for one round, then given up."""
        name = self._name(owner)
        beat = (name, int(lease_s * 1_000_000), msgspec.json.encode(_whoami()))

        async def show(connection: Any) -> None:
            await self._run(connection, "worker_beat", [beat])

        async def share_out(connection: Any) -> tuple[dict[int, int], frozenset[int]]:
            await self._run(connection, "lease_lock", [()])
            await self._run(connection, "workers_forget", [(FORGET_WORKER_US,)])
            ((live,),) = await self._run(connection, "workers_live", [()])
            share = -(-PARTITIONS // live)
            held: dict[int, int] = dict(await self._run(connection, "leases_held", [(name,)]))
            surplus = frozenset(sorted(held)[share:])
            given = surplus & self._draining.get(owner, frozenset())
            if given:
                gone = await self._run(connection, "leases_release", [(name, sorted(given))])
                for partition, _ in gone:
                    del held[partition]
                surplus -= {partition for partition, _ in gone}
            elif len(held) < share:
                held |= dict(
                    await self._run(connection, "leases_take", [(name, share - len(held))])
                )
            return held, surplus

        # By itself, so that a worker stays alive while another one is slow to decide.
        await self._handed_in(self._transact(show))
        held, self._draining[owner] = await self._handed_in(self._transact(share_out))
        return dict(held)

    def draining(self, owner: str) -> frozenset[int]:
        return self._draining.get(owner, frozenset())

    async def drop_leases(self, owner: str) -> None:
        name = self._name(owner)

        async def drop(connection: Any) -> None:
            await self._run(connection, "lease_lock", [()])
            await self._run(connection, "leases_drop", [(name,)])
            await self._run(connection, "worker_delete", [(name,)])

        await self._handed_in(self._transact(drop))
        self._draining.pop(owner, None)

    def _name(self, owner: str) -> str:
        return f"{owner}#{self._identity}"

    # -- signals ------------------------------------------------------------------------------

    def listen(self, callback: Callable[[str, str], None]) -> None:
        self._signals.listen(callback)

    async def signal(self, topic: str, text: str) -> None:
        """Raises ValueError for a text over the 7,900 bytes that one signal carries."""
        self._signals.send(topic, text)

    def hint(self, topic: str, text: str) -> None:
        """Raises ValueError for a text over the 7,900 bytes that one signal carries."""
        self._signals.hint(topic, text)

    def stats(self) -> dict[str, float]:
        return {
            "wal_bytes": 0.0,
            "write_queue": float(self._writers.waiting),
            "commits": float(self._commits),
            "commit_seconds": self._commit_s,
            "retries": float(self._retries),
            **self._signals.stats(),
        }


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (exceptions.PostgresError, *OUTAGES):
        connection.terminate()  # the server rolls back when its end of the line is gone


def _whoami() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname()}
