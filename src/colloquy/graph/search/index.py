"""Keeps words and vectors up with what changed in the graph, behind it and never in its way.

Each index has a place of its own, so that an embedder that is away holds up no words, and another
embedder begins anew. A place is (position of the change, number of the entity); it is written with
the index in one transaction, and moves only from where its reader found it: two at once do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model.errors import InvalidInput
from ...storage.commit import Steps
from ...storage.store import Store
from ...storage.vectors import VectorIndex
from ...telemetry import get_logger
from ..queries.sql import Parameters
from .documents import Document, Entry, documents_of
from .embedder import Embedder, model_name

log = get_logger(__name__)

BATCH = 200
MAX_BATCH = 1000
WORDS_PLACE = "graph_search_place"
VECTORS_PLACE = "graph_vectors_place:"
_START = "0.0"


def _begin(name: str) -> Steps:
    if name.startswith(VECTORS_PLACE):
        # An entity has one vector: of another model there will be less and less.
        yield "graph_vectors_forget", [(name,)]
    yield "graph_index_begin", [(name, _START)]


class _Overtaken(Exception):
    """Somebody else has indexed these entities."""


class Indexer:
    """The indexes of one store. Without an embedder there is no index of meanings; `vectors` are
    those of the embedder, where somebody searches them."""

    def __init__(
        self, store: Store, embedder: Embedder | None = None, vectors: VectorIndex | None = None
    ) -> None:
        self._store = store
        self._embedder = embedder
        # A copy in memory is kept up by whoever searches it.
        self._copy = vectors if vectors is not None and vectors.keeper == "pgvector" else None

    async def run_once(self, limit: int = BATCH) -> int:
        """Indexes up to `limit` changed entities in each index; returns how many were read in the
        one that read most: 0 says that both are up to date.

        Raises InvalidInput, StoreUnavailable, and what the embedder raises: its index then stays
        where it was, the words are indexed.
        """
        if not 0 < limit <= MAX_BATCH:
            raise InvalidInput(f"`limit` must be 1 to {MAX_BATCH}", field="limit")
        count = await self._words(limit)
        if self._embedder is not None:
            count = max(count, await self._vectors(self._embedder, limit))
        if self._copy is not None:
            await self._copy.refresh()
        return count

    async def _words(self, limit: int) -> int:
        place, entries = await self._next(WORDS_PLACE, limit)
        found = await documents_of(self._store, entries)
        rows = [
            (number, " ".join(one.names), " ".join(one.words), one.lexemes)
            for number, one in found.items()
        ]

        def steps() -> Steps:
            yield "graph_search_delete", [(entry.number,) for entry in entries]
            if rows:
                yield "graph_search_insert", rows

        await self._write(WORDS_PLACE, place, entries, steps)
        return len(entries)

    async def _vectors(self, embedder: Embedder, limit: int) -> int:
        model = model_name(embedder)
        name = f"{VECTORS_PLACE}{model}"
        place, entries = await self._next(name, limit)
        found = await documents_of(self._store, entries)
        known = await self._store.read("graph_vector_texts", [(e.number,) for e in entries])
        current = {entity: digest for entity, made_by, digest in known if made_by == model}
        fresh: list[tuple[int, Document]] = [
            (number, one) for number, one in found.items() if current.get(number) != one.digest
        ]
        rows: list[tuple[int, str, bytes, bytes]] = []
        if fresh:
            vectors = await embedder.embed([one.text for _, one in fresh])
            rows = [
                (number, model, one.digest, vector.astype("<f4").tobytes())
                for (number, one), vector in zip(fresh, vectors, strict=True)
            ]
        gone = {entity for entity, _, _ in known} - found.keys()
        rows += [(number, model, b"", b"") for number in sorted(gone)]

        def steps() -> Steps:
            if rows:
                ((top,),) = yield "counter_add", [("graph_vectors", len(rows))]
                first = top - len(rows) + 1
                yield "graph_vector_put", [(*row, first + at) for at, row in enumerate(rows)]

        await self._write(name, place, entries, steps)
        return len(entries)

    async def _next(self, name: str, limit: int) -> tuple[str, list[Entry]]:
        """Where the index stands, and the entities that changed since."""
        place = await self._store.meta(name)
        if place is None:
            place = _START
            await self._store.transact(lambda: _begin(name))
        changed, _, number = place.partition(".")
        put = Parameters()
        rows = await self._store.select(
            f"""SELECT e.number, e.id, e.kind, e.name, e.stands, e.changed FROM graph_entities e
                WHERE (e.changed, e.number) > ({put(int(changed))}, {put(int(number))})
                ORDER BY e.changed, e.number LIMIT {put(limit)}""",
            *put.values,
        )
        return place, [Entry(*row) for row in rows]

    async def _write(
        self, name: str, place: str, entries: Sequence[Entry], steps: Callable[[], Steps]
    ) -> None:
        if not entries:
            return
        last = f"{entries[-1].changed}.{entries[-1].number}"

        def moved() -> Steps:
            if not (yield "graph_index_move", [(name, place, last)]):
                raise _Overtaken
            yield from steps()

        try:
            await self._store.transact(moved)
        except _Overtaken:
            log.info("graph_index_overtaken", index=name, place=place)
