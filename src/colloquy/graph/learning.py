"""From entities and relationships to statements, and from facts back to entities.

    statements = of_entity(Entity("ann", "person", {"name": "Ann"}), learned=17)
    entity_from("ann", settle(statements).facts)

Every attribute is a statement of its own, so that each can change, be doubted and be taken back
alone. Of a set, every member is one; what is said again makes one fact with more evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .evidence import Evidence
from .facts import Fact
from .ids import identity, relationship_id
from .kinds import Entity, check_entity, is_single_valued, needed_sets
from .relationships import SINGLE_VALUED, Relationship, check_relationship
from .statements import Assertion, check_statement
from .values import canonical

TYPE = "type"
"""The predicate that says of which kind an entity is."""


def of_entity(
    entity: Entity,
    learned: int,
    *,
    valid_from: int | None = None,
    valid_to: int | None = None,
    evidence: Evidence | None = None,
) -> list[Assertion]:
    """One assertion for its kind and for each attribute. Raises InvalidInput with the field.

    `learned` is a position of the ledger; the times are microseconds since 1970.
    """
    entity = check_entity(entity)
    said = [(TYPE, entity.type, True)]
    for name, value in entity.attributes.items():
        single = is_single_valued(entity.type, name)
        members = [value] if single else value
        said += [(name, member, single) for member in members]
    made = []
    for name, value, single in said:
        if value is not None:
            made.append(
                Assertion(
                    subject=entity.id, predicate=name, value=value, single=single, learned=learned,
                    valid_from=valid_from, valid_to=valid_to, evidence=evidence,
                )
            )  # fmt: skip
            check_statement(made[-1])
    return made


def of_relationship(
    relationship: Relationship,
    learned: int,
    *,
    valid_from: int | None = None,
    valid_to: int | None = None,
    evidence: Evidence | None = None,
) -> list[Assertion]:
    """One assertion that joins the ends, and one for each attribute, whose subject is its id.

    Raises InvalidInput with the field.
    """
    relationship = check_relationship(relationship)
    edge = relationship.wire()
    subject = relationship.id or relationship_id(edge)
    joins = Assertion(
        subject=relationship.from_id, predicate=relationship.type, target=relationship.to_id,
        value=identity(edge) or None,
        single=relationship.type in SINGLE_VALUED, learned=learned, valid_from=valid_from,
        valid_to=valid_to, evidence=evidence,
    )  # fmt: skip
    made = [check_statement(joins)]
    for name, value in relationship.attributes.items():
        about = Assertion(
            subject=subject, predicate=name, value=value, learned=learned, valid_from=valid_from,
            valid_to=valid_to, evidence=evidence,
        )  # fmt: skip
        made.append(check_statement(about))
    return [one for one in made if isinstance(one, Assertion)]


def entity_from(id_: str, facts: Iterable[Fact], at_us: int | None = None) -> Entity | None:
    """The entity as these facts describe it at a time; None where its kind is not known then.

    Without a time: as it is after the last change that is known. The members of a set are sorted,
    facts about others passed over. The entity is not checked: of what is known in pieces,
    attributes may be missing. Raises InvalidInput where the kind is none that is known.
    """
    about = [
        fact
        for fact in facts
        if fact.subject == id_
        and fact.target is None
        and (fact.valid_to is None if at_us is None else fact.holds_at(at_us))
    ]
    type_ = next((fact.value for fact in about if fact.predicate == TYPE), None)
    if not isinstance(type_, str):
        return None
    attributes: dict[str, Any] = {}
    sets: dict[str, list[Any]] = {}
    for fact in about:
        if is_single_valued(type_, fact.predicate):
            attributes[fact.predicate] = fact.value
        else:
            sets.setdefault(fact.predicate, []).append(fact.value)
    for name in {*sets, *needed_sets(type_, attributes)}:
        attributes[name] = sorted(sets.get(name, ()), key=canonical)
    del attributes[TYPE]
    return Entity(id_, type_, attributes)
