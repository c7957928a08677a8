"""`colloquy bench graph`: learning in bulk, three hops in a large graph, searching many entities.

A database on disk, synced at every commit, in this process. One graph serves all three: its first
part is learned against the clock, the rest is filled up, its entities are indexed and searched.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from ..graph.evidence import Evidence
from ..graph.graph import Graph
from ..graph.kinds import Entity
from ..graph.learning import of_entity
from ..graph.queries.steps import MAX_BUDGET
from ..graph.queries.traversal import neighbourhood
from ..graph.search.embedder import load_embedder
from ..graph.search.index import Indexer
from ..graph.search.search import GraphSearch, SearchQuery
from ..graph.search.vectors import vectors_of
from ..graph.statements import Assertion
from ..ledger.collections import Collections
from ..model.errors import InvalidInput, Unavailable
from ..model.times import now_us
from ..settings import GraphSettings
from ..storage.store import Store
from .show import Stage, stages
from .stores import empty_store

T = TypeVar("T")

INGEST_ENTITIES = 20_000
INGEST_RELATIONSHIPS = 100_000
"""With five facts about each of those entities half of what is measured are relationships."""
STARTS = 50
QUERIES = 50
HOPS = 3
CHUNK = 10_000
"""Statements handed over at a time."""

_TYPES = ("KNOWS", "CALLS", "REFERENCES", "DEPENDS_ON", "TALKED_ABOUT")
_WORDS = (  # noqa: SIM905  # as a list it has ninety lines
    "quiet bright modern old small large cheap central sunny green narrow open warm cold heavy "
    "flat house garden kitchen balcony office garage cellar roof window door stairs bridge tower "
    "river harbour market station school church museum park forest mountain valley beach island "
    "coffee bread cheese wine fish apple soup dinner breakfast lunch table chair lamp carpet bed "
    "doctor teacher lawyer engineer painter driver baker farmer pilot nurse student tenant owner "
    "invoice contract deposit salary budget discount delivery payment insurance warranty receipt "
    "meeting viewing journey holiday concert wedding birthday lesson project deadline repair paint"
).split()


class Spread(Struct, frozen=True):
    """Of the times of single queries, in milliseconds."""

    median: float
    p95: float


class GraphReport(Struct, frozen=True, kw_only=True):
    """`three_hop_entities` is the median of what lies around a start, of which the first page is
    shown."""

    database: str
    entities: int
    relationships: int
    facts: int
    ingested: int
    ingest_per_s: float
    load_per_s: float
    three_hop_ms: Spread
    three_hop_entities: int
    three_hop_truncated: int
    index_per_s: float
    hybrid_search_ms: Spread
    hybrid_first_ms: float
    """With reading the vectors into memory."""
    hybrid_hits: int
    database_mb: float


def bench_graph(
    relationships: int = 1_000_000,
    entities: int = 100_000,
    *,
    database_url: str | None = None,
    progress: bool = True,
) -> GraphReport:
    """Some five minutes at full size on SQLite. Raises InvalidInput for less than 100 of each."""
    import uvloop

    for name, count in (("relationships", relationships), ("entities", entities)):
        if count < 100:
            raise InvalidInput(f"{name} must be at least 100", field=name)
    folder = Path(tempfile.mkdtemp(prefix="colloquy-bench-"))
    try:
        with (
            stages(enabled=progress) as stage,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(_bench(folder, relationships, entities, database_url, stage))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _bench(
    folder: Path, relationships: int, entities: int, database_url: str | None, stage: Stage
) -> GraphReport:
    store = empty_store(folder, database_url)
    await store.open()
    try:
        return await _measure(store, folder, relationships, entities, stage)
    finally:
        await store.close()


async def _measure(
    store: Store, folder: Path, relationships: int, entities: int, stage: Stage
) -> GraphReport:
    graph = Graph(store, Collections(), now_us)
    chance = random.Random(1)
    first, joins = min(INGEST_ENTITIES, entities), min(INGEST_RELATIONSHIPS, relationships)
    pairs = _Pairs(chance)
    begun = itertools.chain(_described(range(first), chance), pairs.joined(joins, first))
    ingested, ingest_s = await _learn(graph, begun, "learning", 5 * first + joins, stage)
    rest = itertools.chain(
        _described(range(first, entities), chance),
        pairs.joined(relationships - joins, entities),
    )
    total = 5 * (entities - first) + relationships - joins
    loaded, load_s = await _learn(graph, rest, "filling", total, stage)
    walks, sizes, truncated = await _walk(store, entities, chance, stage)
    settings = GraphSettings()
    embedder = load_embedder(settings)
    if embedder is None:
        raise Unavailable("there is no embedder to search by meaning with")
    vectors = await vectors_of(store, embedder, settings)
    with stage("indexing", entities) as bar:
        index_s, indexed = 0.0, 0
        indexer = Indexer(store, embedder, vectors)
        while True:
            seconds, count = await _timed(indexer.run_once())
            if not count:
                break
            index_s += seconds
            indexed += count
            bar(indexed)
    search = GraphSearch(store, embedder, vectors)
    first_s, _ = await _timed(search.search(SearchQuery(text=_text(3, chance))))
    searches, hits = [], 0
    with stage("searching", QUERIES) as bar:
        for turn in range(QUERIES):
            seconds, page = await _timed(search.search(SearchQuery(text=_text(3, chance))))
            searches.append(seconds)
            hits += len(page.hits)
            bar(turn + 1)
    known = await graph.statistics()
    return GraphReport(
        database=store.dialect,
        entities=sum(known.entities.values()),
        relationships=known.relationships,
        facts=known.facts,
        ingested=ingested,
        ingest_per_s=round(ingested / ingest_s),
        load_per_s=round(loaded / load_s) if loaded else 0,
        three_hop_ms=_spread(walks),
        three_hop_entities=round(statistics.median(sizes)),
        three_hop_truncated=truncated,
        index_per_s=round(indexed / index_s),
        hybrid_search_ms=_spread(searches),
        hybrid_first_ms=round(first_s * 1000, 1),
        hybrid_hits=hits,
        database_mb=round(await _size(store, folder) / 2**20, 1),
    )


async def _learn(
    graph: Graph, statements: Iterator[Assertion], label: str, total: int, stage: Stage
) -> tuple[int, float]:
    """How many were learned, and in how many seconds: what made them does not count."""
    count, seconds = 0, 0.0
    with stage(label, total) as bar:
        while part := list(itertools.islice(statements, CHUNK)):
            spent, _ = await _timed(graph.learn(part, "bench"))
            seconds += spent
            count += len(part)
            bar(count, f"{count / seconds:,.0f}/s")
    return count, seconds


async def _walk(
    store: Store, entities: int, chance: random.Random, stage: Stage
) -> tuple[list[float], list[int], int]:
    """Seconds and entities of each neighbourhood, and how many were cut short."""
    times, sizes, truncated = [], [], 0
    with stage("three hops", STARTS) as bar:
        for turn in range(STARTS):
            start = f"e{chance.randrange(entities)}"
            seconds, found = await _timed(neighbourhood(store, start, HOPS, budget=MAX_BUDGET))
            times.append(seconds)
            sizes.append(found.entity_total)
            truncated += found.truncated and found.next is None
            bar(turn + 1)
    return times, sizes, truncated


def _described(numbers: range, chance: random.Random) -> Iterator[Assertion]:
    """Five facts about each: kind, name, description, and two aliases."""
    evidence = Evidence("document", 0.9)
    for number in numbers:
        entity = Entity(
            f"e{number}",
            "topic",
            {
                "name": f"{_text(3, chance)} {number}",
                "description": _text(12, chance),
                "aliases": [f"{_text(2, chance)} {number}", f"number {number}"],
            },
        )
        yield from of_entity(entity, number + 1, evidence=evidence)


class _Pairs:
    """Relationships between entities picked by chance, no two the same."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._seen: set[int] = set()

    def joined(self, count: int, entities: int) -> Iterator[Assertion]:
        """`count` of them among the first `entities`."""
        evidence = Evidence("document", 0.9)
        until = len(self._seen) + count
        while len(self._seen) < until:
            source, target = self._chance.randrange(entities), self._chance.randrange(entities)
            type_ = self._chance.randrange(len(_TYPES))
            pair = (source << 40) + (target << 8) + type_
            if source == target or pair in self._seen:
                continue
            self._seen.add(pair)
            yield Assertion(
                subject=f"e{source}",
                predicate=_TYPES[type_],
                target=f"e{target}",
                single=False,
                learned=len(self._seen),
                evidence=evidence,
            )


def _text(words: int, chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


async def _size(store: Store, folder: Path) -> int:
    """Bytes of the database."""
    if store.dialect == "sqlite":
        return sum(file.stat().st_size for file in folder.glob("bench.db*"))
    ((size,),) = await store.select("SELECT pg_database_size(current_database())")
    return int(size)


async def _timed(work: Awaitable[T]) -> tuple[float, T]:
    begun = time.perf_counter()
    made = await work
    return time.perf_counter() - begun, made


def _spread(seconds: list[float]) -> Spread:
    ranked = sorted(seconds)
    p95 = ranked[min(len(ranked) - 1, round(0.95 * len(ranked)))]
    return Spread(round(statistics.median(ranked) * 1000, 2), round(p95 * 1000, 2))


def show_graph(report: GraphReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value")
    for name in GraphReport.__struct_fields__:
        value = getattr(report, name)
        if isinstance(value, Spread):
            shown = f"median {value.median:,} · p95 {value.p95:,}"
        else:
            shown = value if isinstance(value, str) else f"{value:,}"
        table.add_row(name, shown)
    Console().print(table)
