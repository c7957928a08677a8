"""Relationships: their types, groups, which kinds they join, and the check of one.

check_relationship(Relationship("ann", "flat-12", "INTERESTED_IN"))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ..model.errors import InvalidInput
from . import conversation_kinds
from .kinds import check_id
from .relationship_kinds import (
    Code,
    Covering,
    Documenting,
    Including,
    Performance,
    Said,
    Security,
    SessionEdge,
    Specifying,
    Structural,
    Testing,
    Versioning,
)
from .values import Shape, checked

STRUCTURAL = ("CONTAINS", "DEFINES", "EXPORTS", "IMPORTS")
CODE = (
    "CALLS", "REFERENCES", "IMPLEMENTS", "EXTENDS", "DEPENDS_ON", "OVERRIDES", "READS", "WRITES",
    "THROWS", "TYPE_USES", "RETURNS_TYPE", "PARAM_TYPE",
)  # fmt: skip
TEST = ("TESTS", "VALIDATES")
SPEC = ("REQUIRES", "IMPACTS", "IMPLEMENTS_SPEC")
TEMPORAL = (
    "PREVIOUS_VERSION", "MODIFIED_BY", "CREATED_IN", "MODIFIED_IN", "REMOVED_IN", "OF",
)  # fmt: skip
DOCUMENTATION = (
    "DESCRIBES_DOMAIN", "BELONGS_TO_DOMAIN", "DOCUMENTED_BY", "CLUSTER_MEMBER", "DOMAIN_RELATED",
    "GOVERNED_BY", "DOCUMENTS_SECTION",
)  # fmt: skip
SECURITY = ("HAS_SECURITY_ISSUE", "DEPENDS_ON_VULNERABLE", "SECURITY_IMPACTS")
PERFORMANCE = ("PERFORMANCE_IMPACT", "PERFORMANCE_REGRESSION")
COVERAGE = ("COVERAGE_PROVIDES",)
SESSION = (
    "SESSION_MODIFIED", "SESSION_IMPACTED", "SESSION_CHECKPOINT", "BROKE_IN", "FIXED_IN",
    "DEPENDS_ON_CHANGE",
)  # fmt: skip
CHECKPOINT = ("CHECKPOINT_INCLUDES",)
CONVERSATION = (
    "REACHED_AT", "WORKS_FOR", "KNOWS", "LOCATED_AT", "INTERESTED_IN", "OWNS", "OFFERS",
    "PRICED_AT", "TALKED_ABOUT", "PROMISED", "PROMISED_TO", "DUE_ON", "TAKES_PLACE_ON", "CONCERNS",
)  # fmt: skip

ALIASES = {"USES": "TYPE_USES"}
"""Names that older data has for a type."""

DEFAULT_KINDS = {
    "CALLS": "call", "REFERENCES": "identifier", "OVERRIDES": "override",
    "EXTENDS": "inheritance", "IMPLEMENTS": "inheritance", "READS": "read", "WRITES": "write",
    "DEPENDS_ON": "dependency", "THROWS": "throw", "TYPE_USES": "type", "RETURNS_TYPE": "return",
    "PARAM_TYPE": "param",
}  # fmt: skip
"""The `kind` of a code edge that does not say its own."""

_GROUPS: tuple[tuple[tuple[str, ...], type[Shape]], ...] = (
    (STRUCTURAL, Structural),
    (CODE, Code),
    (TEST, Testing),
    (SPEC, Specifying),
    (TEMPORAL, Versioning),
    (DOCUMENTATION, Documenting),
    (SECURITY, Security),
    (PERFORMANCE, Performance),
    (COVERAGE, Covering),
    (SESSION, SessionEdge),
    (CHECKPOINT, Including),
    (CONVERSATION, Said),
)

SHAPES: dict[str, type[Shape]] = {name: shape for names, shape in _GROUPS for name in names}
"""Every type of relationship, and the attributes it is known to have."""

_ANY: frozenset[str] = frozenset()
_PARTY = frozenset({"person", "organisation"})
_SAID = frozenset(conversation_kinds.SHAPES)


def _of(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


JOINS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "PREVIOUS_VERSION": (_of("version"), _of("version")),
    "OF": (_of("version"), _ANY),
    "CHECKPOINT_INCLUDES": (_of("checkpoint"), _ANY),
    "BELONGS_TO_DOMAIN": (_ANY, _of("businessDomain")),
    "DESCRIBES_DOMAIN": (_of("documentation"), _of("businessDomain")),
    "CLUSTER_MEMBER": (_ANY, _of("semanticCluster")),
    "DOCUMENTED_BY": (_ANY, _of("documentation")),
    "HAS_SECURITY_ISSUE": (_ANY, _of("securityIssue")),
    "DEPENDS_ON_VULNERABLE": (_ANY, _of("vulnerability")),
    "IMPLEMENTS_SPEC": (_ANY, _of("spec")),
    "REACHED_AT": (_PARTY, _of("contactPoint")),
    "WORKS_FOR": (_of("person"), _of("organisation")),
    "KNOWS": (_of("person"), _PARTY),
    "LOCATED_AT": (_PARTY | _of("product", "commitment"), _of("place")),
    "INTERESTED_IN": (_PARTY, _of("product", "topic", "place")),
    "OWNS": (_PARTY, _of("product")),
    "OFFERS": (_PARTY, _of("product")),
    "PRICED_AT": (_of("product"), _of("price")),
    "TALKED_ABOUT": (_PARTY, _SAID),
    "PROMISED": (_PARTY, _of("commitment")),
    "PROMISED_TO": (_of("commitment"), _PARTY),
    "DUE_ON": (_of("commitment"), _of("date")),
    "TAKES_PLACE_ON": (_of("commitment", "topic"), _of("date")),
    "CONCERNS": (_of("commitment", "topic"), _SAID),
}
"""From which kinds to which; an empty set is any kind.

The older format declares no ends: for its types these are those that follow from the shapes of
the entities (a version is of an entity, a cluster has members), and no more.
"""

SINGLE_VALUED = frozenset({"PRICED_AT", "DUE_ON", "TAKES_PLACE_ON", "PREVIOUS_VERSION", "OF"})
"""Of these an entity has one at a time: a newer one closes the older."""


class Relationship(Struct, frozen=True):
    """`from_id` —type→ `to_id`. The ends are entity ids or references (`references`)."""

    from_id: str
    to_id: str
    type: str
    attributes: dict[str, Any] = {}
    id: str = ""

    def wire(self) -> dict[str, Any]:
        """Flat, as it travels."""
        flat = {
            **self.attributes,
            "fromEntityId": self.from_id,
            "toEntityId": self.to_id,
            "type": self.type,
        }
        return {**flat, "id": self.id} if self.id else flat


def type_named(name: Any) -> str:
    """The type of that name, an older name resolved. Raises InvalidInput."""
    if isinstance(name, str):
        name = ALIASES.get(name, name)
        if name in SHAPES:
            return str(name)
    raise InvalidInput(f"unknown relationship type {str(name)[:64]!r}", field="type")


def check_relationship(relationship: Relationship) -> Relationship:
    """The relationship in its normal form. Raises InvalidInput with the field."""
    check_id(relationship.from_id, "fromEntityId")
    check_id(relationship.to_id, "toEntityId")
    type_ = type_named(relationship.type)
    for name in ("id", "fromEntityId", "toEntityId", "type"):
        if name in relationship.attributes:
            raise InvalidInput(f"`{name}` is no attribute", field=name)
    attributes = checked(relationship.attributes, SHAPES[type_])
    return Relationship(
        relationship.from_id, relationship.to_id, type_, attributes, relationship.id
    )


def read_relationship(wire: Mapping[str, Any]) -> Relationship:
    """A relationship out of its flat form. Raises InvalidInput with the field."""
    attributes = dict(wire)
    from_id = check_id(attributes.pop("fromEntityId", None), "fromEntityId")
    to_id = check_id(attributes.pop("toEntityId", None), "toEntityId")
    id_ = attributes.pop("id", None)
    if id_ is not None:
        check_id(id_, "id")
    type_ = type_named(attributes.pop("type", None))
    return check_relationship(Relationship(from_id, to_id, type_, attributes, id_ or ""))


def check_ends(type_: str, from_kind: str, to_kind: str) -> None:
    """Raises InvalidInput where a relationship of this type cannot join these kinds."""
    sources, targets = JOINS.get(type_named(type_), (_ANY, _ANY))
    for allowed, kind, field in (
        (sources, from_kind, "fromEntityId"),
        (targets, to_kind, "toEntityId"),
    ):
        if allowed and kind not in allowed:
            raise InvalidInput(
                f"{type_} cannot have a {kind} here, only: {', '.join(sorted(allowed))}",
                field=field,
            )
