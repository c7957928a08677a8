"""Ways between entities: a shortest one, and all simple ones up to a length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from ...model.errors import InvalidInput
from ...storage.store import Reading, Store
from .entities import read_nodes, read_resolved
from .sql import NOW, Dialect, Moment, check_bound, dialect_of
from .steps import BUDGET, Direction, Step, Walk, check_direction, reached, reverse
from .traversal import MAX_HOPS, Path, path_of, spread

MAX_PATHS = 1000
MAX_TRAILS = 100_000
"""Beginnings of paths that are looked at together by `all_paths`."""


class PathQuery(Struct, frozen=True, kw_only=True):
    """From `start` to `end`; without an end, to anywhere (only `all_paths`)."""

    start: str
    end: str | None = None
    types: tuple[str, ...] = ()
    direction: Direction = "both"
    max_depth: int = 6
    limit: int = 100
    moment: Moment = NOW
    budget: int = BUDGET


class PathResult(Struct, frozen=True):
    """`truncated`: the budget or the limit ended the search. There may be more paths, or, of a
    shortest one, one that is shorter."""

    paths: list[Path]
    truncated: bool


class _Side(Struct):
    """One of the two searches that come towards each other."""

    hops: dict[int, int]
    first: dict[int, Step]
    front: set[int]
    direction: Direction
    depth: int = 0


async def shortest_path(store: Store, query: PathQuery) -> PathResult:
    """The path with the fewest relationships, if there is one; [] says that there is none.

    Two breadth-first searches, from both ends, the smaller one first (Pohl, 1971). Raises NotFound,
    InvalidInput.
    """
    return await store.explore(_shortest(query, dialect_of(store)))


def _shortest(query: PathQuery, dialect: Dialect) -> Reading[PathResult]:
    walk, start, end = yield from _begin(query, dialect)
    if end is None:
        raise InvalidInput("a shortest path needs an `end`", field="end")
    near = _Side({start: 0}, {}, {start}, query.direction)
    far = _Side({end: 0}, {}, {end}, reverse(query.direction))
    while near.depth + far.depth < query.max_depth and near.front and far.front:
        # Of two equal fronts the one that came less far: what lies behind it may be a hub.
        ours, theirs = sorted((near, far), key=lambda side: (len(side.front), side.depth))
        fresh = yield from _expand(walk, ours)
        meeting = [(theirs.hops[one], one) for one in fresh if one in theirs.hops]
        if meeting:
            _, middle = min(meeting)
            way = _back(near, middle)[::-1] + _back(far, middle)
            return PathResult((yield from _paths(start, [way])), walk.truncated)
        if walk.truncated:
            break
    return PathResult([], walk.truncated)


def _expand(walk: Walk, side: _Side) -> Reading[set[int]]:
    steps = yield from walk.steps(side.front, side.direction)
    fresh = reached(steps, side.front, side.direction) - side.hops.keys()
    for step in steps:
        for here, there in _ways(step, side.direction):
            if here in side.front and there in fresh:
                side.first.setdefault(there, step)
    side.depth += 1
    side.hops.update(dict.fromkeys(fresh, side.depth))
    side.front = fresh
    return fresh


def _back(side: _Side, from_: int) -> list[Step]:
    way = []
    while side.hops[from_]:
        step = side.first[from_]
        way.append(step)
        from_ = step.other(from_)
    return way


class _Trail(NamedTuple):
    """The beginning of a path."""

    ends: tuple[int, ...]
    steps: tuple[Step, ...]


async def all_paths(store: Store, query: PathQuery) -> PathResult:
    """Every simple path (no entity twice) of at most `max_depth`, shorter ones first, up to
    `limit`. Two relationships between the same two make two paths. Raises NotFound, InvalidInput.

    A search back from the end comes first: then only beginnings that can still reach it are kept.
    """
    check_bound(query.limit, "limit", MAX_PATHS)
    return await store.explore(_all(query, dialect_of(store)))


def _all(query: PathQuery, dialect: Dialect) -> Reading[PathResult]:
    walk, start, end = yield from _begin(query, dialect)
    left: dict[int, int] | None = None
    if end is not None:
        around = yield from spread(walk, end, query.max_depth, reverse(query.direction))
        left = around.hops
    truncated = walk.truncated
    forward = Walk(dialect, query.types, query.moment, query.budget)
    out: dict[int, list[tuple[Step, int]]] = {}
    trails = [_Trail((start,), ())]
    found: list[_Trail] = []
    for depth in range(1, query.max_depth + 1):
        yield from _read(forward, {trail.ends[-1] for trail in trails} - out.keys(), out, query)
        longer: list[_Trail] = []
        for trail in trails:
            for step, there in out[trail.ends[-1]]:
                if there in trail.ends:
                    continue
                if left is not None and depth + left.get(there, query.max_depth) > query.max_depth:
                    continue
                longer.append(_Trail((*trail.ends, there), (*trail.steps, step)))
            if len(longer) > MAX_TRAILS:
                truncated = True
                break
        found += [trail for trail in longer if end is None or trail.ends[-1] == end]
        trails = [trail for trail in longer if trail.ends[-1] != end]
        if len(found) > query.limit or not trails:
            break
    paths = yield from _paths(start, [trail.steps for trail in found[: query.limit]])
    return PathResult(paths, truncated or forward.truncated or len(found) > query.limit)


def _paths(start: int, ways: Sequence[Sequence[Step]]) -> Reading[list[Path]]:
    ends = {end for way in ways for step in way for end in (step.source, step.target)}
    nodes = yield from read_nodes(ends)
    return [path_of(start, way, nodes) for way in ways]


def _read(
    walk: Walk, entities: set[int], out: dict[int, list[tuple[Step, int]]], query: PathQuery
) -> Reading[None]:
    """Adds the ways out of these entities."""
    ways: dict[int, list[tuple[Step, int]]] = defaultdict(list)
    for step in (yield from walk.steps(entities, query.direction)):
        for here, there in _ways(step, query.direction):
            if here in entities:
                ways[here].append((step, there))
    for entity in entities:
        out[entity] = ways.get(entity, [])


def _ways(step: Step, direction: Direction) -> list[tuple[int, int]]:
    """From where to where a step may be taken."""
    forth, back = (step.source, step.target), (step.target, step.source)
    return {"outgoing": [forth], "incoming": [back], "both": [forth, back]}[direction]


def _begin(query: PathQuery, dialect: Dialect) -> Reading[tuple[Walk, int, int | None]]:
    check_direction(query.direction)
    check_bound(query.max_depth, "max_depth", MAX_HOPS)
    walk = Walk(dialect, query.types, query.moment, query.budget)
    start = yield from read_resolved(query.start, "start", query.moment)
    if query.end is None:
        return walk, start, None
    end = yield from read_resolved(query.end, "end", query.moment)
    if start == end:
        raise InvalidInput("`start` and `end` are the same entity", field="end")
    return walk, start, end
