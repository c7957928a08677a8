"""The writer beside a busy thread, and what the store costs per message.

    python benchmarks/writer.py [--json] [--seconds S] [--messages N] [--postgres URL]

First: one thread commits groups of 100 rows to SQLite (WAL, synchronous=FULL) while another thread
of the same process does nothing or runs Python without a pause. A call into SQLite gives up the
interpreter lock and has to get it back, which a busy thread lets go only after the switch interval.
So two things are varied: that interval, and rows one by one (`executemany`) or 64 in a statement,
as our store writes them (engine decision 1). On a machine with other work the figures scatter.

Second: accept, commit (two events, a reply, state, a ledger row) and release of messages in batches
of 64 on each engine: wall time and CPU of this process per message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import apsw

from colloquy.model.ids import PARTITIONS, body_hash, partition_of
from colloquy.model.times import now_us
from colloquy.storage.sqlite import CHUNKS, SqliteStore
from colloquy.storage.store import Store
from colloquy.storage.write_set import (
    AcceptRow,
    Change,
    EventRow,
    OutboxRow,
    SessionRow,
    StateRow,
    Unit,
    Verdict,
    WriteSet,
)

ROWS = 100
BATCH = 64
BODY = (
    b'{"role":"user","parts":[{"type":"text","text":"' + b"I want to see the flat. " * 8 + b'"}]}'
)
SWITCH_INTERVALS_S = (0.005, 0.0005)


# -- the writer beside a busy thread ----------------------------------------------------------


def one_by_one(connection: apsw.Connection, rows: list[tuple[Any, ...]]) -> None:
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)


def many_in_one(connection: apsw.Connection, rows: list[tuple[Any, ...]]) -> None:
    start = 0
    for size in CHUNKS:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            values = ", ".join(["(?, ?, ?, ?)"] * size)
            connection.execute(f"INSERT INTO t VALUES {values}", tuple(chain.from_iterable(chunk)))
            start += size


WAYS: dict[str, Callable[[apsw.Connection, list[tuple[Any, ...]]], None]] = {
    "executemany": one_by_one,
    "one statement": many_in_one,
}


@contextmanager
def busy_threads(count: int) -> Iterator[None]:
    stop = threading.Event()

    def spin() -> None:
        total = 0
        while not stop.is_set():
            for number in range(1000):
                total += number * number

    threads = [threading.Thread(target=spin) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def beside(way: str, busy: int, interval_s: float, seconds: float) -> dict[str, Any]:
    """Commits for so long; rows per second and percentiles of the single commits."""
    former = sys.getswitchinterval()
    sys.setswitchinterval(interval_s)
    times: list[float] = []
    try:
        with tempfile.TemporaryDirectory() as folder, busy_threads(busy):
            connection = apsw.Connection(str(Path(folder) / "bench.db"))
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, session, at, body)")
            number = 0
            began = time.perf_counter()
            while (started := time.perf_counter()) - began < seconds:
                rows = [(number + row, row, 5, BODY) for row in range(ROWS)]
                number += ROWS
                connection.execute("BEGIN IMMEDIATE")
                WAYS[way](connection, rows)
                connection.execute("COMMIT")
                times.append(time.perf_counter() - started)
            elapsed = time.perf_counter() - began
            connection.close()
    finally:
        sys.setswitchinterval(former)
    times.sort()
    return {
        "way": way,
        "busy_threads": busy,
        "switch_interval_ms": interval_s * 1000,
        "rows_per_s": round(number / elapsed),
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 2),
    }


# -- the store's cost per message -------------------------------------------------------------


def arrivals(conversations: list[bytes], start: int) -> list[AcceptRow]:
    at = now_us()
    return [
        AcceptRow(
            os.urandom(16), body_hash(BODY), where, partition_of(where), "ready", at, at, None,
            None, BODY,
        )
        for where in (conversations[(start + i) % len(conversations)] for i in range(BATCH))
    ]  # fmt: skip


def turn(number: int, version: int, inbox_id: int) -> Unit:
    at = now_us()
    turn_id = os.urandom(16)
    return Unit(
        session=number, at=at, version=version, done=(inbox_id,),
        state=StateRow("open", "assistant", None, 0, version + 1, b'{"slots":{"day":"monday"}}'),
        events=[
            EventRow("message", at, turn_id, inbox_id, BODY),
            EventRow("reply", at, turn_id, None, BODY),
        ],
        outbox=[OutboxRow(1, os.urandom(16), "web", "shop", True, 0, 0, at)],
        changes=[Change(at, "assistant", number, "set", "sessions", str(number), b'{"v":1}')],
    )  # fmt: skip


async def cost(store: Store, messages: int) -> dict[str, Any]:
    """Microseconds per message, wall and CPU of this process, by step."""
    await store.open()
    conversations = [os.urandom(16) for _ in range(512)]
    numbers = await store.new_session_numbers(len(conversations))
    for start in range(0, len(numbers), BATCH):
        part = list(zip(numbers, conversations, strict=True))[start : start + BATCH]
        units = [
            Unit(session=number, at=1, create=SessionRow(
                number, key, "web", "shop", key.hex(), "", "open", "assistant", None, 0, 0, 0,
                b"{}", b"{}", 1, 1))
            for number, key in part
        ]  # fmt: skip
        await store.commit(WriteSet(units=units))
    leases = await store.hold_leases("bench", 60.0)
    assert len(leases) == PARTITIONS
    versions = [0] * len(numbers)
    steps = {"accept": [0.0, 0.0], "commit": [0.0, 0.0], "release": [0.0, 0.0]}

    @contextmanager
    def measured(name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        steps[name][0] += time.perf_counter() - wall
        steps[name][1] += time.process_time() - cpu

    done = 0
    while done < messages:
        rows = arrivals(conversations, done)
        with measured("accept"):
            found = await store.accept(rows)
        places = [(done + i) % len(numbers) for i in range(BATCH)]
        units = [
            turn(numbers[place], versions[place], item.inbox_id)
            for place, item in zip(places, found, strict=True)
        ]
        held = {row.partition: leases[row.partition] for row in rows}
        with measured("commit"):
            outcomes = await store.commit(WriteSet(units=units, leases=held))
        assert all(outcome.verdict is Verdict.COMMITTED for outcome in outcomes)
        for place in places:
            versions[place] += 1
        sent = [
            (numbers[place], outcome.first_seq + 1)
            for place, outcome in zip(places, outcomes, strict=True)
        ]
        with measured("release"):
            assert len(await store.change("outbox_release", sent)) == BATCH
        done += BATCH
    await store.close()
    figures: dict[str, Any] = {"engine": store.dialect, "messages": done}
    for name, (wall, cpu) in steps.items():
        figures[f"{name}_us"] = round(wall / done * 1e6, 1)
        figures[f"{name}_cpu_us"] = round(cpu / done * 1e6, 1)
    figures["total_us"] = round(sum(wall for wall, _ in steps.values()) / done * 1e6, 1)
    figures["total_cpu_us"] = round(sum(cpu for _, cpu in steps.values()) / done * 1e6, 1)
    return figures


async def costs(messages: int, postgres: str | None) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        found = [await cost(SqliteStore(Path(folder) / "bench.db"), messages)]
    if postgres is not None:
        found.append(await on_postgres(postgres, messages))
    return found


async def on_postgres(url: str, messages: int) -> dict[str, Any]:
    """In a database of its own, dropped afterwards."""
    from urllib.parse import urlsplit, urlunsplit

    import asyncpg

    from colloquy.storage.postgres import PostgresStore

    name = f"colloquy_bench_{os.getpid()}"
    server = await asyncpg.connect(url)
    await server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        return await cost(
            PostgresStore(urlunsplit(urlsplit(url)._replace(path=f"/{name}"))), messages
        )
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


def table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])
    lines = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each case of the writer")
    parser.add_argument("--messages", type=int, default=6400)
    parser.add_argument("--postgres", help="URL of a server on which a database may be made")
    options = parser.parse_args()
    writer = [
        beside(way, busy, interval_s, options.seconds)
        for busy in (0, 1)
        for way in WAYS
        for interval_s in SWITCH_INTERVALS_S
    ]
    store = asyncio.run(costs(options.messages, options.postgres))
    if options.json:
        print(json.dumps({"writer": writer, "store": store}))
    else:
        print(table(writer), table(store), sep="\n\n")


if __name__ == "__main__":
    main()
