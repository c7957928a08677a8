"""What the ledger's events become: figures, notices to operators, and pages that look again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ...delivery.live import Watcher
from ...ledger.events import LedgerEvent
from ...ledger.rows import ConflictRow, OperationRow
from ...model.counting import counted
from ...telemetry import Metrics

FINISHED = {"rollback-completed", "rollback-failed", "rollback-cancelled"}


class Notices(Protocol):
    """Where operators are told of events; `ops.alerts.Alerts`."""

    def event(
        self, name: str, severity: str, message: str, data: Mapping[str, Any] | None = None
    ) -> None: ...


class Telling:
    """A listener of one ledger."""

    def __init__(self, metrics: Metrics, notices: Notices) -> None:
        self._metrics = metrics
        self._notices = notices
        self._watchers: set[Watcher] = set()

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """A watcher that is woken when points, operations or conflicts change, here or in another
        process. Of single changes of records it is not told."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def touch(self) -> None:
        for watcher in self._watchers:
            watcher.touch()

    def heard(self, event: LedgerEvent) -> None:
        """See `LedgerEvent`; it never waits."""
        row = event.operation
        if event.name == "rollback-point-created":
            self._metrics.rollback_points_created.inc()
            if not event.data.get("automatic"):
                self._tell("rollback_created", "info", f"rollback point {event.point} was made",
                           {"point_id": event.point})  # fmt: skip
        elif event.name in FINISHED and row is not None:
            self._finished(event.name, row)
        elif event.name == "conflict-detected" and row is not None:
            self._conflict(str(event.data["key"]), str(event.data["kind"]),
                           str(event.data["severity"]), row)  # fmt: skip
        elif event.name == "conflict-resolved":
            self._metrics.rollback_conflicts.of("resolved").inc()
        self.touch()

    def conflict(self, conflict: ConflictRow, row: OperationRow) -> None:
        """One that an operation waits for."""
        key = f"{conflict.collection}/{conflict.key}"
        self._conflict(key, conflict.kind, conflict.severity, row)

    def _conflict(self, key: str, kind: str, severity: str, row: OperationRow) -> None:
        self._metrics.rollback_conflicts.of("detected").inc()
        if severity == "critical":
            self._tell("critical_conflict", "critical", f"{key}: {kind} in {row.kind} {row.id}",
                       {"operation_id": row.id, "record": key, "kind": kind})  # fmt: skip

    def _finished(self, name: str, row: OperationRow) -> None:
        metrics = self._metrics
        metrics.rollback_operations.of(row.status).inc()
        seconds = ((row.finished_at or 0) - (row.started_at or row.created_at)) / 1e6
        metrics.rollback_duration_seconds.observe(seconds)
        figures = row.figures()
        data = {
            "operation_id": row.id,
            "kind": row.kind,
            "point_id": row.point,
            "actor": row.actor,
            "duration_s": seconds,
            "restored": figures.applied,
            "skipped": figures.skipped,
            "undone": figures.undone,
        }
        if name == "rollback-completed":
            metrics.rollback_successes.inc()
            restored = counted(figures.applied, "record")
            text = f"{row.kind} {row.id} restored {restored} in {seconds:.1f} s"
            self._tell("rollback_executed", "info", text, data)
        elif name == "rollback-failed":
            metrics.rollback_failures.inc()
            metrics.rollback_errors.of(row.error_code or "internal_error").inc()
            text = f"{row.kind} {row.id} failed: {row.error}"
            self._tell("rollback_failed", "error", text, {**data, "code": row.error_code})

    def _tell(self, name: str, severity: str, message: str, data: Mapping[str, Any]) -> None:
        self._notices.event(name, severity, message, data)
