"""How the ledger is doing, from what it has stored: it is the same after a restart, and in every
process."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ...model.alerts import AlertView
from ...model.ledger import LedgerStatus, OperationView
from ...model.times import now_us, rfc3339, to_us

if TYPE_CHECKING:
    from ...runtime import Runtime

HOUR_US = 3_600_000_000
SPANS = {24: 1, 168: 6}
"""Hours that the charts show, and how many of them make one point."""
PAGE = 200
MOST_OPERATIONS = 2000
"""The newest ones, which the charts are made of."""
ALERT_RULES = frozenset({"rollback_failures", "rollback_time", "pending_operations"})
MOST_ALERTS = 200


class Window(Struct, frozen=True):
    """Operations that were begun within so many hours; times are those of completed ones."""

    hours: int
    completed: int
    failed: int
    cancelled: int
    mean_s: float | None

    @property
    def success_percent(self) -> float | None:
        """Of those that came to an end by themselves; None where none did."""
        ended = self.completed + self.failed
        return 100.0 * self.completed / ended if ended else None


class Trend(Struct, frozen=True):
    """Columns of the same length: intervals of `step_s` seconds that begin at `at` (seconds)."""

    step_s: int
    at: list[float]
    changes: list[int]
    completed: list[int]
    failed: list[int]
    mean_s: list[float | None]
    """Of operations that were completed in the interval."""
    longest_s: list[float | None]
    is_cut: bool
    """There were more operations than are looked at."""


class Figures(Struct, frozen=True):
    at: str
    status: LedgerStatus
    states: dict[str, int]
    """Every stored operation, by state."""
    windows: list[Window]


async def figures(runtime: Runtime, now: int | None = None) -> Figures:
    """Raises StoreUnavailable."""
    now = now_us() if now is None else now
    states = {row[0]: row[1] for row in await _totals(runtime, 0)}
    windows = [_window(hours, await _totals(runtime, now - hours * HOUR_US)) for hours in (1, 24)]
    return Figures(rfc3339(now), await runtime.ledger.status(), states, windows)


async def trend(runtime: Runtime, hours: int, now: int | None = None) -> Trend:
    """The last so many hours (a key of SPANS). Raises StoreUnavailable."""
    now = now_us() if now is None else now
    step = SPANS[hours] * HOUR_US
    # Whole intervals of the clock; the last one is not over.
    end = now - now % step + step
    edges = list(range(end - hours * HOUR_US, end + 1, step))
    history = runtime.ledger.ledger.history
    positions = [await history.position_at(edge - 1) for edge in edges]
    operations, is_cut = await _operations_since(runtime, rfc3339(edges[0]))
    of: list[list[OperationView]] = [[] for _ in edges[1:]]
    borders = [rfc3339(edge) for edge in edges]
    for operation in operations:
        ended = operation.finished_at or ""
        for place, (start, stop) in enumerate(pairwise(borders)):
            if start <= ended < stop:
                of[place].append(operation)
    times = [_times(ended) for ended in of]
    return Trend(
        step_s=step // 1_000_000,
        at=[edge / 1e6 for edge in edges[:-1]],
        changes=[max(0, after - before) for before, after in pairwise(positions)],
        completed=[_count(ended, "completed") for ended in of],
        failed=[_count(ended, "failed") for ended in of],
        mean_s=[sum(some) / len(some) if some else None for some in times],
        longest_s=[max(some, default=None) for some in times],
        is_cut=is_cut,
    )


def alerts(runtime: Runtime) -> list[AlertView]:
    """Open alerts about the ledger, newest first."""
    found = runtime.alerts.page(limit=MOST_ALERTS).alerts
    return [alert for alert in found if alert.rule in ALERT_RULES]


async def _totals(runtime: Runtime, since: int) -> list[tuple[str, int, float | None]]:
    """State, count and microseconds at work, of operations that were begun since."""
    found = await runtime.store.query("ledger_operation_totals", since)
    return [(row[0], row[1], row[2]) for row in found]


def _window(hours: int, totals: list[tuple[str, int, float | None]]) -> Window:
    counts = {state: count for state, count, _ in totals}
    completed = counts.get("completed", 0)
    spent = next((us for state, _, us in totals if state == "completed"), None)
    mean = float(spent) / 1e6 / completed if completed and spent is not None else None
    return Window(hours, completed, counts.get("failed", 0), counts.get("cancelled", 0), mean)


async def _operations_since(runtime: Runtime, start: str) -> tuple[list[OperationView], bool]:
    """Those that may have ended since, newest first, and whether there are more."""
    found: list[OperationView] = []
    cursor: str | None = None
    while len(found) < MOST_OPERATIONS:
        page = await runtime.ledger.operations(cursor, PAGE)
        found += page.operations
        cursor = page.next
        if cursor is None or page.operations[-1].created_at < start:
            return found, False
    return found, True


def _times(ended: list[OperationView]) -> list[float]:
    return [
        seconds
        for operation in ended
        if operation.status == "completed" and (seconds := duration_s(operation)) is not None
    ]


def _count(ended: list[OperationView], status: str) -> int:
    return sum(operation.status == status for operation in ended)


def duration_s(operation: OperationView) -> float | None:
    """From its start to its end; None for one that has not ended."""
    if operation.started_at is None or operation.finished_at is None:
        return None
    return (_us(operation.finished_at) - _us(operation.started_at)) / 1e6


def _us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))
