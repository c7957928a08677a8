"""The ledger as clients see it: changes, differences, rollback points, operations, conflicts.

Values of records are JSON as it stands in the ledger. A field for a value that is left out says
that the record was absent; null is a value. Times are RFC 3339, `…_s` are seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Strategy = Literal["auto", "immediate", "gradual", "safe", "force"]
OnConflict = Literal["abort", "skip", "overwrite", "merge", "ask_user"]
Format = Literal["json", "line", "word", "semantic", "html"]
"""How a difference is shown; `html` is the line view as an element `pre.ledger-diff`."""
OperationStatus = Literal[
    "pending", "in_progress", "waiting", "completed", "failed", "cancelled"
]  # fmt: skip
ItemState = Literal[
    "pending", "applied", "unchanged", "skipped", "conflict", "undone", "kept"
]  # fmt: skip
ConflictState = Literal["open", "decided", "applied", "stale", "closed"]
DecisionName = Literal["keep", "take", "merge", "edit"]
ImportPolicy = Literal["overwrite", "skip", "abort"]

Value = msgspec.Raw | UnsetType
"""A record's value; UNSET when it is absent."""

Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
_Name = Annotated[str, Meta(min_length=1, max_length=4096)]
Names = Annotated[tuple[_Name, ...], Meta(max_length=1000)]
Keys = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[^\x00/]{1,64}/[^\x00]{1,2048}$")], ...],
    Meta(max_length=1000),
]
Patterns = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=1000)
]
Ids = Annotated[tuple[Id, ...], Meta(max_length=1000)]
FilePath = Annotated[str, Meta(min_length=1, max_length=4096)]
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=32)]

POINT_LIFETIME_S = 90 * 86_400.0
LONGEST_LIFETIME_S = 3650 * 86_400.0
Lifetime = Annotated[float, Meta(gt=0, le=LONGEST_LIFETIME_S)]


# -- the log ----------------------------------------------------------------------------------


class ChangeView(Struct, frozen=True, kw_only=True):
    """One change of a record. `size`: bytes of its new value; null when it was removed."""

    position: int
    at: str
    actor: str
    operation: str
    collection: str
    key: str
    size: int | None
    previous: int | None
    """The position of the record's change before; null for its first."""
    origin: str | None = None
    """The operation of the ledger that made it."""
    conversation_id: str | None = None


class ChangePage(Struct, frozen=True):
    changes: list[ChangeView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class ChangeDetail(Struct, frozen=True, kw_only=True):
    """A change with the values before and after it, and what is between them."""

    change: ChangeView
    diff: str
    before: Value = UNSET
    after: Value = UNSET


class DifferenceView(Struct, frozen=True, kw_only=True):
    """A record that is not the same at two positions. `action`: added, removed or changed."""

    collection: str
    key: str
    action: str
    position: int
    """Of its newest change in between."""
    changes: int
    diff: str


class DifferencePage(Struct, frozen=True, kw_only=True):
    start: int
    """The position that `from` means."""
    end: int
    differences: list[DifferenceView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class RecordView(Struct, frozen=True, kw_only=True):
    """A record as it was at a position. Without `value` it had none."""

    collection: str
    key: str
    at: int
    value: Value = UNSET


# -- points -----------------------------------------------------------------------------------


class PointRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new rollback point at the newest position. `expires_in_s` null keeps it. `files`: paths,
    under folders that `ledger.files` allows, whose contents become part of it."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
    description: Annotated[str, Meta(max_length=4000)] = ""
    expires_in_s: Lifetime | None = POINT_LIFETIME_S
    conversation_id: Id | None = None
    tags: Tags = ()
    metadata: dict[str, Any] = {}
    files: Annotated[tuple[FilePath, ...], Meta(max_length=100)] = ()


class PointChange(Struct, frozen=True, forbid_unknown_fields=True):
    """When a point expires, counted from now; null keeps it until somebody deletes it."""

    expires_in_s: Lifetime | None


class PointView(Struct, frozen=True, kw_only=True):
    id: str
    position: int
    name: str
    description: str
    actor: str
    automatic: str
    """On which occasion it was made by itself; "" by hand."""
    tags: list[str]
    metadata: msgspec.Raw
    created_at: str
    expires_at: str | None
    """Null: it is kept."""
    pinned_rows: int = 0
    """Changes from before the horizon that go with it, as counted after the last compaction."""
    pinned_bytes: int = 0
    """Of their values."""
    conversation_id: str | None = None


class PointPage(Struct, frozen=True):
    points: list[PointView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


# -- restoring --------------------------------------------------------------------------------


class LedgerScope(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Of what: everything that is named must hold; nothing named is everything restorable.

    `keys` and the patterns are `collection/key`; in a pattern `*` is any text without `/`, `**`
    any text, `?` one character. Exclusion wins. `namespaces` are beginnings of keys, `components`
    whole parts of keys. `since` is inclusive, `until` exclusive. `origin` is an operation of the
    ledger. A scope that matches nothing is an error unless `allow_unmatched`.
    """

    collections: Names = ()
    keys: Keys = ()
    include: Patterns = ()
    exclude: Patterns = ()
    namespaces: Names = ()
    components: Names = ()
    entities: Names = ()
    sessions: Ids = ()
    """Conversations."""
    actors: Names = ()
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    max_age_s: Annotated[float, Meta(gt=0, lt=1e10)] | None = None
    origin: Annotated[str, Meta(max_length=64)] = ""
    allow_unmatched: bool = False


class UndoRequest(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """How an operation works. What is null follows from the strategy; `auto` chooses one."""

    scope: LedgerScope = LedgerScope()
    strategy: Strategy = "auto"
    on_conflict: OnConflict | None = None
    batch_size: Annotated[int, Meta(ge=1, le=500)] | None = None
    pause_s: Annotated[float, Meta(ge=0, le=3600)] | None = None
    verify: bool | None = None
    undo_on_failure: bool | None = None
    max_duration_s: Annotated[float, Meta(gt=0, le=604_800)] | None = None
    reason: Annotated[str, Meta(max_length=1000)] = ""


class RollbackRequest(UndoRequest, frozen=True, kw_only=True):
    """Exactly one of `point` (its id), `position`, `time` and `undo` (an operation's id) says
    where to."""

    point: Id | None = None
    position: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    time: Annotated[datetime, Meta(tz=True)] | None = None
    undo: Id | None = None


class EffectView(Struct, frozen=True, kw_only=True):
    """What would become of a record: restore, recreate, remove, unchanged or conflict."""

    collection: str
    key: str
    action: str
    diff: str
    conflict: str | None = None
    """The kind of conflict."""
    severity: str | None = None
    note: str = ""


class PreviewView(Struct, frozen=True, kw_only=True):
    """A dry run: nothing was written. Counts are by record, as of the first page."""

    target: int
    head: int
    point: str | None
    total: int
    actions: dict[str, int]
    collections: dict[str, int]
    actors: dict[str, int]
    conflicts: dict[str, int]
    strategy: str
    strategy_reason: str
    risk: str
    """low, medium, high or critical."""
    risk_reasons: list[str]
    estimated_s: float
    effects: list[EffectView]
    next: str | None
    """Pass it as `cursor` for the next page of effects; None at the end."""


class FiguresView(Struct, frozen=True, kw_only=True):
    """Records by what became of them. `kept` were restored, but changed by somebody else before
    they could be undone; `seconds` were spent in restoring."""

    applied: int
    unchanged: int
    skipped: int
    conflicts: int
    undone: int
    kept: int
    removed: int
    recreated: int
    forced: int
    seconds: float


class OperationView(Struct, frozen=True, kw_only=True):
    """A rollback, or the undoing of one. `progress` is in per cent."""

    id: str
    number: int
    kind: str
    status: OperationStatus
    phase: str
    target: int
    head: int
    point: str | None
    request: RollbackRequest
    strategy: str
    """The one that works, which `auto` chose."""
    total: int
    progress: float
    figures: FiguresView
    actor: str
    reason: str
    is_cancelled: bool
    created_at: str
    updated_at: str
    started_at: str | None = None
    finished_at: str | None = None
    error_code: str | None = None
    error: str | None = None
    checksum_before: str = ""
    checksum_after: str = ""


class OperationPage(Struct, frozen=True):
    operations: list[OperationView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class LogLine(Struct, frozen=True, kw_only=True):
    number: int
    at: str
    level: str
    message: str
    data: msgspec.Raw | None = None


class OperationLog(Struct, frozen=True):
    """Oldest first."""

    lines: list[LogLine]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end (for now, if it still runs)."""


class ItemView(Struct, frozen=True, kw_only=True):
    """A record of an operation. `before` and `written` are positions."""

    collection: str
    key: str
    state: ItemState
    before: int | None = None
    written: int | None = None
    note: str | None = None


class ItemPage(Struct, frozen=True):
    items: list[ItemView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


# -- conflicts --------------------------------------------------------------------------------


class ConflictView(Struct, frozen=True, kw_only=True):
    """What stands against restoring a record. `choices` are the decisions that it has."""

    id: str
    operation_id: str
    collection: str
    key: str
    kind: str
    severity: str
    state: ConflictState
    confidence: float
    """Of a merge, 0 to 100."""
    paths: list[str]
    """Where in the record both sides differ; none for the whole of it."""
    note: str
    choices: list[DecisionName]
    created_at: str
    version: int
    """Grows with every decision."""
    decision: DecisionName | None = None
    decided_by: str | None = None
    decided_at: str | None = None


class ConflictPage(Struct, frozen=True):
    conflicts: list[ConflictView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class OptionView(Struct, frozen=True):
    """Something that can be done, with a look at the value that the record would have."""

    decision: DecisionName
    name: str
    confidence: float
    preview: str


class SideToken(Struct, frozen=True):
    kind: str
    start: int
    text: str


class SideLine(Struct, frozen=True):
    """`tokens` of a modified line are the whole of it in runs."""

    number: int
    text: str
    tokens: list[SideToken]


class SideRow(Struct, frozen=True):
    """Left what the record has, right what would be restored. `kind`: equal, removed, added or
    modified."""

    kind: str
    left: SideLine | None
    right: SideLine | None


class ConflictDetail(Struct, frozen=True, kw_only=True):
    """A conflict with its values and what a person needs to decide it.

    `base` is what the operation takes back, `ours` what the record has, `theirs` what would be
    restored, `merged` both, `value` what was decided by `edit`.
    """

    conflict: ConflictView
    recommended: DecisionName | None
    """Null: a person should decide."""
    reason: str
    similarity: float
    options: list[OptionView]
    rows: list[SideRow]
    hidden: int
    """Characters that are not shown."""
    base: Value = UNSET
    ours: Value = UNSET
    theirs: Value = UNSET
    merged: Value = UNSET
    value: Value = UNSET

    @property
    def version(self) -> int:
        return self.conflict.version


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`edit` needs a value."""

    decision: DecisionName
    value: Value = UNSET


# -- snapshots, forgetting --------------------------------------------------------------------


class SnapshotView(Struct, frozen=True, kw_only=True):
    """A snapshot that was written. `bytes` are those of the records before compression."""

    position: int
    point_id: str | None
    created_at: str
    records: int
    bytes: int
    collections: dict[str, int]
    checksum: str


class ImportView(Struct, frozen=True, kw_only=True):
    """What an import did. `id` is the origin of the changes it made, `point_id` the point before
    it; `refused` are up to a hundred records that were not let in."""

    id: str
    point_id: str
    written: int
    unchanged: int
    skipped: int
    refused: list[str]


class CompactRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a position; null: what the settings say is old, of everything."""

    position: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class CompactionView(Struct, frozen=True, kw_only=True):
    """What was deleted, and the position from which on everything can be restored."""

    horizon: int
    rows: int
    bytes: int
    points: int = 0
    operations: int = 0
    audit: int = 0


# -- audit, status ----------------------------------------------------------------------------


class AuditView(Struct, frozen=True, kw_only=True):
    number: int
    at: str
    actor: str
    event: str
    severity: str
    message: str
    reason: str
    data: msgspec.Raw
    operation_id: str | None = None
    point_id: str | None = None
    conversation_id: str | None = None


class AuditPage(Struct, frozen=True):
    entries: list[AuditView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class LedgerStatus(Struct, frozen=True, kw_only=True):
    """Any position from `horizon` to `head` can be restored, and any live point."""

    head: int
    horizon: int
    points_live: int
    oldest_point: int | None
    """The lowest position of a live point."""
    pinned_rows: int
    """Changes from before the horizon that points keep, as counted after the last compaction."""
    pinned_bytes: int
    """Of their values."""
    pinned_counted_at: str | None
    """Null where nothing was compacted yet."""
    operations_open: int
    conflicts_open: int
    collections: list[str]
    """Kinds of records with tables of their own."""
