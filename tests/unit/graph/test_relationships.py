from typing import Any

import pytest

from colloquy.graph import relationships
from colloquy.graph.kinds import SHAPES as KINDS
from colloquy.graph.relationships import (
    CONVERSATION,
    JOINS,
    SHAPES,
    SINGLE_VALUED,
    Relationship,
    check_ends,
    check_relationship,
    read_relationship,
)
from colloquy.model.errors import InvalidInput

DAY = "2026-01-01T00:00:00Z"
NEEDED: dict[str, dict[str, Any]] = {
    **{name: {"metricId": "p95"} for name in relationships.PERFORMANCE},
    **{
        name: {"sessionId": "S", "timestamp": DAY, "sequenceNumber": 1}
        for name in relationships.SESSION
    },
}


def test_all_47_types_and_our_own_are_there() -> None:
    assert len(SHAPES) == 47 + len(CONVERSATION)
    assert {*JOINS, *SINGLE_VALUED} <= set(SHAPES)
    assert all(ends <= set(KINDS) for pair in JOINS.values() for ends in pair)


@pytest.mark.parametrize("type_", sorted(SHAPES))
def test_a_relationship_travels_there_and_back(type_: str) -> None:
    wire = {"fromEntityId": "a", "toEntityId": "b", "type": type_, **NEEDED.get(type_, {}), "x": 1}
    relationship = read_relationship({**wire, "id": "r", "metadata": {"y": 2}})
    assert relationship.attributes["x"] == 1
    assert read_relationship(relationship.wire()) == relationship
    assert check_relationship(relationship) == relationship


def test_an_older_name_is_resolved() -> None:
    wire = {"fromEntityId": "a", "toEntityId": "b", "type": "USES"}
    assert read_relationship(wire).type == "TYPE_USES"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "LIKES"}, "type"),
        ({"type": None}, "type"),
        ({"toEntityId": ""}, "toEntityId"),
        ({"fromEntityId": 5}, "fromEntityId"),
        ({"confidence": 1.5}, "confidence"),
        ({"evidence": [{"source": "guess"}]}, "evidence[0].source"),
        ({"location": {"line": -1}}, "location.line"),
        ({"to_ref_kind": 1}, "to_ref_kind"),
        ({"type": "PERFORMANCE_IMPACT"}, "metricId"),
        ({"type": "BROKE_IN", "sessionId": "s", "timestamp": DAY}, "sequenceNumber"),
        (
            {"type": "BROKE_IN", **NEEDED["BROKE_IN"], "stateTransition": {"from": "ok"}},
            "stateTransition.from",
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_relationship({"fromEntityId": "a", "toEntityId": "b", "type": "CALLS", **change})
    assert caught.value.field == field


def test_its_ends_are_no_attributes() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_relationship(Relationship("a", "b", "CALLS", {"toEntityId": "c"}))
    assert caught.value.field == "toEntityId"


def test_it_cannot_end_before_it_begins() -> None:
    wire = {"fromEntityId": "a", "toEntityId": "b", "type": "OWNS", "validFrom": DAY}
    assert read_relationship({**wire, "validTo": None}).attributes == {
        "validFrom": "2026-01-01T00:00:00.000000Z"
    }
    with pytest.raises(InvalidInput, match="before"):
        read_relationship({**wire, "validTo": "2025-12-31T23:00:00Z"})


def test_which_kinds_a_type_joins() -> None:
    check_ends("PRICED_AT", "product", "price")
    check_ends("CALLS", "symbol", "symbol")
    check_ends("CLUSTER_MEMBER", "file", "semanticCluster")
    with pytest.raises(InvalidInput) as caught:
        check_ends("PRICED_AT", "person", "price")
    assert caught.value.field == "fromEntityId" and "product" in caught.value.detail
    with pytest.raises(InvalidInput) as caught:
        check_ends("CLUSTER_MEMBER", "file", "person")
    assert caught.value.field == "toEntityId"
