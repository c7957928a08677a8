"""`colloquy bench ledger`: a point in a large ledger, and taking back ten thousand changes.

A database on disk, synced at every commit, in this process. `rollback_rss_growth_mb` is how much
the process's own memory (without mapped pages of the database file) rose at most from one rollback
to the next: what a rollback needs is bounded by its batch, not by the state.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from ..ledger.collections import Collections
from ..ledger.ledger import MAX_RECORDS, Ledger
from ..ledger.points import NewPoint
from ..ledger.restoring.requests import Request, Strategy
from ..storage.store import Store
from .show import Bar, Stage, stages
from .stores import empty_store

CHANGES = 10_000
POINTS = 50
ROLLBACKS = 3


class LedgerReport(Struct, frozen=True, kw_only=True):
    """Times are the median; `rollback_10k_s` is of the strategy `immediate`. `…_cpu_s` is processor
    time of this process, which a busy machine disturbs less; a server's is not in it."""

    database: str
    records: int
    positions: int
    write_per_s: float
    point_ms: float
    point_worst_ms: float
    point_cpu_ms: float
    preview_10k_s: float
    preview_10k_cpu_s: float
    preview_next_page_ms: float
    rollback_10k_s: float
    rollback_10k_cpu_s: float
    rollback_10k_safe_s: float
    undo_10k_s: float
    rollback_rss_growth_mb: float
    checksums_equal: bool


def bench_ledger(
    records: int = 1_000_000, *, database_url: str | None = None, progress: bool = True
) -> LedgerReport:
    """About two minutes for a million records on SQLite."""
    import uvloop

    folder = Path(tempfile.mkdtemp(prefix="colloquy-bench-"))
    try:
        with (
            stages(enabled=progress) as stage,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(_bench(folder, records, database_url, stage))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _bench(
    folder: Path, records: int, database_url: str | None, stage: Stage
) -> LedgerReport:
    store = empty_store(folder, database_url)
    await store.open()
    try:
        return await _measure(store, records, stage)
    finally:
        await store.close()


async def _measure(store: Store, records: int, stage: Stage) -> LedgerReport:
    ledger = Ledger(store, Collections())
    chance = random.Random(1)
    begun = time.perf_counter()
    with stage("records", records) as bar:
        await _write(
            ledger, range(records), lambda index: {"name": f"unit {index}", "price": index}, bar
        )
    write_s = time.perf_counter() - begun
    points = [await _timed(_point(ledger)) for _ in range(POINTS)]
    point = await ledger.create_point(NewPoint(name="before"), "bench")
    keys = chance.sample(range(records), min(CHANGES, records))
    before = await _sample(ledger, keys)
    with stage("changes", len(keys)) as bar:
        await _write(
            ledger, keys, lambda index: {"name": f"unit {index}", "price": -1, "sold": True}, bar
        )
    request = Request(point=point.id)
    preview = await _timed(ledger.preview(request))
    next_page = await _timed(ledger.preview(request, preview.result.cursor))
    spent: dict[str, list[_Timed]] = {"immediate": [], "safe": [], "undo": []}
    strategies: tuple[Strategy, ...] = ("immediate", "safe")
    memory: list[float] = []
    equal = True
    with stage("rollbacks", ROLLBACKS) as bar:
        for turn in range(ROLLBACKS):
            bar(turn)
            memory.append(own_memory_mb())
            for strategy in strategies:
                request = Request(point=point.id, strategy=strategy)
                done = await _timed(_roll_back(ledger, request))
                spent[strategy].append(done)
                equal = equal and await _sample(ledger, keys) == before
                undo = Request(undo=done.result, strategy="immediate")
                spent["undo"].append(await _timed(_roll_back(ledger, undo)))
    memory.append(own_memory_mb())
    return LedgerReport(
        database=store.dialect,
        records=records,
        positions=await ledger.history.head(),
        write_per_s=round(records / write_s),
        point_ms=round(statistics.median(one.seconds for one in points) * 1000, 3),
        point_worst_ms=round(max(one.seconds for one in points) * 1000, 3),
        point_cpu_ms=round(statistics.median(one.cpu_s for one in points) * 1000, 3),
        preview_10k_s=round(preview.seconds, 3),
        preview_10k_cpu_s=round(preview.cpu_s, 3),
        preview_next_page_ms=round(next_page.seconds * 1000, 3),
        rollback_10k_s=_median(one.seconds for one in spent["immediate"]),
        rollback_10k_cpu_s=_median(one.cpu_s for one in spent["immediate"]),
        rollback_10k_safe_s=_median(one.seconds for one in spent["safe"]),
        undo_10k_s=_median(one.seconds for one in spent["undo"]),
        rollback_rss_growth_mb=round(max(memory[1:]) - memory[0], 1),
        checksums_equal=equal,
    )


async def _write(
    ledger: Ledger, indexes: Iterable[int], value: Callable[[int], Any], bar: Bar
) -> None:
    rows: list[Any] = []
    for done, index in enumerate(indexes, 1):
        rows.append(("units", f"unit-{index:07}", value(index), None))
        if len(rows) == MAX_RECORDS:
            await ledger.put_many(rows, "bench")
            bar(done)
            rows = []
    if rows:
        await ledger.put_many(rows, "bench")


async def _point(ledger: Ledger) -> None:
    await ledger.create_point(NewPoint(name="a point"), "bench")


async def _sample(ledger: Ledger, keys: list[int]) -> list[Any]:
    names = [("units", f"unit-{index:07}") for index in keys]
    found = await ledger.history.values(names)
    return [found.get(name) for name in names]


async def _roll_back(ledger: Ledger, request: Request) -> str:
    """The operation's id."""
    operation = await ledger.start(request, "bench")
    done = await ledger.run(operation.id)
    if done.status != "completed":
        raise RuntimeError(f"the rollback ended {done.status}: {done.error}")
    return done.id


def own_memory_mb() -> float:
    """Anonymous memory of this process (`RssAnon`), in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


class _Timed(NamedTuple):
    seconds: float
    cpu_s: float
    result: Any


async def _timed(work: Awaitable[Any]) -> _Timed:
    begun, cpu = time.perf_counter(), time.process_time()
    result = await work
    return _Timed(time.perf_counter() - begun, time.process_time() - cpu, result)


def _median(seconds: Iterable[float]) -> float:
    return round(statistics.median(seconds), 3)


def show_ledger(report: LedgerReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value")
    for name in LedgerReport.__struct_fields__:
        table.add_row(name, f"{getattr(report, name):,}" if name != "database" else report.database)
    Console().print(table)
