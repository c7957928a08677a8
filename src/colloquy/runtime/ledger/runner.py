"""The tasks behind the ledger: operations are carried out, resumed, and old things forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from ...graph.slots import COLLECTION as GRAPH
from ...graph.slots import is_relationship
from ...ledger.ledger import Ledger
from ...ledger.retention import Retention
from ...ledger.rows import ItemRow, OperationRow
from ...model.errors import Unavailable
from ...settings import LedgerSettings
from ...storage.store import Store
from ...telemetry import Metrics, get_logger
from .telling import Telling

log = get_logger(__name__)

TOPIC = "ledger"
"""The signal to other processes that an operation was begun, cancelled or decided on."""
SWEEP_EVERY_S = 60.0
CLEAN_EVERY_S = 3600.0
PAGE = 500


class Restored(NamedTuple):
    """What an operation did to the graph."""

    entities: int
    relationships: int


class Runner:
    """Carries operations out for one process. Without `run`, it only tells others of them.

    `is_keeper`: whether this is the process that forgets what is too old.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        settings: LedgerSettings,
        metrics: Metrics,
        telling: Telling,
        retention: Retention,
        is_keeper: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._retention = retention
        self._is_keeper = is_keeper
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._telling = telling
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: list[BaseException] = []
        self._wake = asyncio.Event()
        self._works = False
        self._stopping = False
        self._swept_at = 0.0
        self._since = ledger.clock()
        self._told: dict[str, set[str]] = {}
        self.deciding = asyncio.Lock()
        """Held while a decision is compared with what its client saw."""
        self.open = 0
        """Operations that are not finished, at the last look."""

    # -- what the façade calls ----------------------------------------------------------------

    async def begun(self, row: OperationRow) -> None:
        """An operation is there. A process that does not run it lets go of it for one that does."""
        self._metrics.rollback_points_created.inc()  # the one that `start` makes before it
        if not self._works and self._store.shared:
            await self._ledger.operations.release(row)
        await self.changed(row.id)

    async def changed(self, operation: str) -> None:
        """There is something to do for an operation."""
        self.heard()
        await self._store.signal(TOPIC, operation)

    def heard(self) -> None:
        """Looks now, not in a while; pages do too."""
        self._wake.set()
        self._telling.touch()

    # -- the task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: a task for the supervisor. What an operation raises ends it, so that the
        supervisor shows it and starts it again; other operations run on meanwhile."""
        self._works = True
        while True:
            self._wake.clear()
            if self._failed:
                raise self._failed.pop()
            try:
                await self._begin_open()
                await self._look()
            except Unavailable as error:
                log.warning("ledger_unread", detail=error.detail)
            try:
                async with asyncio.timeout(self._settings.poll_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Leaves what is under way to the next process; where others run, they need not wait."""
        self._stopping = True
        self._works = False
        tasks = dict(self._tasks)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        if not self._store.shared:
            return
        for id_ in tasks:
            try:
                await self._ledger.operations.release(await self._ledger.operations.get(id_))
            except Unavailable as error:
                log.warning("ledger_operation_kept", operation=id_, detail=error.detail)

    async def _begin_open(self) -> None:
        rows = await self._ledger.operations.open()
        self.open = len(rows)
        for row in rows:
            if self._stopping or len(self._tasks) >= self._settings.concurrent_operations:
                return
            if row.id not in self._tasks and await self._can_go_on(row):
                task = asyncio.create_task(self._carry_out(row.id), name=f"ledger {row.id}")
                self._tasks[row.id] = task

    async def _can_go_on(self, row: OperationRow) -> bool:
        """Not while another process runs it, nor while it waits and nobody has decided."""
        mine = row.owner in (None, self._ledger.operations.owner)
        late = (row.lease_until or 0) < self._ledger.clock()
        if self._store.shared and not mine and not late:
            return False
        if row.status != "waiting" or row.cancelled:
            return True
        counts: dict[str, int] = dict(await self._store.query("ledger_conflicts_count", row.number))
        return bool(counts.get("decided")) or not counts.get("open")

    async def _carry_out(self, id_: str) -> None:
        try:
            row = await self._ledger.run(id_)
            if row.status in ("waiting", "completed"):
                await self._tell_conflicts(row)
            if row.status == "completed":
                restored = await self._restored(row)
                self._metrics.rollback_entities_processed.inc(restored.entities)
                self._metrics.rollback_relationships_processed.inc(restored.relationships)
            self._wake.set()  # there is room for another
        except Unavailable as error:
            log.warning("ledger_operation_interrupted", operation=id_, detail=error.detail)
        except Exception as error:
            log.exception("ledger_operation_failed", operation=id_)
            self._failed.append(error)
            self._wake.set()
        finally:
            del self._tasks[id_]

    async def _restored(self, row: OperationRow) -> Restored:
        """Entities and relationships of the graph whose records the operation wrote."""
        entities: set[str] = set()
        relationships = 0
        after: tuple[str, str] | None = (GRAPH, "")
        while after is not None:
            page = await self._ledger.operations.items(row, after, PAGE, "applied")
            items: list[ItemRow] = page.rows
            for item in items:
                if item.collection != GRAPH:
                    return Restored(len(entities), relationships)
                if is_relationship(item.key):
                    relationships += 1
                else:
                    entities.add(item.key.partition("|")[0])
            after = page.cursor
        return Restored(len(entities), relationships)

    async def _tell_conflicts(self, row: OperationRow) -> None:
        """Of those that do not end it; of the others the executor tells. Of each once, and not of
        what an earlier process found."""
        told = self._told.setdefault(row.id, set())
        before: str | None = None
        while True:
            page = await self._ledger.operations.conflicts(before, PAGE, operation=row.number)
            for conflict in page.rows:
                if conflict.id not in told and conflict.created_at >= self._since:
                    told.add(conflict.id)
                    self._telling.conflict(conflict, row)
            before = page.cursor
            if before is None:
                break
        if not row.is_open:
            del self._told[row.id]

    # -- tidying up ---------------------------------------------------------------------------

    async def _look(self) -> None:
        """Figures, and once a minute what has expired."""
        live, _ = await self._ledger.points.figures()
        ((conflicts,),) = await self._store.query("ledger_conflicts_open")
        self._metrics.ledger_head.set(await self._ledger.history.head())
        self._metrics.ledger_points_live.set(live)
        self._metrics.ledger_conflicts_open.set(conflicts)
        now = asyncio.get_running_loop().time()
        if self._is_keeper() and (now - self._swept_at >= SWEEP_EVERY_S or not self._swept_at):
            self._swept_at = now
            await self._retention.sweep()

    async def clean(self) -> None:
        """Forgets what is too old, once an hour, until cancelled: a task for the supervisor."""
        while True:
            await asyncio.sleep(CLEAN_EVERY_S)
            if not self._is_keeper():
                continue
            try:
                await self._retention.clean()
            except Unavailable as error:
                log.warning("ledger_not_cleaned", detail=error.detail)
