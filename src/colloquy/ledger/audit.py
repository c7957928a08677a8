"""The audit trail: who did what to the ledger's points and operations, and why.

Rows are written in the transaction of what they tell, so that neither can be without the other.
Sensitive values are masked before they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import msgspec
from msgspec import Struct

from ..privacy.masking import mask
from ..storage.commit import Rows
from ..storage.store import Store
from .rows import AuditRow, Page

SECRET_NAMES = re.compile(
    r"pass(word|wd)?$|secret|token|api[-_]?key|authorization|cookie|private[-_]?key|access[-_]?key"
    r"|credential|connection[-_]?string",
    re.IGNORECASE,
)
MASKED = "•••"
MAX_DATA = 16_384


class Entry(Struct, frozen=True, kw_only=True):
    """`event` is one of rollback_created, rollback_executed, rollback_failed, rollback_cancelled,
    conflict_detected, conflict_resolved, point_deleted, cleanup_performed, snapshot_exported,
    snapshot_imported, files_restored."""

    at: int
    actor: str
    event: str
    message: str
    severity: str = "info"
    operation: str | None = None
    point: str | None = None
    session: int | None = None
    reason: str = ""
    data: dict[str, Any] = {}


def masked(value: Any, depth: int = 0) -> Any:
    """The value with what looks like a secret, or like personal data, masked, at every level."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        if depth > 32:
            return MASKED
        return {
            key: MASKED if SECRET_NAMES.search(str(key)) else masked(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return MASKED if depth > 32 else [masked(item, depth + 1) for item in value]
    return value


def audit_steps(entries: list[Entry]) -> Generator[tuple[str, Rows], Rows, None]:
    """Writes entries inside a transaction."""
    if not entries:
        return
    ((top,),) = yield "counter_add", [("ledger_audit", len(entries))]
    rows: Rows = []
    for number, one in enumerate(entries, top - len(entries) + 1):
        data = msgspec.json.encode(masked(one.data), order="deterministic")
        if len(data) > MAX_DATA:
            data = b'{"truncated":true}'
        rows.append(
            (
                number, one.at, one.actor, one.event, one.severity, one.operation, one.point,
                one.session, mask(one.message), mask(one.reason), data,
            )
        )  # fmt: skip
    yield "ledger_audit_insert", rows


class AuditTrail:
    """Reading the trail of one store, and forgetting what is too old."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self,
        before: int | None,
        limit: int,
        *,
        event: str = "",
        severity: str = "",
        actor: str = "",
        session: int | None = None,
        since: int = 0,
        until: int = 2**62,
    ) -> Page:
        """Newest first. `before` is the number of the last one seen; times in microseconds."""
        found = await self._store.query(
            "ledger_audit_page", 2**62 if before is None else before, event, severity, actor,
            -1 if session is None else session, since, until, limit,
        )  # fmt: skip
        rows = [AuditRow(*row) for row in found]
        return Page(rows, rows[-1].number if len(rows) == limit else None)

    async def add(self, *entries: Entry) -> None:
        await self._store.transact(lambda: audit_steps(list(entries)))

    async def forget(self, before_us: int, limit: int = 1000) -> int:
        """Deletes entries from before a time; returns how many."""
        return len(await self._store.change_one("ledger_audit_forget", before_us, limit))
