"""The graph on its store: learning, taking back, merging, the past, rollbacks, hostile input."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from colloquy.graph.graph import Graph
from colloquy.graph.kinds import Entity
from colloquy.graph.learner import GraphLearner, learned
from colloquy.graph.queries.conditions import Condition
from colloquy.graph.queries.relationships import RelationshipQuery, find_relationships
from colloquy.graph.relationships import Relationship
from colloquy.graph.slots import MAX_ASSERTIONS
from colloquy.ledger.collections import Collections
from colloquy.ledger.points import NewPoint, Points
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.storage.store import Store
from colloquy.storage.write_set import Change, Unit, Verdict, WriteSet
from support.graphs import contested, described, head, known, says, tell, ticking, values
from support.storage import Place


async def test_an_entity_comes_back_as_it_was_learned(graph: Graph) -> None:
    attributes = {"name": "Ann", "roles": ["owner", "buyer"], "language": "en"}
    report = await tell(graph, Entity("ann", "person", attributes), "me")
    assert (report.new, report.opened, report.closed) == (5, 5, 0)
    view = await graph.entity("ann")
    assert (view.kind, view.attributes) == ("person", attributes | {"roles": ["buyer", "owner"]})
    again = await graph.learn([says("ann", "name", "Ann", said=5)] * 2, "me")
    assert (again.new, again.repeated) == (1, 1)
    with pytest.raises(NotFound):
        await graph.entity("bob")


async def test_a_newer_value_closes_the_older(graph: Graph) -> None:
    await graph.learn([says("ann", "mood", "sad", since=10)], "me")
    before = await head(graph.store)
    report = await graph.learn([says("ann", "mood", "glad", since=20)], "me")
    assert (report.opened, report.closed, report.contradictions) == (2, 1, 0)
    view = await graph.entity("ann")
    assert view.attributes == {"mood": "glad"}
    spans = [(fact.value, fact.valid_from, fact.valid_to) for fact in view.facts]
    assert sorted(spans) == [("glad", 20, None), ("sad", 10, 20)]
    assert (await graph.entity("ann", at=15)).attributes == {"mood": "sad"}
    past = await graph.entity("ann", as_of=before)
    assert [(fact.value, fact.valid_to) for fact in past.facts] == [("sad", None)]


async def test_of_a_relationship_with_one_target_the_newer_counts(graph: Graph) -> None:
    await graph.learn([says("flat", "PRICED_AT", to="p1", since=1)], "me")
    await graph.learn([says("flat", "PRICED_AT", to="p2", since=2)], "me")
    facts = await graph.facts("flat", "PRICED_AT", at=5)
    assert [fact.target for fact in facts.items] == ["p2"]
    await graph.learn([says("ann", "KNOWS", to="bob"), says("ann", "KNOWS", to="eve")], "me")
    assert len((await graph.facts("ann", "KNOWS")).items) == 2


def session_edge(number: int, **more: object) -> Relationship:
    said = {"sessionId": "s1", "sequenceNumber": number, "timestamp": "2026-01-31T10:00:00Z"}
    return Relationship("s1", "a.ts", "SESSION_MODIFIED", {**said, **more})


async def test_relationships_told_apart_by_attributes_stay_apart(graph: Graph) -> None:
    edges = [session_edge(1, actor="ann"), session_edge(2, actor="bob")]
    for edge in [*edges, edges[0]]:
        await tell(graph, edge, "me")
    facts = (await graph.facts("s1", "SESSION_MODIFIED")).items
    assert [fact.value for fact in facts] == [
        {"sessionId": "s1", "sequenceNumber": 1},
        {"sessionId": "s1", "sequenceNumber": 2},
    ]
    query = RelationshipQuery(
        types=("SESSION_MODIFIED",), attributes=(Condition(name="actor", any_of=("bob",)),)
    )
    (found,) = (await find_relationships(graph.store, query)).found
    assert found.identity == {"sessionId": "s1", "sequenceNumber": 2}
    assert found.attributes is not None
    assert found.attributes["actor"] == ["bob"]
    shown = next(
        fact for fact in (await graph.entity("s1")).facts if fact.number == found.edge.fact
    )
    assert [one.value for one in shown.assertions] == [found.identity]
    await graph.retract(shown, "me")
    (left,) = (await graph.facts("s1", "SESSION_MODIFIED")).items
    assert left.value == {"sessionId": "s1", "sequenceNumber": 1}


async def test_merged_ends_keep_told_apart_relationships(graph: Graph) -> None:
    for edge in (session_edge(1), session_edge(2)):
        await tell(graph, edge, "me")
    await graph.learn([says("b.ts", "path", "b.ts")], "me")
    before = await known(graph)
    await graph.merge("b.ts", "a.ts", "me")
    assert {fact.target for fact in (await graph.facts("s1", "SESSION_MODIFIED")).items} == {"b.ts"}
    assert len((await graph.facts("s1", "SESSION_MODIFIED")).items) == 2
    await graph.unmerge("b.ts", "a.ts", "me")
    assert await known(graph) == before


async def test_contradictions_are_listed_and_nothing_is_overwritten(graph: Graph) -> None:
    await graph.learn([says("ann", "age", 30, said=1), says("bob", "age", 7)], "me")
    await graph.learn([says("ann", "age", 31, said=2)], "me")
    (found,) = (await graph.contradictions()).items
    assert (found.kind, found.chosen.value, found.other.value) == ("same_start", 31, 30)
    assert len((await values(graph))["ann|age"].split(b'"said"')) == 3
    (fact,) = (await graph.entity("ann")).facts
    assert (fact.value, [one.value for one in fact.assertions]) == (31, [31])
    await graph.retract(fact, "me")
    assert (await graph.contradictions()).items == []
    assert (await graph.entity("ann")).attributes == {"age": 30}


async def test_evidence_taken_back_lowers_and_then_ends_a_fact(graph: Graph) -> None:
    await graph.learn([says("ann", "city", "Rome", event=7, sure=0.5)], "me")
    await graph.learn([says("ann", "city", "Rome", event=9, sure=0.8)], "me")
    (fact,) = (await graph.entity("ann")).facts
    assert (round(fact.confidence, 9), fact.support) == (0.9, 2)
    assert sorted(one.event or 0 for one in fact.evidence) == [7, 9]
    await graph.retract(9, "me", "a joke")
    (fact,) = (await graph.entity("ann")).facts
    assert (fact.confidence, fact.support) == (0.5, 1)
    await graph.retract(7, "me")
    with pytest.raises(NotFound):
        await graph.entity("ann")
    with pytest.raises(NotFound):
        await graph.retract(7, "me")
    (row, *_) = [row for row in await graph.store.changes() if row.operation.startswith("ret")]
    assert row.operation == "retract: a joke"


async def test_a_merge_undone_leaves_the_very_same_facts(graph: Graph) -> None:
    await tell(graph, Entity("ann", "person", {"name": "Ann", "roles": ["a"]}), "me")
    await tell(graph, Entity("annie", "person", {"name": "Annie", "roles": ["b"]}), "me")
    for from_, to, type_ in (("annie", "bob", "KNOWS"), ("bob", "annie", "KNOWS")):
        await tell(graph, Relationship(from_, to, type_), "me")
    await graph.learn([says("flat", "PRICED_AT", to="ann"), says("flat", "PRICED_AT", to="annie")],
                      "me")  # fmt: skip
    facts, lists = await known(graph), await described(graph)
    clashes, before = await contested(graph), await head(graph.store)
    await graph.merge("ann", "annie", "me", "one phone number")
    view = await graph.entity("annie")
    assert (view.id, view.merged, view.attributes["roles"]) == ("ann", ["annie"], ["a", "b"])
    assert [one.target for one in (await graph.facts("bob")).items] == ["ann"]
    assert [fact.support for fact in (await graph.facts("flat")).items] == [2]
    assert (await graph.entity("annie", as_of=before)).attributes["name"] == "Annie"
    await graph.learn([says("annie", "language", "en")], "me")
    assert (await graph.entity("ann")).attributes["language"] == "en"
    await graph.retract("annie|language", "me")
    await graph.unmerge("ann", "annie", "me")
    assert (await known(graph), await described(graph)) == (facts, lists)
    assert await contested(graph) == clashes
    with pytest.raises(NotFound):
        await graph.unmerge("ann", "annie", "me")
    with pytest.raises(NotFound):
        await graph.merge("ann", "nobody", "me")


async def test_merges_join_and_come_apart_in_any_order(graph: Graph) -> None:
    for id_ in "abcd":
        await graph.learn([says(id_, "tag", id_, single=False)], "me")
    alone = await known(graph)
    for kept, other in ("ab", "cd", "ac"):
        await graph.merge(kept, other, "me")
    assert (await graph.entity("d")).merged == ["b", "c", "d"]
    await graph.unmerge("a", "c", "me")
    assert (await graph.entity("d")).attributes == {"tag": ["c", "d"]}
    await graph.unmerge("a", "b", "me")
    await graph.unmerge("c", "d", "me")
    assert await known(graph) == alone


async def write(graph: Graph, collections: Collections, *changes: tuple[str, bytes | None]) -> None:
    rows = [Change(1, "op", None, "restore", "graph", key, after) for key, after in changes]

    def steps():  # type: ignore[no-untyped-def]
        yield from collections.lock([("graph", key) for key, _ in changes])
        return (yield from collections.write(rows))

    await graph.store.transact(steps)


async def test_a_slot_restored_in_the_ledger_restores_its_facts(store: Store) -> None:
    collections = Collections()
    graph = Graph(store, collections, ticking())
    long = "x%|" * 300
    await graph.learn([says("ann", "age", 30), says("ann", "KNOWS", to="bob")], "me")
    await graph.learn([says(long, "tag", 1, single=False, event=3)], "me")
    slots, facts, lists = await values(graph), await known(graph), await described(graph)
    await graph.learn([says("ann", "age", 31, said=2), says("eve", "age", 1)], "me")
    await graph.merge("ann", "bob", "me")
    await graph.retract(3, "me")
    later = await values(graph)
    changed = {key for key in slots.keys() | later.keys() if slots.get(key) != later.get(key)}
    assert len(changed) == 4
    await write(graph, collections, *((key, slots.get(key)) for key in sorted(changed)))
    assert await known(graph) == facts
    assert [row for row in await described(graph) if row[0] != "eve"] == lists
    assert await contested(graph) == []
    await write(graph, collections, *((key, None) for key in slots))
    assert await known(graph) == []


async def test_tables_that_drift_from_the_ledger_are_found(graph: Graph) -> None:
    await graph.learn([says("ann", "age", 30), says("ann", "KNOWS", to="bob")], "me")
    await graph.learn([says("bob", "tag", 1, single=False), says("eve", "age", 9)], "me")
    await graph.merge("ann", "eve", "me")
    slots = await values(graph)
    assert await graph.collection.verify(slots) == []
    assert await graph.collection.verify({"eve|age": None}) == ["eve|age"]
    assert await graph.collection.verify({"ann|=|eve": None}) == ["ann|=|eve"]
    assert await graph.collection.verify({"x|=|y": None, "x|age": None}) == []
    rows = await graph.store.select("SELECT number FROM graph_facts WHERE predicate = 'KNOWS'")
    await graph.store.change("graph_facts_forget", rows)
    assert await graph.collection.verify(slots) == ["ann|KNOWS|>bob"]
    assert graph.collection.entities("a%7Cb|KNOWS|>bob") == ("a|b", "bob")


async def test_what_is_no_slot_is_not_restored(store: Store) -> None:
    collections = Collections()
    graph = Graph(store, collections, ticking())
    await graph.learn([says("ann", "age", 30)], "me")
    value = (await values(graph))["ann|age"]
    for key, after in (("bob|age", value), ("ann|age", b"{}"), ("ann|age", b"[1")):
        with pytest.raises(InvalidInput):
            await write(graph, collections, (key, after))
    assert len(await store.changes()) == 1


async def test_learners_at_once_lose_nothing(place: Place) -> None:
    """Eight writers say the same things about the same entities, in orders of their own."""
    stores = [place.store()]
    if place.engine == "postgres":
        stores.append(place.store())
    for store in stores:
        await store.open()
    graphs = [Graph(store, Collections(), ticking()) for store in stores]

    async def writer(name: int) -> None:
        graph = graphs[name % len(graphs)]
        for turn in range(6):
            about = [f"e{(turn * 3 + step * (name + 1)) % 11}" for step in range(8)]
            said = [says(id_, "seen", True, event=name * 100 + turn) for id_ in about]
            said += [says(id_, "KNOWS", to=f"e{turn}", event=name) for id_ in about]
            await graph.learn(said, f"writer {name}")

    await asyncio.gather(*(writer(name) for name in range(8)))
    again = Graph(stores[0], Collections(), ticking())
    for name in range(8):
        for turn in range(6):
            about = [f"e{(turn * 3 + step * (name + 1)) % 11}" for step in range(8)]
            said = [says(id_, "seen", True, event=name * 100 + turn) for id_ in about]
            said += [says(id_, "KNOWS", to=f"e{turn}", event=name) for id_ in about]
            assert (await again.learn(said, "again")).position == 0
    slots = await values(again)
    for fact in await known(again):
        key = f"{fact[0]}|{fact[1]}" + (f"|>{fact[3]}" if fact[3] else "")
        assert fact[-1] == slots[key].count(b'"said"')
    assert len(await described(again)) == len({row[0] for row in await described(again)})
    for store in stores:
        await store.close()


async def test_a_unit_learns_with_its_commit(graph: Graph) -> None:

    said = [says("ann", "age", 30), says("ann", "KNOWS", to="bob")]
    unit = Unit(session=0, at=1, learned=tuple(learned(one, 1, "engine") for one in said))
    (outcome,) = await graph.store.commit(
        WriteSet(units=[unit], learner=GraphLearner(graph.collection))
    )
    assert outcome.verdict is Verdict.COMMITTED
    assert [fact[1] for fact in await known(graph)] == ["KNOWS", "age"]


@pytest.mark.parametrize(
    "id_",
    ["|", "%", "a|=|b", "%7C", "%~", "=", "x|#00", "|>", "i" * 1024, "%" * 1024, "🙂" * 512, "ı"],
)
async def test_hostile_ids_are_ids_like_others(graph: Graph, id_: str) -> None:
    await graph.learn([says(id_, "name", "N", event=3), says(id_, "KNOWS", to=id_)], "me")
    await graph.learn([says("other", "KNOWS", to=id_), says(id_, "tag", id_, single=False)], "me")
    view = await graph.entity(id_)
    assert (view.id, view.attributes) == (id_, {"name": "N", "tag": [id_]})
    assert [fact.target for fact in (await graph.facts("other")).items] == [id_]
    await graph.merge("other", id_, "me")
    assert (await graph.entity(id_)).id == "other"
    await graph.unmerge("other", id_, "me")
    await graph.retract(3, "me")
    assert (await graph.entity(id_)).attributes == {"tag": [id_]}
    assert max(map(len, await values(graph))) <= 2048


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        (says("", "p", 1), "subject"),
        (says("a" * 1025, "p", 1), "subject"),
        (says("🙂" * 600, "p", 1), "subject"),
        (says("a\0", "p", 1), "subject"),
        (says("a", "=", 1), "predicate"),
        (says("a", "p", 1, to="b"), "value"),
        (says("a", "p", float("nan")), "value"),
        (says("a", "p", "x" * 500_000), "value"),
        (says("a", "p", 1, since=2, until=2), "valid_to"),
        (says("a", "p", 1, sure=1.5), "evidence.confidence"),
    ],
)
async def test_bad_input_changes_nothing(graph: Graph, statement, field: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInput) as caught:
        await graph.learn([says("b", "p", 1), statement], "me")
    assert caught.value.field == field
    assert await graph.store.changes() == []


async def test_lists_are_paged(graph: Graph) -> None:
    for number in range(5):
        await tell(graph, Entity(f"p{number}", "person", {"name": f"N{number}"}), "me")
    seen, cursor = [], ""
    while cursor is not None:
        page = await graph.entities("person", cursor=cursor, limit=2)
        seen += [node.id for node in page.items]
        cursor = page.next
    assert seen == [f"p{number}" for number in range(5)]
    assert [node.name for node in (await graph.entities(prefix="N3")).items] == ["N3"]
    assert (await graph.entities(prefix="p%")).items == []
    facts = await graph.facts(predicate="name", limit=3)
    rest = await graph.facts(predicate="name", cursor=facts.next or "", limit=3)
    assert len(facts.items + rest.items) == 5
    with pytest.raises(InvalidInput):
        await graph.entities(limit=0)


async def test_a_time_of_ours_is_a_position(graph: Graph) -> None:
    clock = ticking()
    graph = Graph(graph.store, Collections(), lambda: next_at[0])
    next_at = [clock()]
    await graph.learn([says("ann", "age", 30, since=1)], "me")
    between = next_at[0] + 5
    next_at[0] += 10
    await graph.learn([says("ann", "age", 31, since=2)], "me")
    assert (await graph.entity("ann", as_of=between)).attributes == {"age": 30}
    assert (await graph.entity("ann", as_of=between + 10)).attributes == {"age": 31}
    with pytest.raises(NotFound):
        await graph.entity("ann", as_of=between - 100)


async def test_hygiene_counts_what_was_repeated_and_refused_and_is_old(graph: Graph) -> None:
    await graph.learn([says("ann", "age", 30), says("bob", "age", 3, since=1, until=2)], "me")
    await graph.learn([says("ann", "age", 30)], "me")
    await graph.store.change("counter_add", [("graph_refused", 1)])
    found = await graph.hygiene()
    assert (found.offered, found.repeated, found.refused) == (4, 1, 1)
    assert (found.junk_rate, found.duplicate_rate, found.stale_rate) == (0.25, 1 / 3, 0.5)
    statistics = await graph.statistics()
    assert (statistics.facts, statistics.relationships, statistics.closed) == (2, 0, 0)


async def test_around_seeds_is_what_lay_there_at_a_moment(graph: Graph) -> None:
    chain = ["a", "b", "c", "d"]
    for one, next_ in pairwise(chain):
        await graph.learn([says(one, "KNOWS", to=next_)], "me")
    then = await head(graph.store)
    await graph.retract("a|KNOWS|>b", "me")
    assert [node.id for node in (await graph.around(["a"], 2, then)).nodes] == ["a", "b", "c"]
    assert [node.id for node in (await graph.around(["a"], 2)).nodes] == ["a"]
    assert [node.id for node in (await graph.around(["d", "a"], 1)).nodes] == ["a", "c", "d"]
    await graph.merge("d", "a", "me")
    assert [node.id for node in (await graph.around(["a"], 0)).nodes] == ["d"]
    assert [node.id for node in (await graph.around(["a"], 1, then)).nodes] == ["a", "b"]
    with pytest.raises(NotFound):
        await graph.around(["nobody"], 1)
    for wrong in ({"seeds": [], "hops": 1}, {"seeds": ["a"], "hops": 6}):
        with pytest.raises(InvalidInput):
            await graph.around(**wrong)  # type: ignore[arg-type]


async def test_pruning_keeps_what_a_live_point_shows(graph: Graph) -> None:
    points, positions = Points(graph.store), []
    for number in range(4):
        await graph.learn([says("ann", "age", number, said=number)], "me")
        positions.append(await head(graph.store))
        if number == 1:
            point = await points.create(NewPoint(name="then"), "me")
    snapshot = await known(graph, positions[1])
    now = await known(graph)
    assert await graph.prune_history(positions[3]) == 2
    assert await known(graph, positions[1]) == snapshot
    assert await known(graph) == now
    assert await known(graph, positions[0]) == []
    await points.delete(point.id)
    assert await graph.prune_history(positions[3]) == 1


async def test_a_full_slot_lets_repeats_go_first(graph: Graph) -> None:
    old = says("ann", "mood", "sad", said=0, since=1)
    said = [says("ann", "mood", "glad", said=number, since=5) for number in range(1, 300)]
    await graph.learn([old, *said], "me")
    assert len((await values(graph))["ann|mood"].split(b'"said"')) == MAX_ASSERTIONS + 1
    facts = (await graph.facts("ann", "mood")).items
    assert [(fact.value, fact.valid_from) for fact in facts] == [("sad", 1), ("glad", 5)]
    assert (await graph.learn(said[-3:], "me")).repeated == 3


async def test_of_too_many_different_assertions_the_oldest_are_gone_for_good(graph: Graph) -> None:
    said = [says("ann", "seen", n, said=n, since=n) for n in range(MAX_ASSERTIONS + 1)]
    await graph.learn(said[:-1], "me")
    before = await head(graph.store)
    await graph.learn(said[-1:], "me")
    assert 0 not in [fact.value for fact in (await graph.facts("ann", "seen", limit=1000)).items]
    past = await graph.facts("ann", "seen", as_of=before, limit=1000)
    assert 0 in [fact.value for fact in past.items]
    await graph.retract("ann|seen", "me")
    assert (await graph.facts("ann", "seen")).items == []
