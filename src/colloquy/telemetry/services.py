"""How the parts do that a conversation can be answered without: time, errors, the last one.

with service.watched():
    ...
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

from colloquy.model.errors import ColloquyError
from colloquy.model.times import Clock, now_us, rfc3339

LATELY = 100
"""Calls that rates and times are told from."""
DEGRADED = 0.05
"""Share of them that failed, above which a service is degraded."""
MAX_ERROR = 200
"""Characters of an error that are kept."""

ServiceStatus = Literal["healthy", "degraded", "off"]


class ServiceReport(Struct, frozen=True, kw_only=True):
    """`calls` since the process began; `failed` of them did not work, `refused` were answered no,
    as they should be. `error_rate` and `mean_ms` are of the last `LATELY`, or of all where a
    service counts in other processes; None where nothing was asked yet. `memory_bytes`: what it
    holds of its own; None where it holds nothing."""

    status: ServiceStatus
    calls: int = 0
    failed: int = 0
    refused: int = 0
    error_rate: float = 0.0
    mean_ms: float | None = None
    memory_bytes: int | None = None
    last_error: str | None = None
    last_error_at: str | None = None


OFF = ServiceReport(status="off")


class Service:
    """One of them. For any thread: what two of them count at the same moment may be one short."""

    def __init__(
        self, *, timer: Callable[[], float] = time.perf_counter, clock: Clock = now_us
    ) -> None:
        """`timer`: seconds."""
        self._timer = timer
        self._clock = clock
        self._lately: deque[tuple[float, bool]] = deque(maxlen=LATELY)
        """Seconds of each, and whether it failed."""
        self._calls = self._failed = self._refused = 0
        self._last_error: str | None = None
        self._last_error_at: str | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Counts what is done within. An error whose status says that the caller was wrong is a
        refusal; being cancelled counts as nothing."""
        started = self._timer()
        failure: Exception | None = None
        try:
            yield
        except ColloquyError as error:
            if error.status < 500:
                self._refused += 1
            else:
                failure = error
            self._count(started, failure)
            raise
        except Exception as error:
            self._count(started, error)
            raise
        else:
            self._count(started, None)

    def report(self, memory_bytes: int | None = None) -> ServiceReport:
        lately = list(self._lately)
        count = len(lately)
        error_rate = sum(failed for _, failed in lately) / count if count else 0.0
        mean_s = sum(seconds for seconds, _ in lately) / count if count else None
        return ServiceReport(
            status=status_of(error_rate),
            calls=self._calls,
            failed=self._failed,
            refused=self._refused,
            error_rate=round(error_rate, 4),
            mean_ms=round(mean_s * 1000, 3) if mean_s is not None else None,
            memory_bytes=memory_bytes,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
        )

    def _count(self, started: float, failure: Exception | None) -> None:
        self._calls += 1
        self._lately.append((self._timer() - started, failure is not None))
        if failure is not None:
            self._failed += 1
            self._last_error = told(failure)
            self._last_error_at = rfc3339(self._clock())


def told(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]


def status_of(error_rate: float) -> ServiceStatus:
    return "degraded" if error_rate > DEGRADED else "healthy"
