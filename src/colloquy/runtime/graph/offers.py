"""What somebody says as statements: checked whole, with what is noise told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import structs

from ...graph.confidence import scored
from ...graph.edges import evidence_of, merged, normalised
from ...graph.evidence import Evidence, Location
from ...graph.ids import relationship_id
from ...graph.kinds import SHAPES, Entity, check_attribute, check_entity
from ...graph.learning import of_entity, of_relationship
from ...graph.noise import edge_refusal, entity_refusal
from ...graph.relationships import (
    CODE,
    Relationship,
    check_ends,
    check_relationship,
    read_relationship,
    type_named,
)
from ...graph.slots import entry_of
from ...graph.statements import Assertion
from ...model.errors import InvalidInput
from ...model.graph import (
    EntityRequest,
    EvidenceView,
    LearnRequest,
    NewFact,
    NewRelationship,
    RefusedView,
)
from ...settings.noise import NoiseSettings
from .part import optional_microseconds

_SAYING = {
    "learned": "said", "valid_from": "valid_from", "valid_to": "valid_to", "evidence": "evidence",
}  # fmt: skip
_OF_ENTITY = {**_SAYING, "id": "id", "subject": "id", "type": "kind"}
_OF_RELATIONSHIP = {
    **_SAYING, "fromEntityId": "source", "subject": "source", "type": "type",
    "toEntityId": "target", "target": "target",
}  # fmt: skip
_OF_FACT = {**_SAYING, "subject": "subject", "predicate": "predicate", "value": "value"}
"""What the graph calls a field, and its name in requests; anything else is an attribute."""


class Offer(NamedTuple):
    statements: list[Assertion]
    facts: list[Assertion]
    """Those of the request's `facts`, in its order."""
    refused: list[RefusedView]


class _Edge(NamedTuple):
    made: Relationship
    when: dict[str, Any]


def offer(request: LearnRequest, noise: NoiseSettings, now: int) -> Offer:
    """Raises InvalidInput with index and field (`facts[3].value`)."""
    statements: list[Assertion] = []
    refused: list[RefusedView] = []
    absent: set[str] = set()
    for index, entity in enumerate(request.entities):
        field = f"entities[{index}]"
        made = _at(field, _OF_ENTITY, _of_entity, entity.id, entity, now)
        known = check_entity(Entity(entity.id, entity.kind, entity.attributes))
        reason = entity_refusal(known.type, known.attributes, noise)
        if reason is None:
            statements += made
        else:
            refused.append(RefusedView(field, reason))
            absent.add(entity.id)
    edges: list[_Edge] = []
    for index, one in enumerate(request.relationships):
        field = f"relationships[{index}]"
        edge = _at(field, _OF_RELATIONSHIP, _edge, one, request.older_ids, noise, now)
        if {one.source, one.target} & absent:
            refused.append(RefusedView(field, "end_refused"))
        elif edge.made.type in CODE and (reason := edge_refusal(edge.made.wire(), noise)):
            refused.append(RefusedView(field, reason))
        else:
            edges.append(edge)
    facts = [
        _at(f"facts[{index}]", _OF_FACT, _of_fact, fact, now)
        for index, fact in enumerate(request.facts)
    ]
    return Offer(statements + _of_edges(edges), facts, refused)


def described(id: str, request: EntityRequest, now: int) -> list[Assertion]:
    """What an entity is, whatever it is. Raises InvalidInput with the field."""
    made: list[Assertion] = _at("", _OF_ENTITY, _of_entity, id, request, now)
    return made


def check_joins(relationships: Iterable[NewRelationship], kinds: Mapping[str, str | None]) -> None:
    """Raises InvalidInput where a relationship cannot join ends of these kinds."""
    for index, one in enumerate(relationships):
        source, target = kinds.get(one.source), kinds.get(one.target)
        if source is not None and target is not None:
            field = f"relationships[{index}]"
            _at(field, _OF_RELATIONSHIP, check_ends, one.type, source, target)


def fitting(facts: Iterable[Assertion], kinds: Mapping[str, str | None]) -> list[Assertion]:
    """The facts with values in the normal form of their subject's kind, where that is known.

    Raises InvalidInput where a value is not of the attribute's type.
    """
    return [
        _at(f"facts[{index}]", _OF_FACT, _fitting, fact, kinds.get(fact.subject))
        for index, fact in enumerate(facts)
    ]


def _fitting(fact: Assertion, kind: str | None) -> Assertion:
    if kind not in SHAPES:
        return fact
    try:
        return structs.replace(fact, value=check_attribute(kind, fact.predicate, fact.value))
    except InvalidInput as error:
        raise InvalidInput(error.detail, field="value") from None


def _of_entity(id: str, request: EntityRequest, now: int) -> list[Assertion]:
    made = of_entity(Entity(id, request.kind, request.attributes), **_when(request, now))
    return _checked(made)


def _edge(request: NewRelationship, older_ids: bool, noise: NoiseSettings, now: int) -> _Edge:
    type_ = type_named(request.type)
    made = check_relationship(
        Relationship(request.source, request.target, type_, request.attributes)
    )
    when, edge = _when(request, now), made.wire()
    if type_ in CODE:
        edge = scored(normalised(edge, 1 if older_ids else 2), noise)
    if older_ids:
        given = Relationship(request.source, request.target, request.type, request.attributes)
        edge["olderId"] = relationship_id(given.wire(), 1)
    made = read_relationship(edge)
    if type_ in CODE and when["evidence"] is None:
        when["evidence"] = evidence_of(made.attributes)
    _checked(of_relationship(made, **when))
    return _Edge(made, when)


def _of_edges(edges: Iterable[_Edge]) -> list[Assertion]:
    """Of code edges with one id said at one time, the attributes are merged; each joins its ends
    with its own evidence, so that what two extractors saw is surer."""
    groups: dict[tuple[Any, ...], list[_Edge]] = defaultdict(list)
    for place, edge in enumerate(edges):
        times = (edge.when["learned"], edge.when["valid_from"], edge.when["valid_to"])
        id_ = relationship_id(edge.made.wire()) if edge.made.type in CODE else place
        groups[(id_, *times)].append(edge)
    statements: list[Assertion] = []
    for same in groups.values():
        attributes = same[0]
        if len(same) > 1:
            whole = read_relationship(merged([edge.made.wire() for edge in same]))
            attributes = _Edge(
                whole, {**attributes.when, "evidence": evidence_of(whole.attributes)}
            )
        statements += [of_relationship(edge.made, **edge.when)[0] for edge in same]
        statements += _checked(of_relationship(attributes.made, **attributes.when))[1:]
    return statements


def _of_fact(request: NewFact, now: int) -> Assertion:
    made = Assertion(
        subject=request.subject,
        predicate=request.predicate,
        value=request.value,
        single=request.single,
        **_when(request, now),
    )
    return _checked([made])[0]


def _checked(made: list[Assertion]) -> list[Assertion]:
    """Raises InvalidInput where one could not be stored."""
    for one in made:
        entry_of(one)
    return made


def _when(request: EntityRequest | NewRelationship | NewFact, now: int) -> dict[str, Any]:
    said = optional_microseconds(request.said, "said")
    return {
        "learned": now if said is None else said,
        "valid_from": optional_microseconds(request.valid_from, "valid_from"),
        "valid_to": optional_microseconds(request.valid_to, "valid_to"),
        "evidence": _evidence(request.evidence),
    }


def _evidence(view: EvidenceView | None) -> Evidence | None:
    if view is None:
        return None
    place = view.location
    return Evidence(
        source=view.source,
        confidence=view.confidence,
        location=None if place is None else Location(place.path, place.line, place.column),
        event=view.event,
        note=view.note,
        extractor_version=view.extractor_version,
    )


def _at(path: str, names: dict[str, str], make: Callable[..., Any], *arguments: Any) -> Any:
    """What `make` makes; its complaints name the field of the request, below `path`."""
    try:
        return make(*arguments)
    except InvalidInput as error:
        first, _, _ = (error.field or "").partition(".")
        field = error.field or ""
        if first in names:
            field = names[first] + field[len(first) :]
        elif field:
            field = f"attributes.{field}"
        where = ".".join(part for part in (path, field) if part)
        raise type(error)(error.detail, field=where or None) from None
