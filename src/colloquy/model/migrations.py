"""Views of the migration of a table of V1 messages: where it stands, its steps, its mismatches.

Times are RFC 3339, `…_s` are seconds, shares are 0 to 1.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from msgspec import Meta, Struct

MAX_REASON = 500

MismatchState = Literal["open", "repaired", "ignored"]
MigrationJobKind = Literal["backfill", "backfill_to_v1", "verify", "reconcile", "record"]
MigrationJobState = Literal["waiting", "running", "stopping", "done", "stopped", "failed"]
Reason = Annotated[str, Meta(max_length=MAX_REASON)]


class MigrationStage(enum.StrEnum):
    """In their order; `evolution.migration.stages` says what each means."""

    OFF = "off"
    SHADOW = "shadow"
    DUAL_V1 = "dual_v1"
    DUAL_V2 = "dual_v2"
    V2_ONLY = "v2_only"

    @property
    def writes(self) -> tuple[int, ...]:
        """The versions that are written, the primary first."""
        return _WRITES[self]

    @property
    def primary(self) -> int:
        return _WRITES[self][0]

    @property
    def falls_back(self) -> bool:
        """Whether a read that fails or finds nothing asks the other side."""
        return self in (MigrationStage.DUAL_V1, MigrationStage.DUAL_V2)

    @property
    def following(self) -> MigrationStage | None:
        place = _ORDER.index(self) + 1
        return _ORDER[place] if place < len(_ORDER) else None

    @property
    def former(self) -> MigrationStage | None:
        place = _ORDER.index(self)
        return _ORDER[place - 1] if place else None


_ORDER = tuple(MigrationStage)
_WRITES = {
    MigrationStage.OFF: (1,),
    MigrationStage.SHADOW: (1, 2),
    MigrationStage.DUAL_V1: (1, 2),
    MigrationStage.DUAL_V2: (2, 1),
    MigrationStage.V2_ONLY: (2,),
}


class MigrationFigures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step is judged by. `total`: messages in the larger table. `verified_at`: when the last
    whole comparison began, microseconds since 1970; 0 for never."""

    backfilled: bool = False
    compared: int = 0
    total: int = 0
    parity: float = 1.0
    open_mismatches: int = 0
    waiting: int = 0
    verified_at: int = 0


class MigrationState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a migration stands. `since` in microseconds since 1970; `forced`: against the gates."""

    stage: MigrationStage = MigrationStage.OFF
    since: int = 0
    by: str = ""
    reason: str = ""
    forced: bool = False
    missing: list[str] = []
    """What the gates missed when it was forced."""
    figures: MigrationFigures | None = None
    source: str = ""
    """The table that is moved: its database, without a password, and its name."""


class MigrationWork(Struct, frozen=True, kw_only=True):
    """One kind of long work, as it was saved last."""

    done: int
    total: int
    written: int
    complete: bool
    moved_at: str | None


class MigrationReport(Struct, frozen=True, kw_only=True):
    """`mismatches`: state → kind → field → rows. `next`: the following stage, and in `missing` what
    its gates miss. `stalled_s`: seconds since anything moved, where that is too long."""

    name: str
    stage: str
    since: str | None
    rows_v1: int
    rows_v2: int
    shared: bool
    figures: MigrationFigures
    mismatches: dict[str, dict[str, dict[str, int]]]
    work: dict[str, MigrationWork]
    next: str | None
    missing: list[str]
    stalled_s: float | None


class MigrationStep(Struct, frozen=True, kw_only=True):
    """One entry of the history. `position` is its place in the ledger; `missing`: what the gates
    missed when it was forced."""

    position: int
    at: str
    by: str
    stage: str
    reason: str
    forced: bool
    operation: str
    missing: list[str] = []


class MigrationView(Struct, frozen=True, kw_only=True):
    """`report` may be some seconds old (`made_at`), `state` and `history` are not; `history`: the
    newest steps, newest first."""

    made_at: str
    state: MigrationState
    report: MigrationReport
    history: list[MigrationStep]


class Mismatch(Struct, frozen=True, kw_only=True):
    """`v1`, `v2`: the values as JSON, shortened. `times`: how often it was found or failed."""

    number: int
    message: str
    field: str
    kind: str
    v1: str
    v2: str
    reason: str
    times: int
    found_at: str
    state: str
    settled_at: str | None


class MismatchPage(Struct, frozen=True):
    """`next`: the cursor of the page after this one."""

    mismatches: list[Mismatch]
    next: str | None = None


class MigrationStart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it begins; stands in the history."""

    reason: Reason = ""


class MigrationMove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`force`: against the gates. It needs a reason, and is recorded."""

    reason: Reason = ""
    force: bool = False


class IgnoreRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing is to be done."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]


class MigrationJobRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Long work on the tables. `rate`: messages per second at most, the plan's by default.
    `restart`: a backfill or a recording from the first message on, not from where it is."""

    kind: MigrationJobKind
    rate: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    restart: bool = False


class MigrationJob(Struct, kw_only=True):
    """`done` of `total` messages as it last said, `per_s` since it began or was taken up again
    (`resumed` times, after the process that did it ended), `eta_s` until its end at that pace.
    `result`: what it did, by name, once it is done; `error`: why it failed."""

    number: int
    kind: MigrationJobKind
    rate: float | None = None
    restart: bool = False
    by: str
    state: MigrationJobState
    asked_at: str
    began_at: str | None = None
    ended_at: str | None = None
    done: int = 0
    total: int = 0
    per_s: float = 0.0
    eta_s: float | None = None
    resumed: int = 0
    result: dict[str, int | float | str | None] = {}
    error: str | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class MigrationJobList(Struct, frozen=True):
    """The newest jobs, newest first. At most one of them is under way."""

    jobs: list[MigrationJob]
