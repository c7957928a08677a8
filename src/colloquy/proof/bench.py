"""`colloquy bench pipeline`: what the engine does per second, how soon, and at what cost.

A real server with default settings, the shipped property pack and a database on disk that is
synced at every commit, under load over real HTTP from this very machine. The figures say what the
machine was: `elsewhere` and `stolen` are shares of its CPU time that others took meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput
from . import show
from .dialogue import Dialogue, endless, made_up, read_dialogues
from .figures import LatencyMs, Machine, PipelineReport, cpu_model, show_pipeline
from .load import Feed, Load, Tally
from .sampling import MB, MachineTime, Sample, Sampler, growth_mb, look, machine_time, percentile
from .server import Server

__all__ = ["PipelineReport", "bench_pipeline", "show_pipeline"]

T = TypeVar("T")

BATCH = 50
BATCH_CONNECTIONS = 4
SINGLE_CONNECTIONS = 32
ACCEPT_SHARE = 0.2
"""Messages of the accept phase with batches, of those of the sustained run."""
SINGLE_SHARE = 0.05
MOST_ACCEPTED = 40_000
LATENCY_S = 15.0
LATENCY_BATCH = 10
"""Background of the latency phase: smaller requests, so that its arrivals are even."""
PROBES_PER_S = 100.0
PROBE_CONNECTIONS = 64
PROBE_WAIT_S = 10.0
POLL_S = 0.1
IDLE_S = 600.0
"""A backlog that is not worked off by then will not be."""


def bench_pipeline(
    *,
    messages: int = 100_000,
    data: Path | None = None,
    seed: int = 1,
    database_url: str | None = None,
    progress: bool = True,
) -> PipelineReport:
    """Starts a server and measures it: about a minute for 100,000 messages.

    `data` is a folder of dialogues (see `dialogue.read_dialogues`); without it they are made up.
    Raises NotFound or InvalidInput for a bad folder, Unavailable when the server does not start.
    """
    if messages < 1:
        raise InvalidInput("at least one message", field="messages")
    dialogues, text = _dialogues(data, seed)
    folder = Path(tempfile.mkdtemp(prefix="colloquy-bench-"))
    try:
        with show.stages(enabled=progress) as stage:
            work = _bench(folder, messages, dialogues, text, seed, database_url, stage)
            return _run(work)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(work: Awaitable[T]) -> T:
    """On uvloop: the load generator shares the machine and should take little of it."""
    import uvloop

    async def run() -> T:
        return await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def _dialogues(data: Path | None, seed: int) -> tuple[Iterator[Dialogue], str]:
    if data is None:
        return made_up(seed), "made up"
    return endless(read_dialogues(data)), data.name


async def _bench(
    folder: Path,
    messages: int,
    dialogues: Iterator[Dialogue],
    text: str,
    seed: int,
    database_url: str | None,
    stage: show.Stage,
) -> PipelineReport:
    server = Server(folder, database_url=database_url, settings={"COLLOQUY_LOG_LEVEL": "info"})
    with stage("starting", 3) as bar:
        cold_start_s = await server.start()
        bar(1)
        await server.stop()
        await server.prepare()
        bar(2)
        second_start_s = await server.start()
    run = _Phases(server, messages, dialogues, seed, stage)
    try:
        await run.warm_up()
        batch = await run.accept(BATCH)
        single = await run.accept(1)
        sustained = await run.sustain()
        latency = await run.latency(sustained.per_s / 2)
        stats = await run.load.stats()
        dead = await run.dead_letters()
    finally:
        await server.stop()
    size = sum(file.stat().st_size for file in folder.glob("colloquy.db*"))
    accepted = run.accepted
    times = sorted(latency.times_s)
    peak = max(run.samples, key=lambda sample: sample.rss)
    per_message = 1000 / messages
    return PipelineReport(
        accept_batch_per_s=round(batch.per_s, 1),
        accept_single_per_s=round(single.per_s, 1),
        accept_p99_ms=_ms(sorted(single.tally.times_s), 99),
        accept_batch_p99_ms=_ms(sorted(batch.tally.times_s), 99),
        pipeline_per_s=round(sustained.per_s, 1),
        latency_ms=LatencyMs(_ms(times, 50), _ms(times, 95), _ms(times, 99)),
        latency_at_per_s=round(sustained.per_s / 2, 1),
        probes=len(times),
        cpu_ms_per_message=round((sustained.main_s + sustained.compute_s) * per_message, 4),
        cpu_main_ms=round(sustained.main_s * per_message, 4),
        cpu_compute_ms=round(sustained.compute_s * per_message, 4),
        cpu_load_ms=round(sustained.own_s * per_message, 4),
        peak_rss_mb=round(peak.rss / MB, 1),
        rss_growth_mb=round(sustained.growth_mb, 1),
        main_rss_mb=round(peak.main_rss / MB, 1),
        compute_rss_mb=round(peak.compute_rss / MB, 1),
        stages=sustained.stages,
        cold_start_s=round(cold_start_s, 3),
        second_start_s=round(second_start_s, 3),
        messages=messages,
        text=text,
        refused=run.refused,
        dropped=run.dropped + max(0, accepted - stats["turns"]),
        dead_lettered=dead,
        bytes_per_message=round(size / accepted, 1) if accepted else 0.0,
        machine=_machine(sustained.machine_before, sustained.machine_after, sustained),
    )


class _Accepted(Struct):
    per_s: float
    tally: Any


class _Sustained(Struct):
    per_s: float
    main_s: float
    compute_s: float
    own_s: float
    growth_mb: float
    stages: dict[str, float]
    machine_before: Any
    machine_after: Any


class _Phases:
    """The phases against one server, each with conversations of its own."""

    def __init__(
        self,
        server: Server,
        messages: int,
        dialogues: Iterator[Dialogue],
        seed: int,
        stage: show.Stage,
    ) -> None:
        self.server = server
        self.load = Load(server)
        self.messages = messages
        self.samples: list[Sample] = []
        self.accepted = 0
        self.refused = 0
        self.dropped = 0
        self._dialogues = dialogues
        self._seed = seed
        self._stage = stage

    def _feed(self, prefix: str) -> Feed:
        return Feed(self._dialogues, self._seed, prefix)

    def _count(self, tally: Tally, sent: int) -> None:
        if tally.failed:
            raise BenchError(f"a request failed: {tally.first_failure}")
        self.accepted += tally.accepted
        self.refused += tally.refused
        self.dropped += sent - tally.accepted

    async def warm_up(self) -> None:
        """The first requests load modules and fill caches; they are not measured."""
        with self._stage("warming up", 1):
            total = 500
            tally = await self.load.push(
                self._feed("warm-"), total, connections=BATCH_CONNECTIONS, batch=BATCH
            )
            self._count(tally, total)
            await self._until_idle()

    async def accept(self, batch: int) -> _Accepted:
        """Receipts per second, the pipeline working beside it as it always does."""
        share = ACCEPT_SHARE if batch > 1 else SINGLE_SHARE
        total = min(MOST_ACCEPTED, max(1000, int(self.messages * share)))
        connections = BATCH_CONNECTIONS if batch > 1 else SINGLE_CONNECTIONS
        label = f"accepting by {batch}"
        with self._stage(label, 2) as bar:
            async with Sampler(self.server) as sampler:
                started = time.perf_counter()
                tally = await self.load.push(
                    self._feed(f"a{batch}-"), total, connections=connections, batch=batch
                )
                seconds = time.perf_counter() - started
                bar(1, "working it off")
                await self._until_idle()
        self.samples += sampler.samples
        self._count(tally, total)
        return _Accepted(total / seconds, tally)

    async def sustain(self) -> _Sustained:
        """All messages as fast as back-pressure admits, until the last turn is committed."""
        before = await self.load.stats()
        turns_before = before["turns"]
        done = 0

        async def watch(bar: show.Bar, started: float) -> None:
            nonlocal done
            while True:
                done = (await self.load.stats())["turns"] - turns_before
                rate = done / max(0.001, time.perf_counter() - started)
                bar(done, f"{done:,} done, {rate:,.0f}/s")
                await asyncio.sleep(0.5)

        machine_before = machine_time()
        start = look(self.server)
        with self._stage("sustained run", self.messages) as bar:
            async with Sampler(self.server, lambda: done) as sampler:
                started = time.perf_counter()
                watcher = asyncio.create_task(watch(bar, started))
                tally = await self.load.push(
                    self._feed("p-"), self.messages, connections=BATCH_CONNECTIONS, batch=BATCH
                )
                watcher.cancel()
                await asyncio.wait([watcher])
                seconds = await self._until_idle() - started
                done = self.messages
        end = look(self.server)
        after = await self.load.stats()
        self.samples += sampler.samples
        self._count(tally, self.messages)
        return _Sustained(
            per_s=(after["turns"] - turns_before) / seconds,
            main_s=end.main_cpu_s - start.main_cpu_s,
            compute_s=end.compute_cpu_s - start.compute_cpu_s,
            own_s=end.own_cpu_s - start.own_cpu_s,
            growth_mb=growth_mb(sampler.samples),
            stages=shares(before["stage_seconds"], after["stage_seconds"]),
            machine_before=machine_before,
            machine_after=machine_time(),
        )

    async def latency(self, rate: float) -> Tally:
        """Probes among a background of batches, together at `rate`."""
        background = max(1.0, rate - PROBES_PER_S)
        with self._stage("latency at half load", 1):
            async with Sampler(self.server) as sampler:
                pushed, probed = await asyncio.gather(
                    self.load.pace(
                        self._feed("l-"),
                        background,
                        LATENCY_S,
                        connections=BATCH_CONNECTIONS,
                        batch=LATENCY_BATCH,
                    ),
                    self.load.probe(
                        self._feed("q-"),
                        min(PROBES_PER_S, rate),
                        LATENCY_S,
                        connections=PROBE_CONNECTIONS,
                        wait_s=PROBE_WAIT_S,
                    ),
                )
                await self._until_idle()
        self.samples += sampler.samples
        for tally in (pushed, probed):
            self._count(tally, tally.accepted)
        return probed

    async def dead_letters(self) -> int:
        """How many there are, up to the length of one page."""
        answer = await self.server.get("/v2/dead-letters?limit=500")
        return answer.body.count(b'"dead_at"')

    async def _until_idle(self) -> float:
        """Waits until nothing is pending; returns when that was."""
        deadline = time.perf_counter() + IDLE_S
        while (now := time.perf_counter()) < deadline:
            stats = await self.load.stats()
            if not (stats["pending"] or stats["outbox"] or stats["spool_bytes"]):
                return now
            await asyncio.sleep(POLL_S if stats["pending"] > 2_000 else POLL_S / 5)
        raise BenchError(f"the server still works after {IDLE_S:g} s")


class BenchError(ColloquyError):
    """The run is not worth a figure: something failed that must not."""

    code = "bench_failed"
    title = "Benchmark failed"


def shares(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """The share of each stage in the time between two looks, largest first."""
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    total = sum(spent.values()) or 1.0
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    return {name: round(seconds / total, 4) for name, seconds in ordered}


def _ms(times_s: list[float], percent: float) -> float:
    return round(percentile(times_s, percent) * 1000, 2)


def _machine(before: MachineTime, after: MachineTime, run: _Sustained) -> Machine:
    import apsw

    total = after.total_s - before.total_s or 1.0
    ours = run.main_s + run.compute_s + run.own_s
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=cpu_model(),
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        elsewhere=round(max(0.0, after.busy_s - before.busy_s - ours) / total, 3),
        stolen=round((after.stolen_s - before.stolen_s) / total, 3),
    )
