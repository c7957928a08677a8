"""The graph's collection in a process that learns: it tells when knowledge was taken back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from ..graph.collection import Fresh, GraphCollection
from ..graph.learner import LEARN
from ..graph.settling import News
from ..ledger.collections import Write
from ..storage.commit import Rows
from ..storage.store import Store

TOPIC = "knowledge"
"""The signal to other processes that something known was taken back."""


class LearnedGraph(GraphCollection):
    """What messages taught before may not hold any more once knowledge is taken back, by a
    retraction, a rollback or an import. `taken_back` is called before that is committed, maybe in
    the store's thread, and again after it; then the other processes are told."""

    def __init__(self, store: Store, taken_back: Callable[[], None]) -> None:
        super().__init__(store)
        self._told = store
        self._taken_back = taken_back

    def bring(
        self, writes: Sequence[Write], fresh: Sequence[Fresh]
    ) -> Generator[tuple[str, Rows], Rows, News]:
        if any(change.operation != LEARN or change.origin is not None for change, _ in writes):
            self._taken_back()
        return (yield from super().bring(writes, fresh))

    async def settle(self, keys: Sequence[str]) -> None:
        self._taken_back()
        await self._told.signal(TOPIC, "")
