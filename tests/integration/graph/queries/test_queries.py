"""Filters, bounds, merged entities and time lines on both engines."""

from __future__ import annotations

import pytest

from colloquy.graph.ids import relationship_id
from colloquy.graph.queries.conditions import Condition
from colloquy.graph.queries.impact import ImpactQuery, impact
from colloquy.graph.queries.paths import PathQuery, all_paths, shortest_path
from colloquy.graph.queries.relationships import RelationshipQuery, find_relationships
from colloquy.graph.queries.sql import Moment
from colloquy.graph.queries.timelines import RelationshipEnds, changed_between, timeline
from colloquy.graph.queries.traversal import TraversalQuery, neighbourhood, traverse
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.storage.store import Store
from support.graph_rows import AT, GraphRows


def village() -> GraphRows:
    rows = GraphRows()
    rows.entity("ann", "person", name="Ann", roles=["buyer", "owner"])
    rows.entity("bob", "person", name="Bob")
    rows.entity("flat", "product", name="Flat 12", status="available")
    rows.entity("house", "product", name="House", status="sold")
    rows.edge("ann", "KNOWS", "bob", confidence=0.9, learned=2)
    rows.edge("ann", "INTERESTED_IN", "flat", confidence=0.6, learned=3, valid=(10, 20))
    rows.edge("bob", "OWNS", "flat", learned=4, closed=6)
    rows.edge("bob", "OWNS", "house", learned=6)
    return rows


async def edges(store: Store, **fields: object) -> list[tuple[str, str, str]]:
    page = await find_relationships(store, RelationshipQuery(**fields))  # type: ignore[arg-type]
    return [(one.edge.source, one.edge.type, one.edge.target) for one in page.found]


async def test_relationships_by_ends_kinds_and_attributes_of_the_ends(store: Store) -> None:
    await village().write(store)
    knows, wants = ("ann", "KNOWS", "bob"), ("ann", "INTERESTED_IN", "flat")
    owns = ("bob", "OWNS", "house")
    assert await edges(store) == [knows, wants, owns]
    assert await edges(store, kinds=("product",)) == [wants, owns]
    assert await edges(store, target_kinds=("person",)) == [knows]
    assert await edges(store, source_kinds=("product",)) == []
    assert await edges(store, target_attributes={"status": ("sold",)}) == [owns]
    assert await edges(store, source_attributes={"roles": ("owner",)}) == [knows, wants]
    assert await edges(store, sources=("bob", "nobody")) == [owns]
    assert await edges(store, targets=("bob", "flat")) == [knows, wants]
    assert await edges(store, targets=("nobody",)) == []
    assert await edges(store, entity="bob") == [knows, owns]


async def test_relationships_by_confidence_and_times(store: Store) -> None:
    await village().write(store)
    knows, wants = ("ann", "KNOWS", "bob"), ("ann", "INTERESTED_IN", "flat")
    owned, owns = ("bob", "OWNS", "flat"), ("bob", "OWNS", "house")
    assert await edges(store, confidence_min=0.9) == [knows, owns]
    assert await edges(store, confidence_max=0.6) == [wants]
    assert await edges(store, moment=Moment(as_of=5)) == [knows, wants, owned]
    assert await edges(store, moment=Moment(at_us=20)) == [knows, owns]
    assert await edges(store, moment=Moment(at_us=19)) == [knows, wants, owns]
    assert await edges(store, valid_since_us=20) == [knows, owns]
    assert await edges(store, valid_until_us=10) == [knows, owns]
    assert await edges(store, seen_since_us=AT + 3_000_000) == [wants, owns]
    assert await edges(store, seen_until_us=AT + 3_000_000) == [knows]


async def test_relationships_by_their_own_attributes(store: Store) -> None:
    rows = village()
    rows.edge("bob", "KNOWS", "ann", learned=7)
    for source, target, since in (("ann", "bob", 4), ("bob", "ann", 9)):
        own = relationship_id({"fromEntityId": source, "toEntityId": target, "type": "KNOWS"})
        rows.value(own, "role", f"{source}'s friend").value(own, "since", since)
    await rows.write(store)
    page = await find_relationships(
        store,
        RelationshipQuery(attributes=(Condition(name="since", least=5, most=9),)),
    )
    (found,) = page.found
    assert (found.edge.source, found.attributes) == (
        "bob",
        {"role": ["bob's friend"], "since": [9]},
    )
    friends = Condition(name="role", prefixes=("ann", "bob"))
    assert len(await edges(store, attributes=(friends,))) == 2
    assert await edges(store, attributes=(friends, Condition(name="since", any_of=(4,)))) == [
        ("ann", "KNOWS", "bob")
    ]


async def test_a_page_that_few_pass_ends_early_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.graph.queries.relationships.SLAB", 2)
    monkeypatch.setattr("colloquy.graph.queries.relationships.MAX_SLABS", 2)
    rows = GraphRows()
    for number in range(9):
        rows.edge("ann", "KNOWS", f"p{number}")
    own = relationship_id({"fromEntityId": "ann", "toEntityId": "p7", "type": "KNOWS"})
    await rows.value(own, "role", "friend").write(store)
    query = RelationshipQuery(attributes=(Condition(name="role", any_of=("friend",)),), limit=5)
    first = await find_relationships(store, query)
    assert first.found == []
    assert first.next is not None
    second = await find_relationships(
        store, RelationshipQuery(attributes=query.attributes, limit=5, cursor=first.next)
    )
    assert [one.edge.target for one in second.found] == ["p7"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"types": ("FLIES_TO",)}, "types"),
        ({"direction": "up"}, "direction"),
        ({"confidence_min": 1.5}, "confidence_min"),
        ({"cursor": "?"}, "cursor"),
        ({"moment": Moment(as_of=-1)}, "as_of"),
        ({"source_attributes": {"name": ()}}, "source_attributes"),
    ],
)
async def test_a_bad_filter_is_named(store: Store, fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        await edges(store, **fields)
    assert raised.value.field == field


async def test_a_walk_filters_what_it_returns_and_not_where_it_goes(store: Store) -> None:
    await village().write(store)
    found = await traverse(
        store, TraversalQuery(start="ann", kinds=("product",), properties={"status": "sold"})
    )
    assert [(one.id, one.kind, one.hops) for one in found.entities] == [("house", "product", 2)]
    assert found.paths[0].entities == ["ann", "bob", "house"]
    assert found.paths[0].types == ["KNOWS", "OWNS"]
    assert found.seen == 4


async def test_a_neighbourhood_is_shown_a_page_at_a_time(store: Store) -> None:
    rows = GraphRows()
    for number in range(5):
        rows.edge("hub", "KNOWS", f"p{number}").edge(f"p{number}", "KNOWS", f"p{number + 1}")
    await rows.write(store)
    first = await neighbourhood(store, "hub", 2, limit=3)
    assert [one.id for one in first.entities] == ["hub", "p0", "p1"]
    assert [(one.source, one.target) for one in first.relationships] == [
        ("hub", "p0"),
        ("p0", "p1"),
        ("hub", "p1"),
    ]
    assert (first.entity_total, first.relationship_total, first.truncated) == (7, 10, True)
    second = await neighbourhood(store, "hub", 2, limit=4, cursor=first.next)
    assert [(one.id, one.hops) for one in second.entities] == [
        ("p2", 1),
        ("p3", 1),
        ("p4", 1),
        ("p5", 2),
    ]
    assert len(second.relationships) == 7
    assert (second.start, second.next, second.truncated) == ("hub", None, False)
    with pytest.raises(InvalidInput):
        await neighbourhood(store, "hub", cursor="?")


async def test_a_budget_is_kept_and_told(store: Store) -> None:
    rows = GraphRows()
    for number in range(50):
        rows.edge("hub", "KNOWS", f"p{number}")
    await rows.write(store)
    found = await neighbourhood(store, "hub", 2, budget=10)
    assert (len(found.relationships), len(found.entities), found.truncated) == (10, 11, True)
    assert not (await neighbourhood(store, "hub", 2, budget=100)).truncated
    assert (await traverse(store, TraversalQuery(start="hub", limit=3))).truncated
    near = await shortest_path(store, PathQuery(start="p3", end="p4", budget=2))
    assert (near.paths[0].entities, near.truncated) == (["p3", "hub", "p4"], False)
    path = await shortest_path(store, PathQuery(start="p3", end="p4", budget=1))
    assert (path.paths, path.truncated) == ([], True)
    paths = await all_paths(store, PathQuery(start="p3", max_depth=2, limit=7))
    assert (len(paths.paths), paths.truncated) == (7, True)
    assert (await impact(store, ImpactQuery(entity="hub", change="delete"))).total == 0


async def test_a_merged_entity_is_its_representative(store: Store) -> None:
    rows = GraphRows()
    rows.entity("ann", "person", name="Ann").entity("anna", stands="ann")
    rows.edge("anna", "KNOWS", "bob", learned=2, closed=5)
    rows.edge("ann", "KNOWS", "bob", learned=5)
    await rows.write(store)
    assert (await neighbourhood(store, "anna")).start == "ann"
    assert await edges(store, entity="anna") == [("ann", "KNOWS", "bob")]
    # Before the merge it was somebody of its own.
    before = await neighbourhood(store, "anna", moment=Moment(as_of=3))
    assert [one.id for one in before.entities] == ["anna", "bob"]
    versions = (await timeline(store, "anna", predicate="KNOWS")).versions
    assert [(one.subject, one.learned_from) for one in versions] == [("anna", 2), ("ann", 5)]


async def test_who_is_unknown_is_said(store: Store) -> None:
    await village().write(store)
    for call in (
        neighbourhood(store, "nobody"),
        timeline(store, "nobody"),
        impact(store, ImpactQuery(entity="nobody", change="delete")),
        shortest_path(store, PathQuery(start="ann", end="nobody")),
    ):
        with pytest.raises(NotFound, match="nobody"):
            await call
    with pytest.raises(InvalidInput, match="same"):
        await shortest_path(store, PathQuery(start="ann", end="ann"))


async def test_impact_says_how_bad_it_is_and_why(store: Store) -> None:
    rows = GraphRows()
    rows.edge("a", "CALLS", "core", confidence=0.9)
    rows.edge("t", "TESTS", "core", confidence=0.8)
    rows.edge("core", "DOCUMENTED_BY", "doc")
    rows.edge("core", "CALLS", "below")
    rows.edge("b", "CALLS", "a", confidence=0.5)
    await rows.write(store)
    found = await impact(store, ImpactQuery(entity="core", change="delete"))
    assert [(one.entities, one.severity) for one in found.direct] == [
        (["a"], "high"),
        (["doc"], "medium"),
        (["t"], "medium"),
    ]
    assert found.direct[0].reason == "one entity depends by CALLS on what is deleted"
    (further,) = found.cascading
    assert (further.level, further.entities, further.confidence) == (2, ["b"], 0.45)
    assert (found.total, found.risk) == (4, "high")
    milder = await impact(
        store, ImpactQuery(entity="core", change="modify", include_indirect=False)
    )
    assert (milder.total, milder.cascading, milder.risk) == (3, [], "medium")
    assert milder.direct[0].severity == "medium"


async def test_a_timeline_pages_through_every_version(store: Store) -> None:
    rows = GraphRows()
    rows.value("ann", "city", "Bonn", learned=1, closed=3, valid=(None, 7))
    rows.value("ann", "city", "Ulm", learned=3)
    rows.edge("ann", "KNOWS", "bob", learned=2, closed=4)
    rows.edge("ann", "KNOWS", "bob", learned=6, confidence=0.5)
    await rows.write(store)
    first = await timeline(store, "ann", limit=3)
    assert [(one.predicate, one.value, one.target) for one in first.versions] == [
        ("city", "Bonn", None),
        ("KNOWS", None, "bob"),
        ("city", "Ulm", None),
    ]
    bonn = first.versions[0]
    assert (bonn.valid_to, bonn.learned_at, bonn.closed_at) == (7, AT + 1_000_000, AT + 3_000_000)
    last = await timeline(store, "ann", limit=3, cursor=first.next)
    assert ([one.confidence for one in last.versions], last.next) == ([0.5], None)
    known = await timeline(store, RelationshipEnds("ann", "KNOWS", "bob"))
    assert [(one.learned_from, one.learned_to) for one in known.versions] == [(2, 4), (6, None)]


async def test_changes_between_positions_come_in_order_and_in_pages(store: Store) -> None:
    rows = GraphRows()
    rows.value("ann", "city", "Bonn", learned=1, closed=3)
    rows.value("ann", "city", "Ulm", learned=3, closed=5)
    rows.value("bob", "city", "Kiel", learned=3)
    rows.value("ann", "city", "Jena", learned=5)
    await rows.write(store)
    expected = [
        (3, False, "Bonn"),
        (3, True, "Ulm"),
        (3, True, "Kiel"),
        (5, False, "Ulm"),
        (5, True, "Jena"),
    ]
    for limit in (1, 2, 3, 10):
        found = []
        cursor = None
        while True:
            page = await changed_between(store, 1, 5, cursor=cursor, limit=limit)
            found += [(one.position, one.opened, one.version.value) for one in page.changes]
            cursor = page.next
            if cursor is None:
                break
        assert found == expected
    mine = await changed_between(store, 0, 4, entity="ann")
    assert [(one.opened, one.version.value) for one in mine.changes] == [
        (True, "Bonn"),
        (False, "Bonn"),
        (True, "Ulm"),
    ]
    with pytest.raises(InvalidInput):
        await changed_between(store, 5, 1)
