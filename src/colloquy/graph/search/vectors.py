"""Nearest by meaning, exactly: all vectors of one model in one matrix, brought up to date by what
changed since. 100,000 of 128 numbers are 51 MB and one product."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from ...model.errors import StoreUnavailable, Unavailable
from ...settings import GraphSettings
from ...storage.store import Reading, Store
from ...storage.vectors import Keeper, Near, VectorIndex
from ...telemetry import get_logger
from .embedder import Embedder, Floats, model_name

log = get_logger(__name__)

PAGE = 5000
_COUNT_SQL = "SELECT count(*) FROM graph_vectors"
_PAGE_SQL = """SELECT v.entity, v.model = $1, v.vector, v.changed, e.kind FROM graph_vectors v
    JOIN graph_entities e ON e.number = v.entity
    WHERE v.changed > $2 ORDER BY v.changed LIMIT $3"""


async def vectors_of(store: Store, embedder: Embedder, settings: GraphSettings) -> VectorIndex:
    """The vectors of an embedder's model, kept as `graph.vectors` says. Raises Unavailable where
    the database is to keep them and cannot."""
    name = model_name(embedder)
    if settings.vectors != "exact":
        try:
            return await store.own_vectors(name, embedder.dimensions)
        except StoreUnavailable:
            raise
        except Unavailable as error:
            if settings.vectors == "pgvector":
                raise
            if store.shared:
                log.info("graph_vectors_in_memory", reason=error.detail)
    return VectorMatrix(store, name, embedder.dimensions, settings.max_vectors)


class VectorMatrix:
    """The vectors of `model`, as it is named in `graph_vectors`. At most `most` of them."""

    keeper: Keeper = "exact"

    def __init__(self, store: Store, model: str, dimensions: int, most: int) -> None:
        self._store = store
        self._model = model
        self._most = most
        self._changed = 0
        self._count = 0
        self._vectors: Floats = np.zeros((256, dimensions), np.float32)
        self._numbers: npt.NDArray[np.int64] = np.zeros(256, np.int64)
        self._kinds: npt.NDArray[np.int32] = np.zeros(256, np.int32)
        self._rows: dict[int, int] = {}
        self._codes: dict[str, int] = {}
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return self._count

    async def nearest(self, query: Floats, limit: int, kinds: Collection[str] = ()) -> list[Near]:
        """The nearest entities, best first, of these kinds (empty: any). `query`: (dimensions,).

        Raises Unavailable where there are more vectors than `most`.
        """
        async with self._lock:
            await self._refresh()
            return await asyncio.to_thread(self._nearest, query, limit, kinds)

    async def refresh(self) -> None:
        """Takes in what changed; the first time, all there is. Raises like `nearest`."""
        async with self._lock:
            await self._refresh()

    async def _refresh(self) -> None:
        if not self._rows:
            ((count,),) = await self._store.select(_COUNT_SQL)
            self._reserve(min(count, self._most))
        while await self._store.explore(self._read_page()) == PAGE:
            pass

    def _read_page(self) -> Reading[int]:
        """Takes in the next vectors that changed; returns how many were read."""
        rows = yield _PAGE_SQL, (self._model, self._changed, PAGE)
        fresh: list[tuple[int, bytes, str]] = []
        for entity, is_ours, vector, _, kind in rows:
            if not is_ours or not vector:
                self._drop(entity)
            elif (row := self._rows.get(entity)) is None:
                fresh.append((entity, vector, kind or ""))
            else:
                self._vectors[row] = np.frombuffer(vector, "<f4")
                self._kinds[row] = self._code(kind or "")
        if fresh:
            self._add(fresh)
        if rows:
            self._changed = rows[-1][3]
        return len(rows)

    def _add(self, fresh: Sequence[tuple[int, bytes, str]]) -> None:
        first, end = self._count, self._count + len(fresh)
        if end > self._most:
            raise Unavailable(
                f"there are more than {self._most:,} vectors, `graph.max_vectors`, to search"
            )
        if end > len(self._numbers):
            self._reserve(2 * end)
        numbers, vectors, kinds = zip(*fresh, strict=True)
        self._vectors[first:end] = np.frombuffer(b"".join(vectors), "<f4").reshape(len(fresh), -1)
        self._numbers[first:end] = numbers
        codes = {kind: self._code(kind) for kind in set(kinds)}
        self._kinds[first:end] = [codes[kind] for kind in kinds]
        self._rows.update(zip(numbers, range(first, end), strict=True))
        self._count = end

    def _code(self, kind: str) -> int:
        return self._codes.setdefault(kind, len(self._codes))

    def _drop(self, entity: int) -> None:
        row = self._rows.pop(entity, None)
        if row is None:
            return
        self._count -= 1
        last = self._count
        if row != last:
            for array in (self._vectors, self._numbers, self._kinds):
                array[row] = array[last]
            self._rows[int(self._numbers[row])] = row

    def _reserve(self, size: int) -> None:
        """Makes room for so many."""
        for name in ("_vectors", "_numbers", "_kinds"):
            array = getattr(self, name)
            grown = np.zeros((max(size, len(array)), *array.shape[1:]), array.dtype)
            grown[: self._count] = array[: self._count]
            setattr(self, name, grown)

    def _nearest(self, query: Floats, limit: int, kinds: Collection[str]) -> list[Near]:
        scores = self._vectors[: self._count] @ query
        rows = np.arange(self._count)
        if kinds:
            codes = [self._codes[kind] for kind in kinds if kind in self._codes]
            rows = np.flatnonzero(np.isin(self._kinds[: self._count], codes))
            scores = scores[rows]
        if len(scores) > limit:
            best = np.argpartition(-scores, limit - 1)[:limit]
            rows, scores = rows[best], scores[best]
        order = np.lexsort((self._numbers[rows], -scores))
        return [Near(int(self._numbers[rows[at]]), float(scores[at])) for at in order]
