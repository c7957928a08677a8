"""Where the migration of a table of V1 messages stands: its stage, as a record of the ledger.

By itself, so that an engine that moves nothing loads nothing of what moves (`migration`).
"""

from __future__ import annotations

import enum

from msgspec import Struct

from ..ledger.collections import Collection, check_shape
from ..ledger.merge import MISSING, Missing
from ..ledger.values import Value

COLLECTION = "migrations"


class Stage(enum.StrEnum):
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
        return self in (Stage.DUAL_V1, Stage.DUAL_V2)

    @property
    def following(self) -> Stage | None:
        place = _ORDER.index(self) + 1
        return _ORDER[place] if place < len(_ORDER) else None

    @property
    def former(self) -> Stage | None:
        place = _ORDER.index(self)
        return _ORDER[place - 1] if place else None


_ORDER = tuple(Stage)
_WRITES = {
    Stage.OFF: (1,),
    Stage.SHADOW: (1, 2),
    Stage.DUAL_V1: (1, 2),
    Stage.DUAL_V2: (2, 1),
    Stage.V2_ONLY: (2,),
}


class Figures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step is judged by. `total`: messages in the larger table. `verified_at`: when the last
    whole comparison began, microseconds since 1970; 0 for never."""

    backfilled: bool = False
    compared: int = 0
    total: int = 0
    parity: float = 1.0
    open_mismatches: int = 0
    waiting: int = 0
    verified_at: int = 0


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a migration stands. `since` in microseconds since 1970; `forced`: against the gates."""

    stage: Stage = Stage.OFF
    since: int = 0
    by: str = ""
    reason: str = ""
    forced: bool = False
    missing: list[str] = []
    """What the gates missed when it was forced."""
    figures: Figures | None = None
    source: str = ""
    """The table that is moved: its database, without a password, and its name."""


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
