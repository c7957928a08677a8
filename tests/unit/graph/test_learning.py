from typing import Any

import pytest

from colloquy.graph.evidence import Evidence
from colloquy.graph.facts import settle
from colloquy.graph.ids import relationship_id
from colloquy.graph.kinds import Entity, check_entity
from colloquy.graph.learning import entity_from, of_entity, of_relationship
from colloquy.graph.relationships import Relationship
from colloquy.graph.statements import Retraction
from colloquy.model.errors import InvalidInput

FLAT = Entity(
    "flat",
    "product",
    {"name": "Flat 12", "category": "property", "features": ["lift", "sea view"], "ours": [1]},
)
FILE = {
    "path": "a.ts", "hash": "h", "language": "ts", "lastModified": "2026-01-01T00:00:00Z",
    "created": "2026-01-01T00:00:00Z", "extension": ".ts", "size": 1, "lines": 1, "isTest": False,
    "isConfig": False, "dependencies": [],
}  # fmt: skip


STORED = {key: FILE[key] for key in ("path", "hash", "language", "lastModified", "created")}
CLASS = {
    **STORED, "name": "C", "kind": "class", "signature": "class C", "docstring": "",
    "visibility": "public", "isExported": True, "isDeprecated": False, "extends": [],
    "implements": [], "methods": [], "properties": ["a", "b"], "isAbstract": False,
}  # fmt: skip


@pytest.mark.parametrize(
    "entity",
    [FLAT, Entity("f", "file", FILE), Entity("p", "person"), Entity("c", "symbol", CLASS)],
)
def test_an_entity_comes_back_from_its_facts(entity: Entity) -> None:
    facts = settle(of_entity(entity, 1)).facts
    assert entity_from(entity.id, facts) == check_entity(entity)
    assert entity_from("another", facts) is None


def test_sets_grow_and_single_values_change() -> None:
    later = Entity("flat", "product", {"name": "Flat 12a", "features": ["balcony"]})
    said = [*of_entity(FLAT, 1, valid_from=10), *of_entity(later, 2, valid_from=20)]
    facts = settle(said).facts

    def at(time: int) -> dict[str, Any]:
        entity = entity_from("flat", facts, time)
        assert entity is not None
        return entity.attributes

    assert entity_from("flat", facts, 9) is None
    assert (at(10)["name"], at(10)["features"]) == ("Flat 12", ["lift", "sea view"])
    assert (at(20)["name"], at(20)["features"]) == ("Flat 12a", ["balcony", "lift", "sea view"])
    assert entity_from("flat", facts) == entity_from("flat", facts, 20)


def test_one_attribute_is_taken_back_alone() -> None:
    said = of_entity(FLAT, 1)
    sea = next(one for one in said if one.value == "sea view")
    left = entity_from("flat", settle([*said, Retraction(statement=sea.id, learned=2)]).facts)
    assert left is not None
    assert left.attributes == {**FLAT.attributes, "features": ["lift"]}


def test_a_relationship_is_a_fact_and_its_attributes_are_facts_about_it() -> None:
    heard = Evidence("message", 0.5, event=7)
    first = Relationship("flat", "p1", "PRICED_AT", {"role": "asked"})
    second = Relationship("flat", "p2", "PRICED_AT")
    said = [
        *of_relationship(first, 1, valid_from=10, evidence=heard),
        *of_relationship(second, 2, valid_from=20),
    ]
    facts = settle(said).facts
    prices = [fact for fact in facts if fact.predicate == "PRICED_AT"]
    assert [(one.target, one.valid_from, one.valid_to, one.confidence) for one in prices] == [
        ("p1", 10, 20, 0.5), ("p2", 20, None, 0.5),
    ]  # fmt: skip
    (role,) = [fact for fact in facts if fact.predicate == "role"]
    assert (role.subject, role.value) == (relationship_id(first.wire()), "asked")
    assert entity_from("flat", facts) is None, "a price alone does not say what it is the price of"


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        of_entity(Entity("flat", "product", {"name": 12}), 1)
    assert caught.value.field == "name"
    with pytest.raises(InvalidInput) as caught:
        of_entity(FLAT, -1)
    assert caught.value.field == "learned"
    with pytest.raises(InvalidInput) as caught:
        of_relationship(Relationship("a", "b", "LIKES"), 1)
    assert caught.value.field == "type"
