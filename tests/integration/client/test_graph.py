"""Both clients on `/v2/graph`: lists, times and ids of all kinds travel; pages are gone through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from colloquy.client import AsyncClient, Client
from colloquy.model.checkpoints import CheckpointRequest
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.graph import (
    EntityRequest,
    ImpactRequest,
    LearnRequest,
    MergeRequest,
    NewEntity,
    NewFact,
    NewRelationship,
    PathRequest,
    RelationshipFilter,
    RetractionRequest,
    TraversalRequest,
)
from support.server import Server

ODD = "a/b|c%2F?&#+ \N{OTTER}"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def client(own_server: Server) -> Iterator[Client]:
    with Client(own_server.url, own_server.key()) as client:
        yield client


def taught(client: Client) -> None:
    client.learn(
        LearnRequest(
            entities=(
                NewEntity(id="ann", kind="person", attributes={"name": "Ann"}),
                NewEntity(id=ODD, kind="product", attributes={"name": "Odd flat"}),
            ),
            relationships=(
                NewRelationship(source="ann", type="INTERESTED_IN", target=ODD, valid_from=SINCE),
            ),
            facts=(NewFact(subject=ODD, predicate="price", value=7, valid_from=SINCE),),
        )
    )


def test_everything_that_is_known_can_be_asked_for(client: Client) -> None:
    taught(client)
    assert sorted(one.id for one in client.entities(limit=1)) == [ODD, "ann"]
    assert client.entity(ODD).attributes["price"] == 7
    assert "price" not in client.entity(ODD, valid_at=datetime(2025, 1, 1, tzinfo=UTC)).attributes
    with pytest.raises(NotFound):
        client.entity(ODD, as_of=SINCE)
    facts = list(client.facts(ODD, limit=1))
    assert {fact.predicate for fact in facts} == {"type", "name", "price"}
    (price,) = [fact for fact in facts if fact.predicate == "price"]
    assert isinstance(price.value, msgspec.Raw) and bytes(price.value) == b"7"
    assert price.assertions[0].key.endswith("|price")
    assert len(list(client.timeline(ODD, "price"))) == 1
    changes = list(client.graph_changes(id=ODD, limit=2))
    assert len(changes) == 3
    assert list(client.graph_changes(changes[-1].position, id=ODD)) == []
    assert list(client.contradictions()) == []
    figures = client.graph_statistics()
    assert (figures.entities, figures.vectors) == ({"person": 1, "product": 1}, "exact")
    assert client.graph_search_page("odd", "text", ["product", "place"]).mode == "text"
    assert list(client.graph_search("nothing like it", "text")) == []


def test_relationships_can_be_followed(client: Client) -> None:
    taught(client)
    near = client.neighbours("ann", 2, ["INTERESTED_IN", "KNOWS"], "outgoing")
    assert [one.id for one in near.entities] == ["ann", ODD]
    assert client.neighbours("ann", type=["KNOWS"]).relationships == []
    (walked,) = client.traverse(TraversalRequest(start="ann", kinds=("product",))).entities
    assert walked.id == ODD
    (path,) = client.paths(PathRequest(start=ODD, end="ann")).paths
    assert path.entities == [ODD, "ann"]
    assert client.impact(ImpactRequest(entity=ODD)).total == 1
    for wanted, count in (
        (RelationshipFilter(source=("ann", "nobody"), target=(ODD,), valid_since=SINCE), 1),
        (RelationshipFilter(target_kind=("product",), target_attribute=("name:Odd flat",)), 1),
        (RelationshipFilter(valid_until=SINCE), 0),
        (RelationshipFilter(confidence_min=1.0), 0),
    ):
        assert len(list(client.relationships(wanted))) == count, wanted
    with pytest.raises(InvalidInput) as raised:
        client.relationship_page(RelationshipFilter(where=("shoeSize:3",)))
    assert raised.value.field == "where"


def test_what_was_taught_can_be_taken_back(client: Client) -> None:
    taught(client)
    before = client.entity("ann")
    client.put_entity("annie", EntityRequest(kind="person", attributes={"language": "de"}))
    client.merge_entities(MergeRequest(kept="ann", other="annie"))
    assert client.entity("annie").id == "ann"
    assert client.unmerge_entities("ann", "annie", "not her") is not None
    assert client.entity("ann") == before
    (fact,) = client.facts("ann", "INTERESTED_IN")
    assert client.retract(RetractionRequest(fact=fact.number)).closed == 1
    with pytest.raises(NotFound):
        client.unmerge_entities("ann", "annie")


async def test_the_awaited_client_has_the_same_methods(own_server: Server) -> None:
    async with AsyncClient(own_server.url, own_server.key()) as client:
        request = EntityRequest(kind="topic", attributes={"name": "Quays"})
        assert (await client.put_entity(ODD, request)).id == ODD
        assert [one.id async for one in client.entities("topic")] == [ODD]


def test_checkpoints_travel(client: Client) -> None:
    taught(client)
    made = [client.create_checkpoint(CheckpointRequest(seeds=(ODD,))) for _ in range(2)]
    assert list(client.checkpoints(limit=1)) == made[::-1]
    first = client.checkpoint(made[0].id, limit=1)
    rest = client.checkpoint(made[0].id, first.next, limit=1)
    assert {one.id for one in first.entities + rest.entities} == {"ann", ODD}
    with pytest.raises(NotFound):
        client.create_checkpoint(CheckpointRequest(seeds=("nobody",)))
