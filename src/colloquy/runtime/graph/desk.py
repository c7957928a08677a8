"""The graph of one running engine: everything that edges ask of it, and the task behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...graph.graph import Graph
from ...graph.hygiene import STALE_DAYS
from ...ledger.ledger import Ledger
from ...model.graph import GraphStatistics, HitPage, SearchMode
from ...model.times import Clock
from ...ops.tasks import Supervisor
from ...settings import GraphSettings
from ...storage.store import Store
from .checkpoints import Checkpoints
from .searching import Searching
from .teaching import Teaching
from .walking import Walking


class GraphDesk(Teaching, Walking):
    """`graph` is the graph itself, for rooms that teach it. See `Searching` for the callables."""

    def __init__(
        self,
        settings: GraphSettings,
        store: Store,
        graph: Graph,
        ledger: Ledger,
        *,
        is_busy: Callable[[], bool],
        owns: Callable[[bytes], bool],
        clock: Clock,
    ) -> None:
        super().__init__(graph, store, clock, settings.noise)
        self.graph = graph
        self.searching = Searching(settings, store, is_busy=is_busy, owns=owns)
        self.checkpoints = Checkpoints(settings, graph, store, ledger, owns=owns, clock=clock)
        ledger.listeners.add(self.checkpoints.heard)

    def start(self, tasks: Supervisor) -> None:
        """Keeps the indexes of searching up from now on, and makes checkpoints."""
        tasks.start("graph-search", self.searching.run)
        tasks.start("graph-checkpoints", self.checkpoints.run)

    async def search(
        self,
        text: str,
        mode: SearchMode = "hybrid",
        kinds: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 20,
    ) -> HitPage:
        """See `Searching.search`."""
        return await self.searching.search(text, mode, kinds, cursor, limit)

    async def statistics(self, stale_days: int = STALE_DAYS) -> GraphStatistics:
        """Reads every fact. Raises InvalidInput."""
        return await self.figures(stale_days, await self.searching.vectors())
