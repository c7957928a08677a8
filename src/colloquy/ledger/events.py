"""What the ledger tells others in this process: alerts, metrics, live pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ..telemetry.log import get_logger
from .rows import OperationRow

_log = get_logger("ledger")


class LedgerEvent(Struct, frozen=True, kw_only=True):
    """`name`: rollback-point-created, rollback-point-expired, rollback-started,
    rollback-progress, rollback-waiting, rollback-completed, rollback-failed, rollback-cancelled,
    conflict-detected, conflict-resolved, cleanup-completed. Each is told once, after the commit of
    what it tells. `data` of a point that was made by itself: `automatic`, the occasion."""

    name: str
    operation: OperationRow | None = None
    point: str | None = None
    data: dict[str, Any] = {}


Listener = Callable[[LedgerEvent], None]


class Listeners:
    """Tells each listener; what one raises is logged and harms nobody else."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def tell(self, event: LedgerEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                _log.exception("ledger_listener_failed", ledger_event=event.name)
