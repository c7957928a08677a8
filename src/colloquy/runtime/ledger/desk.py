"""The ledger of one running engine: everything that edges ask of it, and the task behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...ledger.collections import Collections
from ...ledger.ledger import Ledger
from ...model.times import Clock, now_us
from ...ops.tasks import Supervisor
from ...settings import LedgerSettings
from ...storage.store import Store
from ...telemetry import Metrics
from .checkpoints import Checkpoints
from .keeping import Keeping
from .pointing import Pointing
from .reading import Reading
from .restoring import Restoring
from .runner import TOPIC, Runner
from .telling import Notices, Telling

__all__ = ["TOPIC", "LedgerDesk"]


class LedgerDesk(Keeping, Reading, Pointing, Restoring):
    """`ledger` is the ledger itself, for rooms that write records. `owner` names this process;
    `is_keeper` says whether it is the one that forgets what is too old; `forgotten` is given the
    position up to which it did."""

    def __init__(
        self,
        settings: LedgerSettings,
        store: Store,
        collections: Collections,
        metrics: Metrics,
        notices: Notices,
        *,
        owner: str,
        is_keeper: Callable[[], bool] = lambda: True,
        forgotten: Callable[[int], Awaitable[object]] | None = None,
        clock: Clock = now_us,
    ) -> None:
        ledger = Ledger(store, collections, clock=clock, owner=owner)
        super().__init__(ledger, store, settings, forgotten)
        self._settings = settings
        self._telling = Telling(metrics, notices)
        self.watching = self._telling.watching
        self.runner = Runner(
            self.ledger, store, settings, metrics, self._telling, self.retention, is_keeper
        )
        self.ledger.listeners.add(self._telling.heard)
        self.checkpoints = Checkpoints(self.checkpoint, is_on=settings.checkpoints)

    def start(self, tasks: Supervisor, *, works: bool = True) -> None:
        """Makes checkpoints from now on and, where `works`, carries out operations: else those wait
        for a process that does, or for `carry_out`."""
        tasks.start("ledger-checkpoints", self.checkpoints.run)
        if not works:
            return
        tasks.start("ledger", self.runner.run)
        tasks.start("ledger-retention", self.runner.clean)

    async def stop(self) -> None:
        """Operations under way are gone on with by the next process. May be called twice."""
        await self.checkpoints.settle()
        await self.runner.stop()

    def heard(self) -> None:
        """Another process began, cancelled or decided something."""
        self.runner.heard()

    def pending(self) -> float:
        """Operations that were not finished at the last look."""
        return float(self.runner.open)
