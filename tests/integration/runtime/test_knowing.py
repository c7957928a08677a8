"""Names of the graph in the dictionary of understanding, while the engine runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.graph.evidence import Evidence
from colloquy.graph.graph import Graph
from colloquy.graph.kinds import Entity
from colloquy.graph.statements import Assertion
from colloquy.ledger.collections import Collections
from colloquy.model.times import now_us
from colloquy.packs import PROPERTY_PACK
from colloquy.runtime.knowing import Knowing
from colloquy.settings import GraphSettings
from colloquy.storage.store import Store
from colloquy.understanding.entities.dictionary import Entry
from colloquy.understanding.entities.names import NamesFile
from colloquy.understanding.packs.folder import load_pack
from support.engine import Talk, running
from support.graphs import tell as teach

LOFT = Entity("flat-12", "product", {"name": "Riverside Loft", "aliases": ["the Quay House"]})


def app() -> Colloquy:
    app = Colloquy(pack="property")

    @app.on_message
    def tell(turn: Turn) -> str:
        found = turn.understanding.entity("product")
        return f"product={found.value}" if found is not None else "nothing"

    return app


async def answered(talk: Talk, text: str, answer: str) -> None:
    """Asks until the answer is this one: names come some moments after they are learned."""
    async with asyncio.timeout(30):
        while await talk.send(text) != [answer]:
            pass


@pytest.mark.parametrize("workers", ["0", "1"])
async def test_a_product_that_is_learned_is_recognised_in_the_next_messages(
    tmp_path: Path, workers: str
) -> None:
    overrides = {"workers": workers, "graph__names_poll_s": "0.02"}
    async with running(app(), tmp_path / "a.db", **overrides) as talk:
        assert await talk.send("is the Riverside Loft free?") == ["nothing"]
        await teach(talk.runtime.graph, LOFT, "operator", now_us())
        await answered(talk, "is the riverside loft free?", "product=flat-12")
        assert await talk.send("tell me about the Quay House") == ["product=flat-12"]
        talks = await talk.runtime.graph.facts(f"person:{talk.conversation_id()}", "TALKED_ABOUT")
        assert "flat-12" in {fact.target for fact in talks.items}
        about = await talk.runtime.graph.entity("flat-12")
        assert about.attributes["name"] == "Riverside Loft"
    async with running(app(), tmp_path / "a.db", **overrides) as talk:
        # From the first message on: the file is still there.
        assert await talk.send("the Riverside Loft?", "bob") == ["product=flat-12"]


async def test_what_is_taken_back_is_not_recognised_any_more(tmp_path: Path) -> None:
    async with running(app(), tmp_path / "a.db", graph__names_poll_s="0.02") as talk:
        await teach(talk.runtime.graph, LOFT, "operator", now_us())
        await answered(talk, "the Riverside Loft", "product=flat-12")
        await talk.runtime.graph.retract("flat-12|name", "operator")
        await answered(talk, "the Riverside Loft", "nothing")
        assert await talk.send("the Quay House") == ["product=flat-12"]


class Reader:
    """A `Knowing` of one store, its file, and what it told."""

    def __init__(self, store: Store, file: Path, **settings: Any) -> None:
        self.file = file
        self.ids: frozenset[str] = frozenset()
        self.knowing = Knowing(
            store, GraphSettings(**settings), file, load_pack(PROPERTY_PACK), self._tell, now_us
        )

    def _tell(self, ids: frozenset[str]) -> None:
        self.ids = ids

    async def read(self) -> list[Entry]:
        while await self.knowing.step():
            pass
        return NamesFile(self.file).read()


@pytest.fixture
def learn(store: Store) -> Callable[..., Any]:

    graph = Graph(store, Collections(), now_us)

    async def learn(id_: str, kind: str, **attributes: Any) -> None:
        await teach(graph, Entity(id_, kind, attributes), "operator", now_us())

    return learn


async def test_kinds_people_of_the_staff_and_names_that_mean_something(
    store: Store, tmp_path: Path, learn: Callable[..., Any]
) -> None:
    await learn("p1", "person", name="Maria Lopez", roles=["staff"])
    await learn("p2", "person", name="Anna Schmidt")
    await learn("t1", "topic", name="Heating")
    await learn("x1", "product", name="the other")
    await learn("x2", "product", name="12")
    await learn("x3", "product", name="Apartment")  # the pack finds it by itself
    await learn("o1", "organisation", name="Acme Homes")
    entries = await Reader(store, tmp_path / "names").read()
    assert {(entry.label, entry.value, *entry.phrases) for entry in entries} == {
        ("person", "p1", "Maria Lopez"),
        ("organisation", "o1", "Acme Homes"),
    }


async def test_the_newest_are_kept_and_a_change_moves_one_to_the_front(
    store: Store, tmp_path: Path, learn: Callable[..., Any]
) -> None:
    for number in range(4):
        await learn(f"flat-{number}", "product", name=f"Loft number {number}")
    reader = Reader(store, tmp_path / "names", names_limit=2)
    assert [entry.value for entry in await reader.read()] == ["flat-2", "flat-3"]
    await learn("flat-0", "product", name="Corner house")
    assert [entry.value for entry in await reader.read()] == ["flat-3", "flat-0"]
    assert reader.ids >= {"flat-3", "flat-0"}


async def test_a_doubtful_name_is_not_looked_for(store: Store, tmp_path: Path) -> None:

    graph = Graph(store, Collections(), now_us)

    async def said(confidence: float, event: int) -> None:
        await graph.learn(
            [
                Assertion(
                    subject="place:quay", predicate=predicate, value=value, learned=event,
                    evidence=Evidence("message", confidence=confidence, event=event),
                )
                for predicate, value in (("type", "place"), ("name", "Old Quay"))
            ],
            "engine",
        )  # fmt: skip

    reader = Reader(store, tmp_path / "names", names_confidence=0.8)
    await said(0.6, 1)
    assert await reader.read() == []
    await said(0.6, 2)
    assert [entry.value for entry in await reader.read()] == ["place:quay"]


async def test_one_name_stands_for_two_that_were_merged(store: Store, tmp_path: Path) -> None:

    graph = Graph(store, Collections(), now_us)
    for id_ in ("a", "b"):
        await teach(graph, Entity(id_, "product", {"name": f"Loft {id_} house"}), "x", now_us())
    reader = Reader(store, tmp_path / "names")
    assert len(await reader.read()) == 2
    await graph.merge("a", "b", "operator")
    assert [entry.value for entry in await reader.read()] == ["a"]
    await graph.unmerge("a", "b", "operator")
    assert {entry.value for entry in await reader.read()} == {"a", "b"}
