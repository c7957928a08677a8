"""Walks, paths, impact and filters on drawn graphs give what a plain walk in memory gives."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colloquy.graph.queries.impact import WEIGHTS, ImpactQuery, impact
from colloquy.graph.queries.paths import PathQuery, all_paths, shortest_path
from colloquy.graph.queries.relationships import RelationshipQuery, find_relationships
from colloquy.graph.queries.sql import Moment
from colloquy.graph.queries.traversal import TraversalQuery, neighbourhood, traverse
from colloquy.storage.store import Store
from support import graph_reference as reference
from support.graph_reference import Drawn, directions, graphs, moments, rows_of

on_one_store = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@on_one_store
@given(drawn=graphs(), moment=moments, direction=directions, most=st.integers(1, 4))
async def test_a_neighbourhood_is_what_a_walk_in_memory_finds(
    store: Store, drawn: Drawn, moment: Moment, direction: str, most: int
) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    lines = drawn.at(moment)
    expected = reference.hops(lines, 0, direction, most)
    found = await neighbourhood(
        store, stored.id(0), most, direction=direction, moment=moment  # type: ignore[arg-type]
    )  # fmt: skip
    assert {stored.entity(one.id): one.hops for one in found.entities} == expected
    followed = [
        line
        for line in lines
        if (direction != "incoming" and expected.get(line.source, most) < most)
        or (direction != "outgoing" and expected.get(line.target, most) < most)
    ]
    assert Counter((line.source, line.type, line.target) for line in followed) == Counter(
        (stored.entity(e.source), e.type, stored.entity(e.target)) for e in found.relationships
    )
    assert not found.truncated


@on_one_store
@given(drawn=graphs(), moment=moments, direction=directions, limit=st.integers(1, 4))
async def test_the_pages_of_a_neighbourhood_are_one_long_page(
    store: Store, drawn: Drawn, moment: Moment, direction: str, limit: int
) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    fields = {"direction": direction, "moment": moment}
    whole = await neighbourhood(store, stored.id(0), 3, **fields)  # type: ignore[arg-type]
    entities, relationships, cursor = [], [], None
    while True:
        page = await neighbourhood(
            store, stored.id(0), 3, limit=limit, cursor=cursor, **fields  # type: ignore[arg-type]
        )  # fmt: skip
        assert len(page.entities) <= limit
        assert page.relationship_total == len(whole.relationships)
        entities += page.entities
        relationships += page.relationships
        cursor = page.next
        if cursor is None:
            break
    assert entities == whole.entities
    assert sorted(one.fact for one in relationships) == [one.fact for one in whole.relationships]


@on_one_store
@given(drawn=graphs(), moment=moments, direction=directions, most=st.integers(1, 4))
async def test_a_walk_s_paths_are_shortest_and_follow_relationships(
    store: Store, drawn: Drawn, moment: Moment, direction: str, most: int
) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    expected = reference.hops(drawn.at(moment), 0, direction, most)
    found = await traverse(
        store,
        TraversalQuery(
            start=stored.id(0), direction=direction, max_depth=most, moment=moment  # type: ignore[arg-type]
        ),
    )  # fmt: skip
    assert len(found.paths) == len(expected) - 1
    for entity, path in zip(found.entities, found.paths, strict=True):
        assert path.length == expected[stored.entity(entity.id)]
        assert path.entities[0] == stored.id(0)
        assert path.entities[-1] == entity.id
        for edge, here, there in zip(
            path.relationships, path.entities, path.entities[1:], strict=False
        ):
            ways = {"outgoing": {(here, there)}, "incoming": {(there, here)}}
            assert (edge.source, edge.target) in ways.get(direction, {(here, there), (there, here)})


@on_one_store
@given(drawn=graphs(), moment=moments, direction=directions, most=st.integers(1, 5))
async def test_paths_are_those_of_a_search_in_memory(
    store: Store, drawn: Drawn, moment: Moment, direction: str, most: int
) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    expected = reference.simple_paths(drawn.at(moment), 0, 1, direction, most)
    query = PathQuery(
        start=stored.id(0), end=stored.id(1), direction=direction, max_depth=most,  # type: ignore[arg-type]
        moment=moment, limit=1000,
    )  # fmt: skip
    found = await all_paths(store, query)
    assert not found.truncated
    ends = [tuple(stored.entity(id_) for id_ in path.entities) for path in found.paths]
    assert sorted(ends) == expected
    assert [path.length for path in found.paths] == sorted(path.length for path in found.paths)
    shortest = await shortest_path(store, query)
    assert [path.length for path in shortest.paths] == [
        len(path) - 1 for path in sorted(expected, key=len)[:1]
    ]
    for path in shortest.paths:
        assert tuple(stored.entity(id_) for id_ in path.entities) in expected


@on_one_store
@given(drawn=graphs(size=5, most=10), moment=moments)
async def test_paths_to_anywhere(store: Store, drawn: Drawn, moment: Moment) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    query = PathQuery(start=stored.id(0), max_depth=3, moment=moment, limit=1000)
    found = await all_paths(store, query)
    ends = [tuple(stored.entity(id_) for id_ in path.entities) for path in found.paths]
    expected = reference.simple_paths(drawn.at(moment), 0, None, "both", 3)
    assert found.truncated == (len(expected) > 1000)
    assert found.truncated or sorted(ends) == expected


@on_one_store
@given(drawn=graphs(), moment=moments, most=st.integers(1, 4))
async def test_impact_is_who_depends_level_by_level(
    store: Store, drawn: Drawn, moment: Moment, most: int
) -> None:
    stored = rows_of(drawn)
    await stored.rows.write(store)
    lines = [line for line in drawn.at(moment) if line.type in WEIGHTS]
    expected = reference.touched(lines, 0, most)
    found = await impact(
        store,
        ImpactQuery(entity=stored.id(0), change="delete", max_depth=most, moment=moment),
    )
    direct = {stored.entity(id_) for one in found.direct for id_ in one.entities}
    assert direct == set(expected[0] if expected else ())
    assert found.total == sum(map(len, expected))
    for level, known in enumerate(expected[1:], 2):
        cascades = [one for one in found.cascading if one.level == level]
        assert {stored.entity(id_) for one in cascades for id_ in one.entities} == set(known)
        # All types of the drawn graphs weigh the same, so confidence alone decides.
        assert max(one.confidence for one in cascades) == max(known.values())
    assert max((one.level for one in found.cascading), default=1) == max(1, len(expected))


@on_one_store
@given(
    drawn=graphs(),
    moment=moments,
    direction=directions,
    types=st.sets(st.sampled_from(reference.TYPES)),
    least=st.none() | st.sampled_from([0.5, 1.0]),
    limit=st.integers(1, 4),
)
async def test_filtered_pages_together_are_what_passes_the_filter(
    store: Store, drawn: Drawn, moment: Moment, direction: str, types: set[str],
    least: float | None, limit: int,
) -> None:  # fmt: skip
    stored = rows_of(drawn)
    await stored.rows.write(store)
    expected = [
        (line.source, line.type, line.target)
        for line in drawn.at(moment)
        if 0 in {"outgoing": (line.source,), "incoming": (line.target,)}.get(
            direction, (line.source, line.target)
        )
        and (not types or line.type in types)
        and (least is None or line.confidence >= least)
    ]  # fmt: skip
    found = []
    cursor = None
    while True:
        page = await find_relationships(
            store,
            RelationshipQuery(
                entity=stored.id(0), direction=direction, types=tuple(types),  # type: ignore[arg-type]
                confidence_min=least, moment=moment, cursor=cursor, limit=limit,
            ),
        )  # fmt: skip
        assert len(page.found) <= limit
        found += [
            (stored.entity(one.edge.source), one.edge.type, stored.entity(one.edge.target))
            for one in page.found
        ]
        cursor = page.next
        if cursor is None:
            break
    assert found == expected
