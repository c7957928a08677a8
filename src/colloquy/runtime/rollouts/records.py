"""The ledger collections `rollouts`, by flag, and `rollbacks`, by id.

Neither goes along with a rollback of everything: what somebody broke off must not go on again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ...evolution.guard.plan import Plan
from ...ledger.collections import Collection, check_shape
from ...ledger.merge import MISSING, Missing
from ...ledger.values import Value
from ...model.rollouts import Level, LevelChange, LevelView, StepView
from ...model.times import rfc3339

ROLLOUTS = "rollouts"
ROLLBACKS = "rollbacks"


class LevelRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rollback by level as it is kept; see `LevelView`. Times are microseconds since 1970."""

    id: str
    level: Level
    flag: str | None
    status: Literal["running", "done", "incomplete", "undone"]
    reason: str
    actor: str
    at: int
    seconds: float
    point: str
    changes: tuple[LevelChange, ...]
    rollouts: tuple[str, ...]
    steps: tuple[StepView, ...] = ()
    operation: str | None = None
    undone_at: int | None = None
    undone_by: str | None = None
    left: tuple[str, ...] = ()

    def view(self) -> LevelView:
        return LevelView(
            id=self.id,
            level=self.level,
            flag=self.flag,
            status=self.status,
            reason=self.reason,
            actor=self.actor,
            at=rfc3339(self.at),
            seconds=round(self.seconds, 6),
            point=self.point,
            changes=list(self.changes),
            rollouts=list(self.rollouts),
            steps=list(self.steps),
            operation=self.operation,
            undone_at=None if self.undone_at is None else rfc3339(self.undone_at),
            undone_by=self.undone_by,
            left=list(self.left),
        )


def value_of(record: Plan | LevelRecord) -> Value:
    """As JSON has it."""
    found: Value = msgspec.json.decode(msgspec.json.encode(record))
    return found


class RolloutRecords(Collection):
    """`heard` is called when a rollback that named them, or an import, changed some."""

    restorable = False
    plain = False

    def __init__(self, name: str, shape: Any, heard: Callable[[], None]) -> None:
        super().__init__(name)
        self._shape = shape
        self._heard = heard

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if then is not MISSING:
            check_shape(then, self._shape)

    async def settle(self, keys: Sequence[str]) -> None:
        self._heard()


def rollout_records(heard: Callable[[], None]) -> list[Collection]:
    """Both collections."""
    return [
        RolloutRecords(ROLLOUTS, Plan, heard),
        RolloutRecords(ROLLBACKS, LevelRecord, heard),
    ]
