"""Where the migration of a table of V1 messages stands: its stage, as a record of the ledger.

By itself, so that an engine that moves nothing loads nothing of what moves (`migration`).
"""

from __future__ import annotations

from ..ledger.collections import Collection, check_shape
from ..ledger.merge import MISSING, Missing
from ..ledger.values import Value
from ..model.migrations import MigrationFigures as Figures
from ..model.migrations import MigrationStage as Stage
from ..model.migrations import MigrationState as State

__all__ = ["COLLECTION", "Figures", "MigrationRecords", "Stage", "State"]

COLLECTION = "migrations"


class MigrationRecords(Collection):
    """By the migration's name. A rollback of everything leaves a migration where it is: going back
    has gates of its own. One that names this collection restores it."""

    restorable = False
    plain = False

    def __init__(self) -> None:
        super().__init__(COLLECTION)

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if then is not MISSING:
            check_shape(then, State)
