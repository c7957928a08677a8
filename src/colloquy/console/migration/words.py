"""The migration in words: stages, kinds of work and of mismatches, and who still speaks V1."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ...model.migrations import MigrationStage
from ...model.rollouts import Figures
from ..words import Word

GOAL = 0.8
"""Share of turns by V2 clients at which V1 counts as left behind."""

STAGES = {
    "off": ("Off", "V1 is written and read"),
    "shadow": ("Shadow", "both are written; V1 is read, and compared with V2"),
    "dual_v1": ("Dual, V1 first", "both are written; V1 is read, V2 where it fails"),
    "dual_v2": ("Dual, V2 first", "both are written; V2 is read, V1 where it fails"),
    "v2_only": ("V2 only", "V2 is written and read"),
}
WORK = {
    "backfill_v1": "Backfill from V1",
    "backfill_v2": "Backfill from V2",
    "verify": "Comparison",
    "reconcile": "Repair",
    "record": "Into the log",
}
JOBS = {
    "backfill": ("Backfill", "what V2 does not have yet"),
    "verify": ("Compare", "every message of both tables"),
    "reconcile": ("Repair", "what the mismatches have open"),
    "backfill_to_v1": ("Backfill to V1", "what V1 does not have"),
    "record": ("Record", "the V2 table into the log, as history"),
}
JOB_STATES = {
    "waiting": Word("waiting", "Waiting", "clock", "info"),
    "running": Word("running", "Running", "play", "info"),
    "stopping": Word("stopping", "Stopping", "clock", "warn"),
    "done": Word("done", "Done", "check", "good"),
    "stopped": Word("stopped", "Stopped", "close"),
    "failed": Word("failed", "Failed", "alert", "warn"),
}
KINDS = {
    "missing_v1": "Not in V1",
    "missing_v2": "Not in V2",
    "different": "Different",
    "failed_write": "Write failed",
}
STATES = {
    "open": Word("open", "Open", "alert", "warn"),
    "repaired": Word("repaired", "Repaired", "check", "good"),
    "ignored": Word("ignored", "Ignored", "close"),
}


class StagePlace(Struct, frozen=True):
    """A stage on the strip. `place`: done, now or next."""

    title: str
    meaning: str
    place: str


class Adoption(Struct, frozen=True):
    """Turns by clients of each version. `share`: of V2 among them, None without a turn."""

    v1: int
    v2: int
    share: float | None

    @property
    def is_reached(self) -> bool:
        return self.share is not None and self.share >= GOAL


def strip_of(stage: MigrationStage) -> list[StagePlace]:
    order = list(MigrationStage)
    at = order.index(stage)
    return [
        StagePlace(*STAGES[one], "done" if place < at else "now" if place == at else "next")
        for place, one in enumerate(order)
    ]


def adoption_of(versions: Mapping[str, Figures]) -> Adoption:
    v1, v2 = (versions.get(name, Figures()).count for name in ("v1", "v2"))
    return Adoption(v1, v2, v2 / (v1 + v2) if v1 + v2 else None)


def percent_of(share: float) -> str:
    """A share with as many digits as tell it from a whole: 99.9999 %, not 100 %."""
    if 0.999 < share < 1:
        return f"{min(share * 100, 99.9999):.4f} %"
    return f"{share * 100:.1f} %" if share < 1 else "100 %"
