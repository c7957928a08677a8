"""What lies around an entity: its neighbourhood, and walks that filter what they return.

A walk of three hops easily meets ten thousand entities, and nobody reads them all: it works on
numbers, and only what a page shows is read with ids, names and types. Entities of one distance come
in the order of their numbers, in which the graph came to know them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput
from ...storage.store import Reading, Store
from ..learning import TYPE
from ..values import canonical
from .entities import Node, read_nodes, read_resolved
from .sql import NOW, Dialect, Moment, Parameters, check_bound, chunks, dialect_of, holds
from .steps import (
    BUDGET,
    Direction,
    Edge,
    Joins,
    Step,
    Walk,
    check_direction,
    edges_of,
    read_steps,
)

MAX_HOPS = 20
MAX_ENTITIES = 10_000
"""Entities that a walk returns at most."""
PAGE = 500
"""Entities of a neighbourhood that are shown unless somebody asks for more."""


_Join = tuple[int, int, int]
"""(fact, source, target)"""


class Reached(Struct, frozen=True, gc=False):
    """An entity, and how many relationships away from the start it is (the fewest)."""

    id: str
    kind: str | None
    name: str | None
    hops: int


class Neighbourhood(Struct, frozen=True):
    """A page: `entities` by distance, the start first of all, and the `relationships` by number
    that were followed between these and those of earlier pages. All pages together have each once.

    `…total` are of all pages. `truncated`: there is more, on the next page (`next` is its cursor)
    or, where there is none, because the budget ended before the walk did.
    """

    start: str
    entities: list[Reached]
    relationships: list[Edge]
    truncated: bool
    entity_total: int
    relationship_total: int
    next: str | None


class TraversalQuery(Struct, frozen=True, kw_only=True):
    """A walk from `start`. Kinds and properties choose what is returned, not where it goes through.

    `properties`: attributes that an entity must have, with these values; of a set, as a member.
    """

    start: str
    types: tuple[str, ...] = ()
    direction: Direction = "both"
    max_depth: int = 3
    limit: int = 100
    kinds: tuple[str, ...] = ()
    properties: Mapping[str, Any] = {}
    moment: Moment = NOW
    budget: int = BUDGET


class Path(Struct, frozen=True):
    """`entities` has one more than `relationships`; `types` are those on the way, each once."""

    relationships: list[Edge]
    entities: list[str]

    @property
    def length(self) -> int:
        return len(self.relationships)

    @property
    def types(self) -> list[str]:
        return list(dict.fromkeys(edge.type for edge in self.relationships))


class TraversalResult(Struct, frozen=True):
    """`entities` pass the filters, nearest first, without the start; `paths` are a shortest one to
    each of them, `relationships` what those are made of. `seen` counts all that the walk met, the
    start too."""

    entities: list[Reached]
    relationships: list[Edge]
    paths: list[Path]
    seen: int
    truncated: bool


class Spread(Struct):
    """How far a walk came: the entities of each level (the start's is 0), hops by entity, and the
    relationships that it followed, some of them twice."""

    levels: list[set[int]]
    hops: dict[int, int]
    joins: Joins

    def ranked(self) -> list[int]:
        """The entities by distance, then number."""
        return [one for level in self.levels for one in sorted(level)]


def spread(walk: Walk, start: int, most: int, direction: Direction) -> Reading[Spread]:
    """Breadth first, a level at a time."""
    found = Spread([{start}], {start: 0}, Joins([], [], []))
    for level in range(1, most + 1):
        joins = yield from walk.joins(found.levels[-1], direction)
        for column, read in zip(found.joins, joins, strict=True):
            column += read
        # Where a step may be taken both ways, the end that it comes from has been seen already.
        fresh: set[int] = set()
        if direction != "incoming":
            fresh.update(joins.targets)
        if direction != "outgoing":
            fresh.update(joins.sources)
        fresh -= found.hops.keys()
        if fresh:
            found.levels.append(fresh)
            found.hops.update(dict.fromkeys(fresh, level))
        if not fresh or walk.truncated:
            break
    return found


async def neighbourhood(
    store: Store,
    start: str,
    hops: int = 1,
    *,
    types: Sequence[str] = (),
    direction: Direction = "both",
    moment: Moment = NOW,
    budget: int = BUDGET,
    limit: int = PAGE,
    cursor: str | None = None,
) -> Neighbourhood:
    """Everything up to `hops` relationships away, a page of it. Raises NotFound, InvalidInput.

    Each page walks anew: with `as_of` in the moment all of them see the same.
    """
    check_direction(direction)
    check_bound(hops, "hops", MAX_HOPS)
    check_bound(limit, "limit", MAX_ENTITIES)
    after = None if cursor is None else decode_cursor(cursor, 2)
    walk = Walk(dialect_of(store), types, moment, budget)

    def reading() -> Reading[Neighbourhood]:
        number = yield from read_resolved(start, "start", moment)
        found = yield from spread(walk, number, hops, direction)
        ranked = found.ranked()
        first = 0 if after is None else _place(found, ranked, (after[0], after[1]))
        chosen, known = ranked[first : first + limit], set(ranked[: first + limit])
        steps = yield from read_steps(_between(found.joins, set(chosen), known))
        nodes = yield from read_nodes({number, *chosen, *_ends(steps)})
        more = first + limit < len(ranked)
        return Neighbourhood(
            nodes[number].id,
            [_reached(nodes[one], found.hops[one]) for one in chosen],
            edges_of(steps, nodes),
            walk.truncated or more,
            len(ranked),
            len(set(found.joins.facts)),
            encode_cursor(found.hops[chosen[-1]], chosen[-1]) if more else None,
        )

    return await store.explore(reading())


def _place(found: Spread, ranked: Sequence[int], after: tuple[int, int]) -> int:
    """Where in `ranked` what comes after (hops, number) begins."""
    return bisect_right(ranked, after, key=lambda one: (found.hops[one], one))


def _between(joins: Joins, page: set[int], known: set[int]) -> set[int]:
    """The relationships that join two of the known entities, one of them on the page."""
    return {
        fact
        for fact, source, target in zip(*joins, strict=True)
        if source in known and target in known and (source in page or target in page)
    }


def _ends(steps: Iterable[Step]) -> set[int]:
    return {end for step in steps for end in (step.source, step.target)}


async def traverse(store: Store, query: TraversalQuery) -> TraversalResult:
    """Raises NotFound, InvalidInput."""
    check_direction(query.direction)
    check_bound(query.max_depth, "max_depth", MAX_HOPS)
    check_bound(query.limit, "limit", MAX_ENTITIES)
    return await store.explore(_traverse(query, dialect_of(store)))


def _traverse(query: TraversalQuery, dialect: Dialect) -> Reading[TraversalResult]:
    walk = Walk(dialect, query.types, query.moment, query.budget)
    start = yield from read_resolved(query.start, "start", query.moment)
    found = yield from spread(walk, start, query.max_depth, query.direction)
    chosen: list[int] = []
    for part in chunks(found.ranked()[1:]):
        passed = yield from _passing(part, query)
        chosen += (one for one in part if one in passed)
        if len(chosen) > query.limit:
            break
    more = len(chosen) > query.limit
    chosen = chosen[: query.limit]
    first = _first(found, query.direction)
    ways = [_way(first, start, end) for end in chosen]
    steps = yield from read_steps({join[0] for way in ways for join in way})
    whole = {step.fact: step for step in steps}
    nodes = yield from read_nodes({start, *chosen, *_ends(steps)})
    return TraversalResult(
        [_reached(nodes[one], found.hops[one]) for one in chosen],
        edges_of(steps, nodes),
        [path_of(start, [whole[fact] for fact, _, _ in way], nodes) for way in ways],
        len(found.hops),
        walk.truncated or more,
    )


def _passing(entities: Sequence[int], query: TraversalQuery) -> Reading[Collection[int]]:
    """Those of the entities that have the kinds and properties of a query."""
    passed: Collection[int] = set(entities)
    if query.kinds:
        passed = yield from _having(passed, TYPE, query.kinds, query.moment)
    for name, value in query.properties.items():
        passed = yield from _having(passed, name, [value], query.moment)
    return passed


def _having(
    entities: Collection[int], name: str, values: Sequence[Any], moment: Moment
) -> Reading[set[int]]:
    """Those of the entities of which an attribute has one of these values at this moment."""
    if not name or not values:
        raise InvalidInput("a property needs a name and a value", field="properties")
    found: set[int] = set()
    for part in chunks(sorted(entities)):
        put = Parameters()
        rows = yield (
            f"""SELECT DISTINCT f.subject FROM graph_facts f
                WHERE f.subject IN {put.any_of(part)} AND f.predicate = {put(name)}
                    AND f.value IN {put.any_of([canonical(value) for value in values])}
                    AND {holds(put, moment)}""",
            put.values,
        )
        found.update(number for (number,) in rows)
    return found


def _first(found: Spread, direction: Direction) -> dict[int, _Join]:
    """By which relationship each entity was first reached: of several the one of lowest number."""
    first: dict[int, _Join] = {}
    hops = found.hops
    for join in sorted(zip(*found.joins, strict=True)):
        _, source, target = join
        if direction != "incoming" and hops[target] == hops[source] + 1:
            first.setdefault(target, join)
        if direction != "outgoing" and hops[source] == hops[target] + 1:
            first.setdefault(source, join)
    return first


def _way(first: Mapping[int, _Join], start: int, end: int) -> list[_Join]:
    way = []
    while end != start:
        join = first[end]
        way.append(join)
        end = join[1] if join[2] == end else join[2]
    return way[::-1]


def path_of(start: int, way: Sequence[Step], nodes: Mapping[int, Node]) -> Path:
    """The steps of one way as a path."""
    ends = [start]
    for step in way:
        ends.append(step.other(ends[-1]))
    return Path(edges_of(way, nodes), [nodes[end].id for end in ends])


def _reached(node: Node, hops: int) -> Reached:
    return Reached(node.id, node.kind, node.name, hops)
