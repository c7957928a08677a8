"""`colloquy bench migration`: what dual write costs, end to end, and how fast a table is moved.

A program writes each message into its own table and hands it to an engine (the shipped pack,
compute processes, SQLite on disk) that understands and answers it. Rounds with dual write and
rounds without take turns in one run, against the same engine: the cost is the share of throughput,
from the first message until the last one is answered, that rounds with it lose.
The CPU time of all processes is compared the same way: other work on the machine adds less to it.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from ..app import Colloquy
from ..evolution.migration import DualWriter, Plan, Stage, Tables, backfill
from ..evolution.migration.database import Ask, database_of
from ..model.errors import ColloquyError, InvalidInput, Unavailable
from ..model.message import Message
from ..runtime import Runtime
from ..settings import load_settings
from ..telemetry import configure
from .dialogue import make_text
from .figures import cpu_model
from .processes import living
from .show import Bar, Row, print_rows, stages

PAIRS = 32
BATCH = 50
SENDERS = 4
WARM_UP = 500
CONVERSIONS = 2_000
CONVERTING_ROUNDS = 5
BACKFILL = 20_000
RESAMPLES = 2_000
PATIENCE_S = 300.0
POLL_S = 0.002

_TABLE = """CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id TEXT NOT NULL,
    role TEXT NOT NULL, content TEXT NOT NULL, metadata TEXT, created_at TEXT)"""


class Round(NamedTuple):
    """Of so many messages: per second of time, and seconds of CPU for one."""

    per_s: float
    cpu_s: float


class MigrationReport(Struct, frozen=True, kw_only=True):
    """`dual_write_cost`: the share of throughput that is lost (0.05 is five percent), of the
    upper quartile of the rounds of either kind, as other work on the machine only slows them;
    below 0 is noise. `_median` and `_cpu`: the median, over pairs of rounds, of the share of
    throughput, and of CPU time; `_interval` and `_cpu_interval` have these with nine chances in
    ten, by resampling the pairs (Efron and Tibshirani, 1993, percentiles). `convert_us`: one
    message to the other format, the mean of both ways, of the best round."""

    messages: int
    pairs: int
    dual_write_cost: float
    dual_write_cost_median: float
    dual_write_cost_interval: tuple[float, float]
    dual_write_cost_cpu: float
    dual_write_cost_cpu_interval: tuple[float, float]
    without_per_s: float
    with_per_s: float
    convert_us: float
    to_v2_us: float
    to_v1_us: float
    backfill_per_s: float
    backfilled: int
    cores: int
    cpu: str
    python: str
    load: float


def bench_migration(
    messages: int = 32_000, rows: int = BACKFILL, *, progress: bool = True
) -> MigrationReport:
    """`messages` of all rounds together; `rows` of the table that is moved. Raises InvalidInput."""
    import uvloop

    if messages < 2 * PAIRS * BATCH:
        raise InvalidInput(f"at least {2 * PAIRS * BATCH} messages", field="messages")
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="colloquy-bench-"))
    try:
        with stages(enabled=progress) as stage:
            with stage("dual write", 2 * PAIRS) as bar:
                pairs = uvloop.run(_pairs(folder, messages // (2 * PAIRS), bar))
            with stage("converting", 1):
                to_v2, to_v1 = asyncio.run(_conversions(folder))
            with stage("backfill", rows) as bar:
                moved = uvloop.run(_backfilled(folder, rows, bar))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    costs = [1 - with_.per_s / without.per_s for without, with_ in pairs]
    without_per_s = _upper([one.per_s for one, _ in pairs])
    with_per_s = _upper([one.per_s for _, one in pairs])
    cpu = [1 - without.cpu_s / with_.cpu_s for without, with_ in pairs]
    return MigrationReport(
        messages=messages,
        pairs=len(pairs),
        dual_write_cost=round(1 - with_per_s / without_per_s, 4),
        dual_write_cost_median=round(statistics.median(costs), 4),
        dual_write_cost_interval=_interval(costs),
        dual_write_cost_cpu=round(statistics.median(cpu), 4),
        dual_write_cost_cpu_interval=_interval(cpu),
        without_per_s=round(without_per_s, 1),
        with_per_s=round(with_per_s, 1),
        convert_us=round((to_v2 + to_v1) / 2, 2),
        to_v2_us=round(to_v2, 2),
        to_v1_us=round(to_v1, 2),
        backfill_per_s=round(moved, 1),
        backfilled=rows,
        cores=len(os.sched_getaffinity(0)),
        cpu=cpu_model(),
        python=platform.python_version(),
        load=round(load, 1),
    )


def _upper(values: list[float]) -> float:
    """Their upper quartile."""
    return statistics.quantiles(values, n=4, method="inclusive")[2]


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Of their median: the 5th and the 95th percentile of the medians of samples of them."""
    chance = random.Random(0)
    medians = [statistics.median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    cuts = statistics.quantiles(medians, n=20)
    return round(cuts[0], 4), round(cuts[-1], 4)


# -- the cost of dual write -------------------------------------------------------------------


async def _pairs(folder: Path, size: int, bar: Bar) -> list[tuple[Round, Round]]:
    """(without, with) of each pair; which of the two goes first alternates."""
    made = random.Random(1)
    number = 0

    def batches(count: int) -> list[list[dict[str, Any]]]:
        nonlocal number
        found = []
        for start in range(0, count, BATCH):
            found.append([_v1(made, number + at) for at in range(min(BATCH, count - start))])
            number += len(found[-1])
        return found

    pairs = []
    async with _tables(folder, "dual.db") as tables, _engine(folder) as engine:
        plain, dual = DualWriter(tables, _at(Stage.OFF)), DualWriter(tables, _at(Stage.DUAL_V1))
        for writer in (plain, dual):
            await _round(engine, writer, batches(WARM_UP))
        for pair in range(PAIRS):
            order = (plain, dual) if pair % 2 == 0 else (dual, plain)
            found = {}
            for place, writer in enumerate(order):
                found[writer] = await _round(engine, writer, batches(size))
                bar(2 * pair + place + 1)
            pairs.append((found[plain], found[dual]))
    return pairs


async def _round(engine: Runtime, writer: DualWriter, batches: list[list[dict[str, Any]]]) -> Round:
    total = sum(len(batch) for batch in batches)
    waiting = list(reversed(batches))
    started, cpu = time.perf_counter(), _cpu_s()

    async def send() -> None:
        while waiting:
            batch = waiting.pop()
            _check(await writer.write(batch))
            _check(await engine.accept([_message(one) for one in batch]))

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(send())
    while engine.stats()["pending"]:  # only a figure says when it is idle
        if time.perf_counter() - started > PATIENCE_S:
            raise Unavailable("the engine does not come to an end")
        await asyncio.sleep(POLL_S)
    return Round(total / (time.perf_counter() - started), (_cpu_s() - cpu) / total)


def _check(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, ColloquyError):
            raise answer


def _cpu_s() -> float:
    """Of this process and all that come from it."""
    family = {os.getpid()}
    total = time.process_time()
    for one in sorted(living(), key=lambda one: one.pid):
        if one.parent in family:
            family.add(one.pid)
            total += one.cpu_s
    return total


def _v1(made: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "conversation_id": f"guest-{number % 500}",
        "role": "user",
        "content": make_text(made),
        "timestamp": f"2026-01-31T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00Z",
        "metadata": {"tab": number % 7},
    }


def _message(v1: dict[str, Any]) -> Message:
    return Message(conversation=v1["conversation_id"], id=str(v1["id"]), text=v1["content"])


def _at(stage: Stage) -> Any:
    async def ask() -> Stage:
        return stage

    return ask


@asynccontextmanager
async def _engine(folder: Path) -> AsyncIterator[Runtime]:
    configure("warning")
    overrides = {"database_url": f"sqlite:///{folder / 'engine.db'}", "data_dir": str(folder)}
    runtime = Runtime(Colloquy(pack="property"), load_settings(None, {}, overrides))
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()


# -- converting and moving --------------------------------------------------------------------


async def _conversions(folder: Path) -> tuple[float, float]:
    """Microseconds (to V2, to V1) for one message, of the best round."""
    made = random.Random(2)
    async with _tables(folder, "converting.db") as tables:
        formats = tables.formats
        old = [formats.keep(_v1(made, number)) for number in range(CONVERSIONS)]
        new = [formats.v2(one) for one in old]
        to_v2, to_v1 = [], []
        for _ in range(CONVERTING_ROUNDS):
            started = time.perf_counter()
            for message in old:
                formats.v2(message)
            middle = time.perf_counter()
            for converted in new:
                formats.v1(converted)
            to_v2.append(middle - started)
            to_v1.append(time.perf_counter() - middle)
    return min(to_v2) / CONVERSIONS * 1e6, min(to_v1) / CONVERSIONS * 1e6


async def _backfilled(folder: Path, rows: int, bar: Bar) -> float:
    """Messages per second of a backfill, with the comparison of each batch."""
    made = random.Random(3)
    async with _tables(folder, "moving.db") as tables:
        values = [tables.legacy.row(_v1(made, number)) for number in range(rows)]

        def steps() -> Any:
            yield tables.legacy.write(values)

        await tables.old.transact(steps)
        started = time.perf_counter()
        done = await backfill(tables, told=lambda standing: bar(standing.done))
        spent = time.perf_counter() - started
    if done.written != rows or done.mismatched:
        raise RuntimeError(f"{done.written} of {rows} were moved, {done.mismatched} differ")
    return rows / spent


@asynccontextmanager
async def _tables(folder: Path, name: str) -> AsyncIterator[Tables]:
    url = f"sqlite:///{folder / name}"
    database = database_of(url, creates=True)
    await database.open()

    def steps() -> Any:
        yield Ask(_TABLE)

    await database.transact(steps)
    # As a program that is in use has it; ours would not change it.
    await database.ask("PRAGMA journal_mode = WAL")
    await database.close()
    async with Tables(Plan(url=url)) as tables:
        yield tables


def _shown(share: float) -> str:
    return f"{share:.1%}"


def show_migration(report: MigrationReport) -> None:
    rows: list[Row] = [
        (
            "dual_write_cost",
            report.dual_write_cost,
            f"share of throughput; of pairs {_shown(report.dual_write_cost_median)} "
            f"({_shown(report.dual_write_cost_interval[0])} to "
            f"{_shown(report.dual_write_cost_interval[1])})",
        ),
        (
            "dual_write_cost_cpu",
            report.dual_write_cost_cpu,
            f"of CPU time ({_shown(report.dual_write_cost_cpu_interval[0])} to "
            f"{_shown(report.dual_write_cost_cpu_interval[1])})",
        ),
        ("without_per_s", report.without_per_s, "messages answered, V1 table alone"),
        ("with_per_s", report.with_per_s, "both tables"),
        ("convert_us", report.convert_us, f"V2 {report.to_v2_us:g}, V1 {report.to_v1_us:g}"),
        ("backfill_per_s", report.backfill_per_s, f"{report.backfilled:,} rows, compared"),
    ]
    title = (
        f"colloquy bench migration: {report.cores} cores ({report.cpu}), "
        f"Python {report.python}, load {report.load}"
    )
    print_rows(title, rows, alarming=lambda name: False)
