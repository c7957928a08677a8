"""Where a migration stands, in figures: what its gates ask for, and what a person wants to know."""

from __future__ import annotations

from ...model.migrations import MigrationReport as Report
from ...model.migrations import MigrationWork as Work
from ...model.times import rfc3339
from ...telemetry import get_logger
from ..stage import Figures, Stage, State
from .backfill import name_of
from .progress import Progress
from .reconciling import VERIFY
from .sides import Side
from .stages import missing_for
from .tables import Tables

__all__ = ["Report", "Work", "figures_of", "report", "stalled_s"]

log = get_logger(__name__)


async def figures_of(tables: Tables) -> Figures:
    """What the gates look at. Raises StoreUnavailable."""
    verified = await tables.journal.read(VERIFY)
    filled = await tables.journal.read(name_of(1))
    total = max(await Side(tables, 1).count(), await Side(tables, 2).count())
    return Figures(
        backfilled=filled.is_complete,
        compared=verified.compared,
        total=total,
        parity=verified.parity,
        open_mismatches=await tables.mismatches.open(),
        waiting=await tables.waiting(),
        verified_at=verified.started_at if verified.is_complete else 0,
    )


async def report(tables: Tables, state: State) -> Report:
    """Raises StoreUnavailable. A migration that stands still is also a warning in the log."""
    figures = await figures_of(tables)
    work = await tables.journal.all()
    following = state.stage.following
    stalled = stalled_s(state, work, tables.plan.stall_after_s, tables.clock())
    if stalled is not None:
        log.warning("migration_stalled", name=tables.plan.name, stage=str(state.stage), s=stalled)
    return Report(
        name=tables.plan.name,
        stage=str(state.stage),
        since=_moment(state.since),
        rows_v1=await Side(tables, 1).count(),
        rows_v2=await Side(tables, 2).count(),
        shared=tables.is_shared,
        figures=figures,
        mismatches=await tables.mismatches.counts(),
        work={name: _shown(one) for name, one in work.items()},
        next=None if following is None else str(following),
        missing=[]
        if following is None
        else missing_for(following, state, figures, tables.plan.gates),
        stalled_s=stalled,
    )


def stalled_s(state: State, work: dict[str, Progress], limit_s: float, now: int) -> float | None:
    """Seconds since anything moved (a batch, a comparison, a step), where they are `limit_s` or
    more and the migration is under way; times in microseconds since 1970."""
    if state.stage in (Stage.OFF, Stage.V2_ONLY):
        return None
    moved = max([state.since, *(one.moved_at for one in work.values())])
    passed = (now - moved) / 1_000_000
    return passed if passed >= limit_s else None


def _shown(progress: Progress) -> Work:
    return Work(
        done=progress.done,
        total=progress.total,
        written=progress.written,
        complete=progress.is_complete,
        moved_at=_moment(progress.moved_at),
    )


def _moment(us: int) -> str | None:
    return rfc3339(us) if us else None
