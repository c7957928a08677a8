"""Jobs of a migration, done by the one process of several that moves.

What was asked for stands in the tables' own books, so that whoever moves next takes it up: a
backfill and a recording go on behind their last batch, a comparison and a repair begin again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..model.errors import ColloquyError, Overloaded, Unavailable
from ..model.message import Message
from ..model.migrations import MigrationJob
from ..model.times import Clock, now_us, rfc3339
from ..model.views import Receipt
from ..telemetry import get_logger

if TYPE_CHECKING:
    from ..evolution.migration import Stages, Standing, Tables

log = get_logger(__name__)

BEAT_S = 0.5
"""How often is said how far a job is, and looked whether it is to stop."""
LOOK_S = 1.0
"""How often is looked for a job that another process was asked for."""
AGAIN_S = 5.0
"""After a database was away."""

Offer = Callable[[Sequence[Message]], Awaitable[list[Receipt | ColloquyError]]]


class JobRunner:
    """`offer` records messages in the log; `is_mover`: whether this process may work now."""

    def __init__(
        self, offer: Offer, *, is_mover: Callable[[], bool], clock: Clock = now_us
    ) -> None:
        self._offer = offer
        self._is_mover = is_mover
        self._clock = clock
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """There is something new: look at once."""
        self._asked.set()

    async def keep_running(self, tables: Tables, stages: Callable[[], Stages]) -> None:
        """Does what there is, until cancelled."""
        while True:
            pause = LOOK_S
            self._asked.clear()
            try:
                if self._is_mover():
                    job = await tables.jobs.open()
                    if job is not None:
                        await self._run(tables, stages(), job)
            except (Overloaded, Unavailable) as error:
                log.warning("migration_job_waits", code=error.code, detail=error.detail)
                pause = AGAIN_S
            try:
                async with asyncio.timeout(pause):
                    await self._asked.wait()
            except TimeoutError:
                pass  # time to look

    async def _run(self, tables: Tables, stages: Stages, job: MigrationJob) -> None:
        """To its end, until it is to stop, or until another process moves. Raises Overloaded and
        Unavailable: then it is still open."""
        if job.state == "stopping":
            await self._end(tables, job, "stopped")
            return
        if job.state == "running":
            job.resumed += 1
            log.info("migration_job_resumed", number=job.number, kind=job.kind)
        job.state = "running"
        job.began_at = job.began_at or rfc3339(self._clock())
        if job.restart:
            # Once: whoever takes it up after us is to go on.
            await self._forget(tables, job)
            job.restart = False
        await tables.jobs.save(job)
        is_unwanted = False
        work = asyncio.create_task(self._work(tables, stages, job))
        try:
            while not (await asyncio.wait([work], timeout=BEAT_S))[0]:
                is_unwanted = (await tables.jobs.save(job)).state == "stopping"
                if is_unwanted or not self._is_mover():
                    break
        finally:
            if not work.done():
                work.cancel()
            await asyncio.wait([work])
        if work.cancelled():
            if is_unwanted:
                await self._end(tables, job, "stopped")
            return
        try:
            job.result = msgspec.to_builtins(work.result())
        except (Overloaded, Unavailable):
            raise
        except ColloquyError as error:
            job.error = f"{error.code}: {error.detail}"
            await self._end(tables, job, "failed")
            return
        except Exception as error:
            # Our own fault: not again and again.
            job.error = repr(error)
            await self._end(tables, job, "failed")
            raise
        await self._end(tables, job, "done")

    async def _end(self, tables: Tables, job: MigrationJob, state: Any) -> None:
        job.state = state
        job.ended_at = rfc3339(self._clock())
        job.eta_s = None
        await tables.jobs.save(job)
        log.info("migration_job_ended", number=job.number, kind=job.kind, state=job.state)

    async def _work(self, tables: Tables, stages: Stages, job: MigrationJob) -> Any:
        from ..evolution.migration import Pace, backfill, reconcile, record, verify

        pace = Pace(job.rate or tables.plan.rate)

        def told(standing: Standing) -> None:
            job.done, job.total = standing.done, standing.total
            job.per_s, job.eta_s = round(standing.per_s, 1), standing.eta_s

        match job.kind:
            case "backfill":
                return await backfill(tables, source=1, pace=pace, told=told)
            case "backfill_to_v1":
                return await backfill(tables, source=2, pace=pace, told=told)
            case "verify":
                return await verify(tables, pace=pace, told=told)
            case "reconcile":
                return await reconcile(tables, await stages.stage(), pace=pace, told=told)
            case "record":
                return await record(tables, self._offer, pace=pace, told=told)

    async def _forget(self, tables: Tables, job: MigrationJob) -> None:
        from ..evolution.migration.backfill import name_of
        from ..evolution.migration.progress import Progress
        from ..evolution.migration.recording import RECORD

        names = {"backfill": name_of(1), "backfill_to_v1": name_of(2), "record": RECORD}
        if job.kind in names:
            await tables.journal.put(names[job.kind], Progress())
