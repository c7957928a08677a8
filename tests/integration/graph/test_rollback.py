"""A rollback of knowledge by the ledger's executor: facts, tables and search follow."""

from __future__ import annotations

from colloquy.graph.graph import Graph
from colloquy.graph.kinds import Entity
from colloquy.graph.relationships import Relationship
from colloquy.graph.statements import Assertion
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.scope import Scope
from colloquy.model.times import now_us
from colloquy.storage.store import Store
from support.graphs import tell
from support.ledger import ledger_on, rolled_back


def graph_on(store: Store) -> tuple[Graph, Ledger]:
    ledger = ledger_on(store)
    return Graph(store, ledger.collections, now_us), ledger


async def known(graph: Graph) -> set[tuple[str, str, str]]:
    """What is known now, without numbers and positions."""
    page = await graph.facts(limit=500)
    assert page.next is None
    return {(fact.subject, fact.predicate, str(fact.target or fact.value)) for fact in page.items}


async def test_facts_come_back_and_younger_ones_go(store: Store) -> None:
    graph, ledger = graph_on(store)
    await tell(graph, Entity("ann", "person", {"name": "Ann"}), "setup")
    await tell(graph, Entity("flat", "product", {"name": "Flat 12"}), "setup")
    edge = Relationship(from_id="ann", to_id="flat", type="INTERESTED_IN")
    await tell(graph, edge, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "op")
    before = await known(graph)

    statement = Assertion(subject="ann", predicate="name", value="Anna", learned=now_us())
    await graph.learn([statement], "import")
    await tell(graph, Entity("ben", "person", {"name": "Ben"}), "import")
    for fact in (await graph.facts(limit=500)).items:
        if fact.target == "flat" or (fact.subject, fact.predicate) == ("flat", "type"):
            await graph.retract(fact, "import")
    await graph.merge("ann", "ben", "import")
    changed = await known(graph)
    assert changed != before

    done = await rolled_back(ledger, Request(point=point.id, strategy="safe"), "op")
    assert (done.status, done.error) == ("completed", None)
    assert await known(graph) == before
    undone = await rolled_back(ledger, Request(undo=done.id, strategy="safe"), "op")
    assert (undone.status, undone.error) == ("completed", None)
    assert await known(graph) == changed


async def test_one_import_is_taken_out_and_what_others_said_stays(store: Store) -> None:
    graph, ledger = graph_on(store)
    await tell(graph, Entity("flat", "product", {"name": "Flat 12"}), "setup")
    await tell(graph, Entity("x", "place", {"name": "Xanten"}), "import")
    await tell(graph, Entity("y", "place", {"name": "York"}), "ben")
    scope = Scope(actors=("import",), collections=("graph",))
    done = await rolled_back(ledger, Request(position=0, scope=scope), "op")
    assert (done.status, done.error) == ("completed", None)
    assert {subject for subject, *_ in await known(graph)} == {"flat", "y"}


async def test_an_edge_to_what_never_had_a_kind_can_be_restored(store: Store) -> None:
    graph, ledger = graph_on(store)
    edge = Assertion(
        subject="a", predicate="INTERESTED_IN", target="b", learned=now_us(), single=False
    )
    await graph.learn([edge], "setup")
    point = await ledger.create_point(NewPoint(name="before"), "op")
    (fact,) = (await graph.facts(limit=10)).items
    await graph.retract(fact, "ben")
    assert await known(graph) == set()
    done = await rolled_back(ledger, Request(point=point.id), "op")
    assert (done.status, done.error) == ("completed", None)
    assert await known(graph) == {("a", "INTERESTED_IN", "b")}
