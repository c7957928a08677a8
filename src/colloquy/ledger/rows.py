"""Rows of the ledger's own tables, as they come from the store."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

OPEN = frozenset({"pending", "in_progress", "waiting"})
"""States of an operation that is not finished."""


class PointRow(NamedTuple):
    """A position with a name. Times in microseconds; `expires_at` None is kept for good."""

    id: str
    position: int
    name: str
    description: str
    actor: str
    session: int | None
    automatic: str
    tags: str
    metadata: bytes
    created_at: int
    expires_at: int | None

    def is_live(self, now: int) -> bool:
        return self.expires_at is None or self.expires_at > now


class Figures(Struct, omit_defaults=True):
    """What an operation has done so far. `seconds` were spent in restoring, without pauses."""

    applied: int = 0
    unchanged: int = 0
    skipped: int = 0
    conflicts: int = 0
    undone: int = 0
    kept: int = 0
    """Restored, but changed by somebody else before they could be undone."""
    removed: int = 0
    recreated: int = 0
    forced: int = 0
    seconds: float = 0.0
    checksum_before: str = ""
    """Of an operation that verifies: of the records to be restored, as they were; the others of
    those restored: as they were to be, and as they were found."""
    checksum_target: str = ""
    checksum_after: str = ""

    @property
    def done(self) -> int:
        return self.applied + self.unchanged + self.skipped


class OperationRow(NamedTuple):
    number: int
    id: str
    kind: str
    request: bytes
    point: str | None
    target: int
    head: int
    scope_key: str
    strategy: str
    status: str
    phase: str
    planned_to: int
    total: int
    counts: bytes
    actor: str
    reason: str
    error_code: str | None
    error: str | None
    cancelled: int
    created_at: int
    started_at: int | None
    updated_at: int
    finished_at: int | None
    owner: str | None
    lease_until: int | None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def progress(self) -> float:
        """0 to 100."""
        if self.status == "completed":
            return 100.0
        return min(100.0, 100.0 * self.figures().done / self.total) if self.total else 0.0

    def figures(self) -> Figures:
        return msgspec.json.decode(self.counts, type=Figures)


class ItemRow(NamedTuple):
    """One record that an operation restores."""

    collection: str
    key: str
    rank: int
    runs: bytes
    state: str = "pending"
    before: int | None = None
    written: int | None = None
    note: str | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.collection, self.key

    def spans(self) -> list[tuple[int, int]]:
        """Runs of changes to take back, newest first: (position to return to or 0, newest)."""
        runs = msgspec.json.decode(self.runs, type=list[tuple[int, int]])
        return runs[::-1]


class ConflictRow(NamedTuple):
    """Values are JSON as in the ledger; None is absent."""

    id: str
    operation: int
    collection: str
    key: str
    kind: str
    severity: str
    base: bytes | None
    ours: bytes | None
    theirs: bytes | None
    live: int
    paths: bytes
    merged: bytes | None
    confidence: float
    state: str
    decision: str | None
    value: bytes | None
    decided_by: str | None
    decided_at: int | None
    created_at: int


class LogRow(NamedTuple):
    number: int
    at: int
    level: str
    message: str
    data: bytes | None


class AuditRow(NamedTuple):
    number: int
    at: int
    actor: str
    event: str
    severity: str
    operation: str | None
    point: str | None
    session: int | None
    message: str
    reason: str
    data: bytes


class Page(NamedTuple):
    """`cursor` is where to go on; None at the end."""

    rows: list[Any]
    cursor: Any
