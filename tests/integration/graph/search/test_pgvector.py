"""Vectors in PostgreSQL's own index, on a real server that has the extension, beside the matrix."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import numpy as np
import pytest

from colloquy.graph.search.embedder import CheckedEmbedder, model_name
from colloquy.graph.search.index import Indexer
from colloquy.graph.search.search import GraphSearch, SearchQuery
from colloquy.graph.search.vectors import VectorMatrix, vectors_of
from colloquy.model.errors import Unavailable
from colloquy.runtime.graph.searching import Searching
from colloquy.settings import GraphSettings
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.postgres_vectors import PostgresVectors
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from colloquy.storage.vectors import Floats, Near, VectorIndex
from colloquy.understanding.vectors.embedder import words_embedder
from support import postgres
from support.graph_rows import GraphRows
from support.storage import until_blocked
from support.waiting import until

MANY = 5000
RARE = 40
QUERIES = 50
_VOCABULARY = (  # noqa: SIM905
    "quiet bright modern old small large cheap central sunny green narrow open warm cold heavy "
    "flat house garden kitchen balcony office garage cellar roof window door stairs bridge tower "
    "river harbour market station school church museum park forest mountain valley beach island "
    "coffee bread cheese wine fish apple soup dinner breakfast lunch table chair lamp carpet bed "
    "doctor teacher lawyer engineer painter driver baker farmer pilot nurse student tenant owner "
    "invoice contract deposit salary budget discount delivery payment insurance warranty receipt"
).split()


@pytest.fixture(scope="module")
def vector_server() -> Iterator[str]:
    with postgres.private_server(postgres.vector_programs()) as url:
        yield url


@pytest.fixture
def vector_url(vector_server: str) -> Iterator[str]:
    with postgres.database(vector_server) as url:
        yield url


@pytest.fixture
async def vector_store(vector_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(vector_url)
    await store.open()
    yield store
    await store.close()


def embedder() -> CheckedEmbedder:
    return CheckedEmbedder(words_embedder(GraphSettings()))


def texts(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(_VOCABULARY, k=6)) for _ in range(count)]


async def filled(store: Store, count: int = MANY) -> None:
    """`count` topics, and `RARE` people among them, with their vectors."""
    rows = GraphRows()
    for number, text in enumerate(texts(count, 1)):
        kind = "person" if number % (count // RARE) == 0 else "topic"
        rows.entity(f"e{number}", kind, changed=1 + number, name=text)
    await rows.write(store)
    indexer = Indexer(store, embedder())
    while await indexer.run_once(1000):
        pass


async def copied(store: PostgresStore, exact: int) -> PostgresVectors:
    made = embedder()
    vectors = PostgresVectors(store, model_name(made), made.dimensions, exact=exact)
    await store.own_vectors(model_name(made), made.dimensions)  # creates the extension
    await vectors.refresh()
    if exact < MANY:
        await indexed(store)
    return vectors


async def indexed(store: PostgresStore) -> None:
    async def built() -> bool:
        return len(await indexes(store)) == 1

    await until(built)


async def queries() -> list[Floats]:
    return list(await embedder().embed(texts(QUERIES, 2)))


def numbers(found: list[Near]) -> list[int]:
    return [one.entity for one in found]


async def same(
    matrix: VectorMatrix, vectors: PostgresVectors, query: Floats, kinds: tuple[str, ...]
) -> None:
    """Both find the nearest; sums in another order may change places that differ by less."""
    known = dict(await matrix.nearest(query, MANY, kinds))
    found = await vectors.nearest(query, 200, kinds)
    best = sorted(known.values(), reverse=True)[:200]
    assert [one.similarity for one in found] == pytest.approx(best, abs=1e-6)
    assert [known[one.entity] for one in found] == pytest.approx(best, abs=1e-6)
    assert len(set(numbers(found))) == len(found)


async def tables(store: Store) -> list[str]:
    rows = await store.select(
        "SELECT tablename FROM pg_tables WHERE starts_with(tablename, 'graph_nearest_')"
    )
    return [name for (name,) in rows]


async def indexes(store: Store) -> list[str]:
    rows = await store.select(
        "SELECT indexdef FROM pg_indexes WHERE starts_with(tablename, 'graph_nearest_')"
    )
    return [text for (text,) in rows if "hnsw" in text]


async def index_scans(store: Store) -> int:
    """How often the server has searched its index of vectors so far."""
    ((count,),) = await store.select(
        """SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_all_indexes
           WHERE indexrelname LIKE 'graph\\_nearest\\_%\\_hnsw'"""
    )
    return int(count)


async def test_without_an_index_it_finds_what_the_matrix_finds(
    vector_store: PostgresStore,
) -> None:
    await filled(vector_store)
    made = embedder()
    matrix = VectorMatrix(vector_store, model_name(made), made.dimensions, MANY)
    vectors = await copied(vector_store, exact=MANY)
    assert await indexes(vector_store) == []
    for query in await queries():
        for kinds in ((), ("person",), ("person", "topic"), ("place",)):
            await same(matrix, vectors, query, kinds)


async def test_with_an_index_it_finds_nearly_all_of_the_nearest(
    vector_store: PostgresStore,
) -> None:
    await filled(vector_store)
    made = embedder()
    matrix = VectorMatrix(vector_store, model_name(made), made.dimensions, MANY)
    vectors = await copied(vector_store, exact=MANY - 1)
    found = 0
    for query in await queries():
        best = set(numbers(await matrix.nearest(query, 10)))
        found += len(best & set(numbers((await vectors.nearest(query, 200))[:10])))
    assert found / (10 * QUERIES) >= 0.95

    async def told() -> bool:  # the server's counters follow a second behind
        return await index_scans(vector_store) >= QUERIES

    await until(told)


async def test_a_rare_kind_is_not_starved_by_the_index(vector_store: PostgresStore) -> None:
    await filled(vector_store)
    made = embedder()
    matrix = VectorMatrix(vector_store, model_name(made), made.dimensions, MANY)
    vectors = await copied(vector_store, exact=1000)
    for query in (await queries())[:10]:
        assert len(await vectors.nearest(query, 200, ("person",))) == RARE
        await same(matrix, vectors, query, ("person",))


async def test_what_the_index_leaves_out_is_found_all_the_same(
    vector_store: PostgresStore,
) -> None:
    """The candidates of the index are all of another kind."""
    size = 2000
    chance = np.random.default_rng(1)
    vectors = chance.normal(scale=0.05, size=(2 * size, 8)).astype(np.float32)
    vectors[:size, 0] += 1
    vectors[size:, 1] += 1
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    kinds = ["person"] * size + ["topic"] * size
    await vector_store.change(
        "graph_entity_insert",
        [(at, f"e{at}", kind, None, None, 1) for at, kind in enumerate(kinds, 1)],
    )
    await vector_store.change(
        "graph_vector_put",
        [(at, "poles", b"", vector.tobytes(), at) for at, vector in enumerate(vectors, 1)],
    )
    await vector_store.own_vectors("poles", 8)
    index = PostgresVectors(vector_store, "poles", 8, exact=size)
    await index.refresh()
    await indexed(vector_store)
    matrix = VectorMatrix(vector_store, "poles", 8, 2 * size)
    query = np.eye(1, 8, dtype=np.float32)[0]
    assert len(await index.nearest(query, 200, ("topic",))) == 200
    await same(matrix, index, query, ("topic",))


async def test_building_the_index_holds_up_neither_searches_nor_a_stop(
    vector_url: str, vector_store: PostgresStore
) -> None:
    await filled(vector_store, RARE)
    await copied(vector_store, exact=MANY)
    rival = await asyncpg.connect(vector_url)
    try:
        await rival.execute("SELECT pg_advisory_lock(hashtext('colloquy.vectors'))")
        vectors = PostgresVectors(
            vector_store, model_name(embedder()), embedder().dimensions, exact=1
        )
        await vectors.refresh()
        await until_blocked(rival)
        await vector_store.change("graph_vector_put", [(1, "", b"", b"", RARE + 1)])
        await vectors.refresh()
        assert len(await vectors.nearest((await queries())[0], RARE)) == RARE
        await vector_store.close()
        assert (
            await rival.fetchval("SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%_hnsw'")
            == 0
        )
    finally:
        await rival.close()


async def searched(store: Store, settings: GraphSettings) -> tuple[Indexer, GraphSearch]:
    made = embedder()
    vectors = await vectors_of(store, made, settings)
    return Indexer(store, made, vectors), GraphSearch(store, made, vectors)


AUTO = GraphSettings()
MEANING = SearchQuery(text="house near the ocean", mode="meaning", least_similarity=-1.0)


async def test_the_indexing_task_keeps_it_up(vector_store: PostgresStore) -> None:
    indexer, search = await searched(vector_store, AUTO)
    assert (await search.search(MEANING)).hits == []
    rows = GraphRows()
    rows.entity("flat", "product", changed=2, name="Harbour loft by the sea")
    rows.entity("bike", "product", changed=3, name="Bicycle")
    rows.entity("odd", "topic", changed=4, name="xqzv")
    await rows.write(vector_store)
    await indexer.run_once()
    found = [hit.id for hit in (await search.search(MEANING)).hits]
    assert (found[0], len(found)) == ("flat", 3)
    await vector_store.change(
        "graph_entity_set", [(1, None, None, None, 10), (2, "topic", "Bicycle", None, 11)]
    )
    await indexer.run_once()
    assert "flat" not in [hit.id for hit in (await search.search(MEANING)).hits]
    topics = SearchQuery(text="a bicycle", mode="meaning", kinds=("topic",))
    assert [hit.id for hit in (await search.search(topics)).hits] == ["bike"]
    # What another process copied is not copied again, and one that begins later finds it.
    _, other = await searched(vector_store, AUTO)
    await other.prepare()
    assert [hit.id for hit in (await other.search(topics)).hits] == ["bike"]


class Axis:
    """Every text is like the first axis."""

    model = "axis"

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    async def embed(self, given: Any) -> Floats:
        return np.eye(1, self.dimensions, dtype=np.float32).repeat(len(given), 0)


async def test_another_model_or_size_is_copied_anew(vector_store: PostgresStore) -> None:
    rows = GraphRows().entity("flat", "product", name="Harbour loft")
    await rows.write(vector_store)
    seen: list[str] = []
    # More numbers than the index takes, too: those are searched row by row.
    for dimensions in (3, 5, 3, 3000):
        made = CheckedEmbedder(Axis(dimensions))
        vectors = await vectors_of(vector_store, made, AUTO)
        await Indexer(vector_store, made, vectors).run_once()
        found = await vectors.nearest(np.eye(1, dimensions, dtype=np.float32)[0], 5)
        assert found == [Near(1, 1.0)]
        (table,) = await tables(vector_store)
        seen.append(table)
    assert len(set(seen)) == 3
    ((changed,),) = await vector_store.select("SELECT max(changed) FROM graph_vectors")
    assert changed == 4


async def test_vectors_too_long_for_an_index_have_none(vector_store: PostgresStore) -> None:
    rows = GraphRows().entity("flat", "product", name="Harbour loft")
    await rows.write(vector_store)
    made = CheckedEmbedder(Axis(2001))
    await Indexer(vector_store, made).run_once()
    vectors = PostgresVectors(vector_store, model_name(made), 2001, exact=0)
    await vector_store.own_vectors(model_name(made), 2001)
    await vectors.refresh()
    assert await indexes(vector_store) == []
    assert len(await vectors.nearest(np.eye(1, 2001, dtype=np.float32)[0], 5)) == 1


async def chosen(store: Store, **settings: Any) -> VectorIndex:
    return await vectors_of(store, embedder(), GraphSettings(**settings))


async def test_the_setting_chooses_what_is_used(vector_store: PostgresStore) -> None:
    assert (await chosen(vector_store)).keeper == "pgvector"
    assert (await chosen(vector_store, vectors="pgvector")).keeper == "pgvector"
    assert (await chosen(vector_store, vectors="exact")).keeper == "exact"


def desk_of(store: Store, **settings: Any) -> Searching:
    return Searching(GraphSettings(**settings), store, is_busy=lambda: False, owns=lambda key: True)


async def test_who_searches_is_told(vector_store: PostgresStore, tmp_path: Path) -> None:
    assert await desk_of(vector_store).vectors() == "pgvector"
    assert await desk_of(vector_store, vectors="exact").vectors() == "exact"
    assert await desk_of(vector_store, embedder=None).vectors() is None
    store = SqliteStore(tmp_path / "colloquy.db")
    await store.open()
    try:
        wanting = desk_of(store, vectors="pgvector")
        assert await wanting.vectors() is None
        assert (await wanting.search("house")).mode == "text"
        with pytest.raises(Unavailable, match="no index of vectors"):
            await wanting.search("house", "vector")
    finally:
        await store.close()


async def test_where_it_may_not_be_created_memory_is_used(vector_url: str) -> None:
    name = urlsplit(vector_url).path[1:]
    connection = await asyncpg.connect(vector_url)
    await connection.execute(f'CREATE ROLE "{name}" LOGIN; GRANT ALL ON SCHEMA public TO "{name}"')
    await connection.close()
    parts = urlsplit(vector_url)
    store = PostgresStore(urlunsplit(parts._replace(netloc=f"{name}@{parts.netloc.split('@')[1]}")))
    await store.open()
    try:
        assert (await chosen(store)).keeper == "exact"
        with pytest.raises(Unavailable, match="cannot be created: permission denied"):
            await chosen(store, vectors="pgvector")
    finally:
        await store.close()


async def test_sqlite_has_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "colloquy.db")
    await store.open()
    try:
        assert (await chosen(store)).keeper == "exact"
        with pytest.raises(Unavailable, match="no index of vectors"):
            await chosen(store, vectors="pgvector")
    finally:
        await store.close()
