"""Vectors kept by PostgreSQL's extension `vector` (pgvector), in a table for each model.

The table is a copy of `graph_vectors` and follows it by `changed`: it can be thrown away and made
again without embedding anything. It is searched row by row as long as it is small; from `exact`
rows on by HNSW (Malkov and Yashunin, 2018), which misses a few of the nearest.

Vectors have length 1, so their inner product is the cosine; unlike the cosine of the extension it
takes zeros.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from asyncpg import exceptions

from ..model.errors import Unavailable
from ..telemetry import get_logger
from .vectors import Floats, Keeper, Near

if TYPE_CHECKING:
    from .postgres import PostgresStore

log = get_logger(__name__)

EXACT = 20_000
"""Vectors up to which all of them are looked at: some 8 ms with 128 numbers each."""
PAGE = 1000
MAX_HNSW = 2000
"""Numbers in a vector above which the extension indexes none."""
MAX_CANDIDATES = 1000
"""The most that `hnsw.ef_search` may be: what an index gives at most."""
_PLACE = "graph_vectors_copied:"
_BUILD_S = 6 * 3600.0

_DISTANCE = "vector <#> CAST(CAST($1 AS real[]) AS vector)"
_FRESH = """SELECT v.entity, v.model = $1, v.vector, v.changed, e.kind FROM graph_vectors v
    JOIN graph_entities e ON e.number = v.entity
    WHERE v.changed > $2 ORDER BY v.changed LIMIT $3"""


async def require_extension(store: PostgresStore) -> None:
    """Creates the extension where it is not there. Raises Unavailable, which says why it cannot
    be used."""
    there, offered = await _extension(store)
    if not there:
        if not offered:
            raise Unavailable("the database server does not have the extension `vector`")
        try:
            await store.work(_create)
        except exceptions.PostgresError as error:
            raise Unavailable(f"the extension `vector` cannot be created: {error}") from error
        there, _ = await _extension(store)
    if not there:
        raise Unavailable(
            "the extension `vector` is older than 0.5 or outside the connection's search path"
        )


async def _extension(store: PostgresStore) -> tuple[bool, bool]:
    """Whether it can be used, and whether the server has it."""
    ((there, offered),) = await store.select(
        """SELECT to_regtype('vector') IS NOT NULL
               AND EXISTS (SELECT 1 FROM pg_am WHERE amname = 'hnsw'),
           EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')"""
    )
    return there, offered


async def _create(connection: Any) -> None:
    await _wait_turn(connection)
    await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _tell(build: asyncio.Task[None]) -> None:
    if not build.cancelled() and (error := build.exception()) is not None:
        log.warning("graph_vectors_not_indexed", reason=str(error))


async def _wait_turn(connection: Any) -> None:
    """One process at a time makes tables and indexes; the others wait for it."""
    await connection.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('colloquy.vectors'))", timeout=_BUILD_S
    )


class PostgresVectors:
    """The vectors of `model`, as it is named in `graph_vectors`. `exact`: see `EXACT`."""

    keeper: Keeper = "pgvector"

    def __init__(
        self, store: PostgresStore, model: str, dimensions: int, *, exact: int = EXACT
    ) -> None:
        self._store = store
        self._model = model
        self._dimensions = dimensions
        self._exact = exact
        named = blake2b(f"{model}\n{dimensions}".encode(), digest_size=8).hexdigest()
        self._table = f"graph_nearest_{named}"
        self._place = f"{_PLACE}{self._table}"
        self._indexed = False
        self._building: asyncio.Task[None] | None = None
        self._settled = False
        """Whether nothing came since it was last asked whether an index is due."""

    async def nearest(self, query: Floats, limit: int, kinds: Collection[str] = ()) -> list[Near]:
        """See `VectorIndex`. Nothing where no vector of this model was copied yet.

        Where the index leaves too few of these kinds, all of them are looked at.
        """
        parameters: list[Any] = [query.tolist(), limit]
        test = ""
        if kinds:
            parameters.append(list(kinds))
            test = "WHERE kind = ANY (CAST($3 AS text[]))"
        try:
            if await self._has_index():
                # What is not of these kinds is among the candidates, too.
                candidates = MAX_CANDIDATES if kinds else min(MAX_CANDIDATES, 2 * limit)
                settings = {"hnsw.ef_search": str(candidates)}
                found = await self._ranked(settings, f"{test} ORDER BY {_DISTANCE}", parameters)
                if len(found) >= limit:
                    return found
            settings = {"enable_indexscan": "off"}
            return await self._ranked(settings, f"{test} ORDER BY {_DISTANCE}, entity", parameters)
        except exceptions.UndefinedTableError:
            self._indexed = False
            return []

    async def _ranked(
        self, settings: dict[str, str], which: str, parameters: Sequence[Any]
    ) -> list[Near]:
        rows = await self._store.select_with(
            # A plan for any limit would not use the index.
            {"plan_cache_mode": "force_custom_plan", **settings},
            f"""SELECT entity, similarity FROM (
                    SELECT entity, -({_DISTANCE}) AS similarity FROM {self._table} {which}
                    LIMIT CAST($2 AS bigint)) AS n
                ORDER BY similarity DESC, entity""",
            *parameters,
        )
        return [Near(*row) for row in rows]

    async def _has_index(self) -> bool:
        """One that is there stays until the table goes."""
        if not self._indexed:
            self._indexed = await self._exists(f"{self._table}_hnsw")
        return self._indexed

    async def _exists(self, name: str) -> bool:
        # Not to_regclass(), see PostgresStore._revision.
        rows = await self._store.select(
            """SELECT 1 FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
               WHERE relname = $1 AND n.nspname = ANY (current_schemas(false))""",
            name,
        )
        return bool(rows)

    async def refresh(self) -> None:
        """Copies what changed, page by page, and begins to index the copy once it is large.

        Building locks the copy against changes, not against searches: what comes meanwhile is
        copied by the first call after it.
        """
        if self._building is not None and not self._building.done():
            return
        while await self._is_behind():
            await self._store.work(self._copy)
            self._settled = False
        if not self._settled:
            await self._index()
            self._settled = True

    async def _is_behind(self) -> bool:
        ((behind,),) = await self._store.select(
            """SELECT EXISTS (SELECT 1 FROM graph_vectors WHERE changed > coalesce(
                (SELECT CAST(value AS bigint) FROM meta WHERE name = $1), 0))""",
            self._place,
        )
        return bool(behind)

    async def _copy(self, connection: Any) -> None:
        """Copies the next page."""
        place = await self._where(connection)
        if place is None:
            await _wait_turn(connection)
            place = await self._where(connection)
        if place is None:
            await self._make(connection)
            place = 0
        rows = await connection.fetch(_FRESH, self._model, place, PAGE)
        kept = [row for row in rows if row[1] and row[2]]
        gone = [row[0] for row in rows if not (row[1] and row[2])]
        await connection.execute(f"DELETE FROM {self._table} WHERE entity = ANY ($1)", gone)
        await connection.executemany(
            f"""INSERT INTO {self._table} (entity, kind, vector)
                VALUES ($1, $2, CAST(CAST($3 AS real[]) AS vector))
                ON CONFLICT (entity) DO UPDATE SET kind = excluded.kind, vector = excluded.vector
                """,
            [
                (entity, kind or "", np.frombuffer(vector, "<f4").tolist())
                for entity, _, vector, _, kind in kept
            ],
        )
        if rows:
            await connection.execute(
                "UPDATE meta SET value = $2 WHERE name = $1", self._place, str(rows[-1][3])
            )

    async def _where(self, connection: Any) -> int | None:
        """How far it was copied; None where there is no table yet. Nobody else copies now."""
        place: int | None = await connection.fetchval(
            "SELECT CAST(value AS bigint) FROM meta WHERE name = $1 FOR UPDATE", self._place
        )
        return place

    async def _make(self, connection: Any) -> None:
        """An empty table in the place of other models' ones."""
        former = await connection.fetch(
            "DELETE FROM meta WHERE starts_with(name, $1) RETURNING name", _PLACE
        )
        for (place,) in former:
            await connection.execute(f"DROP TABLE IF EXISTS {place.removeprefix(_PLACE)}")
        await connection.execute(
            f"""CREATE TABLE {self._table} (entity bigint PRIMARY KEY, kind text NOT NULL,
                    vector vector({self._dimensions}) NOT NULL);
                CREATE INDEX {self._table}_kind ON {self._table} (kind)"""
        )
        await connection.execute("INSERT INTO meta (name, value) VALUES ($1, '0')", self._place)

    async def _index(self) -> None:
        """Begins to build the index where there are enough vectors."""
        if self._dimensions > MAX_HNSW or await self._has_index():
            return
        if await self._exists(self._table):
            ((count,),) = await self._store.select(f"SELECT count(*) FROM {self._table}")
            if count > self._exact:
                self._building = self._store.build(self._build)
                self._building.add_done_callback(_tell)

    async def _build(self, connection: Any) -> None:
        await _wait_turn(connection)
        await connection.execute(
            f"""CREATE INDEX IF NOT EXISTS {self._table}_hnsw ON {self._table}
                USING hnsw (vector vector_ip_ops)""",
            timeout=_BUILD_S,
        )
        # The planner knows nothing of a table that was filled just now.
        await connection.execute(f"ANALYZE {self._table}", timeout=_BUILD_S)
