"""Searching the graph, and the task that keeps its indexes up with it, behind the pipeline.

The embedder is loaded in a thread, with the first batch or search that needs it: a start costs
nothing. Where it cannot be loaded, words are indexed and searched all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

from ...graph.search.embedder import CheckedEmbedder, load_embedder
from ...graph.search.index import BATCH, Indexer
from ...graph.search.search import GraphSearch, Mode, SearchQuery
from ...graph.search.vectors import vectors_of
from ...model.errors import ColloquyError, StoreUnavailable, Unavailable
from ...model.graph import HitPage, HitReason, HitView, SearchMode
from ...settings import GraphSettings
from ...storage.store import Store
from ...storage.vectors import Keeper, VectorIndex
from ...telemetry import get_logger

log = get_logger(__name__)

REST = 40
"""A batch is followed by a rest of so many times its length while the pipeline works."""
POLL_S = 1.0
AWAY_S = 5.0
"""How long it waits where another process keeps the index, or database or embedder are away."""
KEY = hashlib.sha256(b"colloquy.graph.search").digest()[:16]
"""On a shared database the process that holds this key's partition keeps the index."""

_MODES: dict[SearchMode, Mode] = {"text": "words", "vector": "meaning", "hybrid": "both"}


class Searching:
    """`owns` says whether this process keeps the index, `is_busy` whether the pipeline has
    anything to do."""

    def __init__(
        self,
        settings: GraphSettings,
        store: Store,
        *,
        is_busy: Callable[[], bool],
        owns: Callable[[bytes], bool],
    ) -> None:
        self._settings = settings
        self._store = store
        self._is_busy = is_busy
        self._owns = owns
        self._loading = asyncio.Lock()
        self._search: GraphSearch | None = None
        self._indexer = Indexer(store)
        self._fault: ColloquyError | None = None
        self._vectors: VectorIndex | None = None

    async def run(self) -> None:
        """Indexes until cancelled: a task for the supervisor."""
        while True:
            if not self._owns(KEY):
                await asyncio.sleep(AWAY_S)
                continue
            started = time.perf_counter()
            try:
                count = await self.step()
                if not count and self._search is not None:
                    await self._search.prepare()
            except ColloquyError as error:
                log.warning("graph_search_behind", code=error.code, detail=error.detail)
                await asyncio.sleep(AWAY_S)
                continue
            if count < BATCH:
                await asyncio.sleep(POLL_S)
            elif self._is_busy():
                await asyncio.sleep(REST * (time.perf_counter() - started))
            else:
                await asyncio.sleep(0)

    async def step(self) -> int:
        """Indexes one batch; returns how many entities were read. Raises StoreUnavailable, and
        what the embedder raises."""
        rows = await self._store.scan("graph_entities_changed", -1, -1, 1)
        if not rows:  # nothing to find, so nothing to load
            return 0
        await self._ready()
        return await self._indexer.run_once()

    async def catch_up(self) -> int:
        """Indexes all that changed; returns how many entities were read. Raises as `step`."""
        total = 0
        while count := await self.step():
            total += count
        return total

    async def search(
        self,
        text: str,
        mode: SearchMode = "hybrid",
        kinds: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 20,
    ) -> HitPage:
        """Best first; what was learned is found some seconds later. Raises InvalidInput, and
        Unavailable where searching by meaning is not possible."""
        search = await self._ready()
        if mode == "vector" and self._fault is not None:
            raise Unavailable(f"searching by meaning is not possible: {self._fault.detail}")
        query = SearchQuery(
            text=text, mode=_MODES[mode], kinds=tuple(kinds), limit=limit, cursor=cursor
        )
        page = await search.search(query)
        hits = [
            HitView(
                hit.id,
                hit.kind,
                hit.name,
                hit.score,
                HitReason(
                    words=hit.why.words,
                    in_name=hit.why.in_name,
                    word_rank=hit.why.word_rank,
                    word_score=hit.why.word_score,
                    meaning_rank=hit.why.meaning_rank,
                    similarity=hit.why.similarity,
                ),
            )
            for hit in page.hits
        ]
        if mode == "hybrid" and self._vectors is None:
            mode = "text"
        return HitPage(hits, mode, page.next)

    async def vectors(self) -> Keeper | None:
        """What keeps and searches the vectors; None where there is no searching by meaning. Raises
        StoreUnavailable."""
        await self._ready()
        return None if self._vectors is None else self._vectors.keeper

    async def _ready(self) -> GraphSearch:
        """What searches, once the embedder is there or is known not to be."""
        async with self._loading:
            if self._search is None:
                embedder, self._vectors = await self._load()
                self._indexer = Indexer(self._store, embedder, self._vectors)
                self._search = GraphSearch(self._store, embedder, self._vectors)
            return self._search

    async def _load(self) -> tuple[CheckedEmbedder | None, VectorIndex | None]:
        """Raises StoreUnavailable: what the database offers is not known then."""
        try:
            embedder = await asyncio.to_thread(load_embedder, self._settings)
            if embedder is None:
                return None, None
            return embedder, await vectors_of(self._store, embedder, self._settings)
        except StoreUnavailable:
            raise
        except ColloquyError as error:
            log.warning("graph_search_without_meaning", code=error.code, detail=error.detail)
            self._fault = error
            return None, None
