"""What somebody asks for: where to, of what, and how. Strategies are presets of one executor."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ...model.counting import counted
from ...model.errors import InvalidInput
from ..merge import ConflictPolicy
from ..scope import Scope, check_scope

Strategy = Literal["auto", "immediate", "gradual", "safe", "force", "dry_run"]

MAX_BATCH = 500
"""Records in one transaction (engine decision 28)."""
MAX_PAUSE_S = 3600.0


class Preset(Struct, frozen=True):
    """How the executor works. A request may override each."""

    batch_size: int
    pause_s: float = 0.0
    verify: bool = False
    on_conflict: ConflictPolicy = ConflictPolicy.ABORT
    undo_on_failure: bool = True
    execute: bool = True


PRESETS: dict[str, Preset] = {
    "immediate": Preset(100),
    "gradual": Preset(10, pause_s=1.0),
    "safe": Preset(100, verify=True),
    "force": Preset(MAX_BATCH, on_conflict=ConflictPolicy.OVERWRITE, undo_on_failure=False),
    "dry_run": Preset(100, execute=False),
}
"""Batch and pause of `gradual` are those of the older format."""

MOST_PAUSES = 100
"""Of a gradual rollback: with more records its batches grow, or 10,000 would take 17 minutes."""

DAY_US = 86_400_000_000


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Exactly one of `point` (an id), `position`, `time` and `undo` (an operation's id) says where
    to. None leaves a figure to the strategy.

    `max_duration_s`: after that the operation is cancelled.
    """

    point: str | None = None
    position: int | None = None
    time: datetime | None = None
    undo: str | None = None
    scope: Scope = Scope()
    strategy: Strategy = "auto"
    on_conflict: ConflictPolicy | None = None
    batch_size: int | None = None
    pause_s: float | None = None
    verify: bool | None = None
    undo_on_failure: bool | None = None
    execute: bool | None = None
    max_duration_s: float | None = None
    reason: str = ""

    def preset(self, strategy: str, total: int) -> Preset:
        """The figures that hold for so many records."""
        base = PRESETS[strategy]
        batch = base.batch_size
        if strategy == "gradual":
            batch = min(MAX_BATCH, max(batch, -(-total // MOST_PAUSES)))
        given = {
            "batch_size": self.batch_size or batch,
            "pause_s": self.pause_s,
            "verify": self.verify,
            "on_conflict": self.on_conflict,
            "undo_on_failure": self.undo_on_failure,
            "execute": self.execute,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        return msgspec.structs.replace(base, **changed)


def check_request(request: Request) -> Request:
    """Raises InvalidInput with the field."""
    targets = [request.point, request.position, request.time, request.undo]
    if sum(target is not None for target in targets) != 1:
        raise InvalidInput("give one of `point`, `position`, `time` and `undo`", field="point")
    if request.position is not None and request.position < 0:
        raise InvalidInput("a position is 0 or more", field="position")
    if request.time is not None and request.time.tzinfo is None:
        raise InvalidInput("a time needs a zone (RFC 3339)", field="time")
    if request.batch_size is not None and not 1 <= request.batch_size <= MAX_BATCH:
        raise InvalidInput(f"`batch_size` is 1 to {MAX_BATCH}", field="batch_size")
    if request.pause_s is not None and not 0 <= request.pause_s <= MAX_PAUSE_S:
        raise InvalidInput(f"`pause_s` is 0 to {MAX_PAUSE_S:g}", field="pause_s")
    if request.max_duration_s is not None and not 0 < request.max_duration_s <= 7 * 86_400:
        raise InvalidInput(
            "`max_duration_s` is above 0, and a week at most", field="max_duration_s"
        )
    if len(request.reason) > 1000:
        raise InvalidInput("`reason` has at most 1,000 characters", field="reason")
    check_scope(request.scope)
    return request


def read_request(raw: Any) -> Request:
    """A request out of foreign data. Raises InvalidInput with the field."""
    try:
        return check_request(msgspec.convert(raw, Request))
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def recommend(total: int, age_us: int, conflicts: int) -> tuple[Strategy, str]:
    """The strategy for so many records, a target of this age and so many conflicts foreseen."""
    if conflicts:
        return "safe", f"{counted(conflicts, 'conflict')} foreseen"
    if total <= 5:
        return "immediate", "no more than 5 records"
    if age_us > DAY_US:
        return "safe", "the target is over 24 hours old"
    if total > 50:
        return "gradual", "more than 50 records"
    return "immediate", "no more than 50 records, changed within 24 hours"
