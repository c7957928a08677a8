"""What a context needs of the graph, read in one go, is what asking one by one gives."""

from __future__ import annotations

from colloquy.graph.briefing import Briefing, brief
from colloquy.graph.graph import Graph
from colloquy.graph.kinds import Entity
from colloquy.graph.search.index import Indexer
from support.graphs import says, tell

NOW = 1_800_000_000_000_000


async def asked(graph: Graph, text: str = "", now: int = NOW) -> Briefing:
    return await brief(graph.store, "ann", text, now, promises=2, named=3)


async def test_of_somebody_unknown_nothing_is_known(graph: Graph) -> None:
    assert await asked(graph, "hello") == Briefing(None, [], [])


async def test_the_person_is_as_they_are_now(graph: Graph) -> None:
    await tell(graph, Entity("ann", "person", {"name": "Ann", "roles": ["owner", "buyer"]}), "me")
    await graph.learn([says("ann", "mood", "sad", since=NOW - 9, until=NOW - 5)], "me")
    await graph.learn([says("ann", "guest", "Ben", since=NOW - 9, until=NOW + 5)], "me")
    person = (await asked(graph)).person
    assert person is not None
    expected = (await graph.entity("ann", at=NOW)).attributes
    assert person.attributes == expected
    assert "mood" not in expected
    assert person.until == {"guest": NOW + 5}
    later = (await asked(graph, now=NOW + 6)).person
    assert later is not None and "guest" not in later.attributes


async def test_promises_come_in_their_order_and_with_their_end(graph: Graph) -> None:
    await tell(graph, Entity("ann", "person", {"name": "Ann"}), "me")
    for number in range(3):
        await graph.learn(
            [
                says(f"p{number}", "text", f"promise {number}"),
                says(f"p{number}", "PROMISED_TO", to="ann", until=NOW + 9 if number == 1 else None),
            ],
            "me",
        )
    found = (await asked(graph)).promises
    assert [(one.told.id, one.told.attributes["text"], one.until) for one in found] == [
        ("p0", "promise 0", None),
        ("p1", "promise 1", NOW + 9),
    ]
    assert [one.told.id for one in (await asked(graph, now=NOW + 10)).promises] == ["p0", "p2"]


async def test_who_was_merged_is_who_stands_for_them(graph: Graph) -> None:
    await tell(graph, Entity("anna", "person", {"name": "Anna"}), "me")
    await tell(graph, Entity("ann", "person", {"language": "da"}), "me")
    await graph.learn([says("p", "text", "a key"), says("p", "PROMISED_TO", to="ann")], "me")
    await graph.merge("anna", "ann", "me")
    found = await asked(graph)
    assert found.person is not None
    assert found.person.id == "anna"
    assert found.person.attributes == (await graph.entity("ann", at=NOW)).attributes
    assert [one.told.id for one in found.promises] == ["p"]


async def test_what_a_text_names_is_found_and_not_the_person(graph: Graph) -> None:
    for id_, name in (("ann", "Ann Lee"), ("ben", "Ben Harbour"), ("eve", "Eve Harbour")):
        await tell(graph, Entity(id_, "person", {"name": name}), "me")
    await Indexer(graph.store).run_once()
    found = await asked(graph, "Is Harbour here, asks Ann Lee?")
    assert sorted(one.id for one in found.named) == ["ben", "eve"]
    assert {one.name for one in found.named} == {"Ben Harbour", "Eve Harbour"}
    assert (await asked(graph, "??")).named == []
