"""What a server costs while it works: CPU time and memory, and who else was busy meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from .processes import children_of, status_of
from .server import Server

INTERVAL_S = 0.5
MB = 1024 * 1024


class Sample(NamedTuple):
    """One look at a server: CPU seconds since its start, resident bytes; `done` is progress."""

    at: float
    done: int
    main_cpu_s: float
    compute_cpu_s: float
    main_rss: int
    compute_rss: int
    own_cpu_s: float
    """CPU time of this process: what the measuring itself took."""

    @property
    def rss(self) -> int:
        """Both together; memory that processes share is counted in each."""
        return self.main_rss + self.compute_rss


def look(server: Server, done: int = 0) -> Sample:
    """The processes of a running server now."""
    main = status_of(server.pid)
    compute = children_of(server.pid)
    return Sample(
        time.perf_counter(),
        done,
        main.cpu_s if main is not None else 0.0,
        sum(one.cpu_s for one in compute),
        main.rss if main is not None else 0,
        sum(one.rss for one in compute),
        time.process_time(),
    )


class Sampler:
    """Looks at a server every half second inside its `async with` block."""

    def __init__(self, server: Server, done: Callable[[], int] = lambda: 0) -> None:
        self._server = server
        self._done = done
        self.samples: list[Sample] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sampler:
        self.samples.append(look(self._server, self._done()))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        self.samples.append(look(self._server, self._done()))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.samples.append(look(self._server, self._done()))


def growth_mb(samples: Sequence[Sample], *, since: float = 0.2) -> float:
    """How much memory grew from `since` of the work to its end, in MB.

    Medians of three neighbouring samples, so that one spike is no growth.
    """
    if not samples:
        return 0.0
    total = samples[-1].done
    start = next((place for place, sample in enumerate(samples) if sample.done >= since * total), 0)
    return (_middle(samples[-3:]) - _middle(samples[start : start + 3])) / MB


def _middle(samples: Sequence[Sample]) -> float:
    ordered = sorted(sample.rss for sample in samples)
    return float(ordered[len(ordered) // 2])


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that `percent` of all do not exceed.

    0 for no values. `values` must be sorted.
    """
    if not values:
        return 0.0
    rank = -(-len(values) * percent // 100)
    return values[max(0, int(rank) - 1)]


class MachineTime(NamedTuple):
    """CPU seconds of the whole machine since it started, from /proc/stat."""

    busy_s: float
    stolen_s: float
    """Time that the host gave to other machines while this one wanted to work."""
    total_s: float


def machine_time() -> MachineTime:
    """All processors together."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    tick = 1 / os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, waiting, irq, soft, stolen = (float(one) * tick for one in fields[:8])
    busy = user + nice + system + irq + soft
    return MachineTime(busy, stolen, busy + idle + waiting + stolen)
