"""The migration of a table of V1 messages, as a running engine takes part in it: reports, steps,
the outbox, and the alert when it stands still.

Nothing of `evolution.migration` is imported where there is no plan, and no table opened before
somebody asks. The tables are somebody else's: while they are away the engine goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..evolution.stage import Stage, State
from ..ledger.ledger import Ledger
from ..model.errors import (
    ColloquyError,
    Conflict,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    SettingsError,
    Unavailable,
)
from ..model.migrations import (
    IgnoreRequest,
    MigrationJob,
    MigrationJobList,
    MigrationJobRequest,
    MigrationMove,
    MigrationReport,
    MigrationStart,
    MigrationStep,
    MigrationView,
    Mismatch,
    MismatchPage,
    MismatchState,
)
from ..model.times import Clock, now_us, rfc3339
from ..ops.alerts import Alerts
from ..ops.alerts.defaults import MIGRATION_STALLED
from ..ops.tasks import Supervisor
from ..telemetry import get_logger
from .migration_jobs import JobRunner, Offer

if TYPE_CHECKING:
    from ..evolution.migration import Plan, Stages, Tables

log = get_logger(__name__)

KEEP_S = 3.0
"""How long a report is kept: it counts tables, and many viewers are one look."""
WATCH_S = 5.0
NEWEST = 50
"""Steps that a view has. The ledger has all of them."""
JOBS = 20
"""Newest jobs that are shown."""


class MigrationDesk:
    """`plan_file` None: there is no migration here. `is_mover`: whether this process is the one, of
    several on one database, that empties the outbox and does the jobs. `offer` records messages in
    the log, as history.

    Every method raises NotFound where there is no plan, and Unavailable while its tables cannot be
    reached.
    """

    def __init__(
        self,
        plan_file: str | None,
        ledger: Ledger,
        alerts: Alerts,
        offer: Offer,
        *,
        is_mover: Callable[[], bool] = lambda: True,
        clock: Clock = now_us,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = plan_file
        self._ledger = ledger
        self._alerts = alerts
        self._is_mover = is_mover
        self._runner = JobRunner(offer, is_mover=is_mover, clock=clock)
        self._clock = clock
        self._monotonic = monotonic
        self._read: Plan | None = None
        self._open: Tables | None = None
        self._opening = asyncio.Lock()
        self._stepped = asyncio.Event()
        self._reporting = asyncio.Lock()
        self._kept: tuple[float, str, MigrationReport] | None = None
        self._stalled: float | None = None
        self._ignored = 0
        """Mismatches that were ignored here."""
        self._moved: tuple[object, float] = (None, 0.0)
        """What moves, as it was seen last, and since when it has been so."""

    @property
    def is_configured(self) -> bool:
        return self._file is not None

    # -- life ---------------------------------------------------------------------------------

    def start(self, tasks: Supervisor, *, works: bool = True) -> None:
        """Where there is a plan, and this process works: empties the outbox and watches from now
        on. Raises SettingsError for a plan that cannot be read."""
        if not self.is_configured or not works:
            return
        try:
            self._plan()
        except SettingsError:
            raise
        except ColloquyError as error:
            told = f"{error.field}: {error.detail}" if error.field else error.detail
            raise SettingsError(told, field="versions.migration") from None
        self._alerts.provide(MIGRATION_STALLED, lambda: self._stalled)
        tasks.start("migration", self.watch)
        tasks.start("migration-outbox", self.keep_draining)
        tasks.start("migration-jobs", self.keep_working)

    async def stop(self) -> None:
        """Closes the tables. May be called twice."""
        tables, self._open = self._open, None
        if tables is not None:
            await tables.close()

    async def watch(self) -> None:
        """Looks for how long nothing has moved, until cancelled. Tables that cannot be reached are
        no figure: the alert neither opens nor resolves."""
        while True:
            try:
                self._stalled = await self.stalled_s()
            except ColloquyError as error:
                self._stalled = None
                log.warning("migration_not_watched", code=error.code, detail=error.detail)
            await asyncio.sleep(WATCH_S)

    async def keep_draining(self) -> None:
        """Empties the outbox until cancelled, once the migration has begun."""
        from ..evolution.migration import keep_draining

        await keep_draining(await self._begun(), may=self._is_mover)

    async def keep_working(self) -> None:
        """Does the jobs until cancelled, once the migration has begun."""
        await self._runner.keep_running(await self._begun(), self._stages)

    async def _begun(self) -> Tables:
        """The tables, once the migration has begun and they can be reached."""
        while True:
            self._stepped.clear()
            try:
                if await self._stages().stage() is not Stage.OFF:
                    return await self._tables()
            except ColloquyError as error:
                log.warning("migration_waits", code=error.code, detail=error.detail)
            try:
                async with asyncio.timeout(WATCH_S):
                    await self._stepped.wait()
            except TimeoutError:
                pass  # another process may have begun it

    async def stalled_s(self) -> float:
        """Seconds since anything moved, where the plan says that this is too long; else 0."""
        from ..evolution.migration.report import stalled_s

        state = await self._stages().state()
        if state.stage in (Stage.OFF, Stage.V2_ONLY):
            return 0.0
        tables = await self._tables()
        work = await tables.journal.all()
        return stalled_s(state, work, tables.plan.stall_after_s, self._clock()) or 0.0

    # -- reading ------------------------------------------------------------------------------

    async def stage(self) -> Stage:
        return await self._stages().stage()

    async def view(self, limit: int = NEWEST) -> MigrationView:
        """The report with the newest `limit` steps."""
        stages = self._stages()
        state = await stages.state()
        made_at, report = await self._reported(state)
        return MigrationView(
            made_at=made_at,
            state=state,
            report=report,
            history=await stages.history(limit),
        )

    async def mark(self) -> object:
        """Another one whenever something else is to be seen, and once more when the report that was
        kept then is made anew. No table is counted for it."""
        state = await self._stages().state()
        work = await (await self._tables()).journal.all()
        found, now = (state, work, self._ignored), self._monotonic()
        if found != self._moved[0]:
            self._moved = (found, now)
        return found, now - self._moved[1] >= KEEP_S

    async def report(self) -> MigrationReport:
        """At most `KEEP_S` seconds old."""
        return (await self._reported(await self._stages().state()))[1]

    async def history(self, limit: int = NEWEST) -> list[MigrationStep]:
        """The newest steps, newest first."""
        return await self._stages().history(limit)

    async def mismatches(
        self, cursor: str | None = None, limit: int = 50, state: MismatchState | None = None
    ) -> MismatchPage:
        """Oldest first; `state` None: in whatever state they are. Raises InvalidInput."""
        self._plan()
        from ..evolution.migration.mismatches import after_of

        tables = await self._tables()
        return await tables.mismatches.page(state, after_of(cursor), limit)

    async def _reported(self, state: State) -> tuple[str, MigrationReport]:
        from ..evolution.migration import report

        async with self._reporting:
            kept, now = self._kept, self._monotonic()
            # A step, perhaps of another process, makes the report an old one.
            if kept is None or now - kept[0] >= KEEP_S or kept[2].stage != state.stage:
                found = await report(await self._tables(), state)
                kept = (now, rfc3339(self._clock()), found)
                self._kept = kept
            return kept[1], kept[2]

    # -- steps --------------------------------------------------------------------------------

    async def begin(self, request: MigrationStart, actor: str) -> MigrationView:
        """`shadow`. Raises Conflict for a migration that is under way."""
        tables = await self._tables()
        source = f"{tables.old.name} {tables.plan.table}"
        return await self._taken(self._stages().start(actor, source, request.reason))

    async def advance(self, request: MigrationMove, actor: str) -> MigrationView:
        """One step forward, by the figures of this moment. Raises as `Stages.advance`, but Conflict
        where somebody else took a step meanwhile."""
        return await self._step(request, actor, is_back=False)

    async def back(self, request: MigrationMove, actor: str) -> MigrationView:
        """One step back. Raises as `advance`."""
        return await self._step(request, actor, is_back=True)

    async def ignore(self, number: int, request: IgnoreRequest) -> Mismatch:
        """Nothing is to be done about a mismatch, for as long as its values stay. Raises NotFound,
        InvalidInput."""
        reason = " ".join(request.reason.split())
        if not reason:
            raise InvalidInput("say why nothing is to be done", field="reason")
        found = await (await self._tables()).mismatches.ignore(number, reason)
        self._kept = None
        self._ignored += 1
        return found

    async def _step(self, request: MigrationMove, actor: str, *, is_back: bool) -> MigrationView:
        from ..evolution.migration import figures_of

        figures = await figures_of(await self._tables())
        stages = self._stages()
        take = stages.back if is_back else stages.advance
        return await self._taken(take(actor, figures, reason=request.reason, force=request.force))

    async def _taken(self, step: Awaitable[State]) -> MigrationView:
        try:
            await step
        except PreconditionFailed:
            raise Conflict("somebody else took a step meanwhile: look where it stands") from None
        self._kept = None
        self._stepped.set()
        return await self.view()

    # -- jobs ---------------------------------------------------------------------------------

    async def jobs(self) -> MigrationJobList:
        """The newest, newest first."""
        return MigrationJobList(await (await self._tables()).jobs.newest(JOBS))

    async def begin_job(self, request: MigrationJobRequest, actor: str) -> MigrationJob:
        """Done by the process that moves, which may be another one. Raises Conflict while a job is
        under way, and before the migration has begun."""
        if await self._stages().stage() is Stage.OFF:
            raise Conflict("the migration is off: start it, then it can be worked on")
        job = await (await self._tables()).jobs.begin(request, actor)
        self._runner.ask()
        return job

    async def stop_job(self, number: int) -> MigrationJob:
        """Asks it to end: between two batches, and what it has done stays. Raises NotFound, and
        Conflict for one that is over."""
        job = await (await self._tables()).jobs.stop(number)
        self._runner.ask()
        return job

    # -- what it works on ---------------------------------------------------------------------

    def _plan(self) -> Plan:
        """Raises NotFound, InvalidInput, ExtraMissing."""
        if self._file is None:
            raise NotFound(
                "no migration is configured here: name its plan in the setting versions.migration"
            )
        if self._read is None:
            from ..evolution.migration import read_plan

            self._read = read_plan(self._file)
        return self._read

    def _stages(self) -> Stages:
        plan = self._plan()
        from ..evolution.migration import Stages

        return Stages(self._ledger, plan.name, plan.gates, clock=self._clock)

    async def _tables(self) -> Tables:
        plan = self._plan()
        async with self._opening:
            if self._open is None:
                from ..evolution.migration import Tables

                tables = Tables(plan, self._clock)
                try:
                    await tables.open()
                except Unavailable:
                    raise
                except ColloquyError as error:
                    # The plan's fault, not the request's.
                    raise Unavailable(f"the migration's tables: {error.detail}") from None
                self._open = tables
            return self._open
