"""Parameters that several of the graph's routes take."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from litestar.params import QueryParameter

from ...graph.kinds import SHAPES
from ...graph.relationships import ALIASES
from ...graph.relationships import SHAPES as TYPES
from ...model.errors import InvalidInput
from ...model.graph import MAX_READ, Direction

MAX_ID = 1024
_ANY_TEXT = r"^[^\x00]+$"
_PAIR = "as `NAME:VALUE`, the value as JSON or text; repeat it for more"

if TYPE_CHECKING:
    EntityKind = str
    RelationshipType = str
else:
    EntityKind = enum.StrEnum("EntityKind", [(name, name) for name in SHAPES])
    RelationshipType = enum.StrEnum("RelationshipType", [(n, n) for n in (*TYPES, *ALIASES)])


def id_parameter(name: str, description: str, *, required: bool = True) -> QueryParameter:
    return QueryParameter(
        name=name,
        required=required,
        min_length=1,
        max_length=MAX_ID,
        pattern=_ANY_TEXT,
        description=description,
    )


def some(name: str, description: str) -> QueryParameter:
    """One that may be repeated."""
    return QueryParameter(name=name, required=False, max_items=64, description=description)


Id = Annotated[str, id_parameter("id", "The entity's id.")]
OfEntity = Annotated[str | None, id_parameter("id", "Only facts of this entity.", required=False)]
Predicate = Annotated[
    str | None,
    id_parameter("predicate", "Only this attribute or type of relationship.", required=False),
]
OneKind = Annotated[
    EntityKind | None, QueryParameter(name="kind", required=False, description="Only this kind.")
]
KindsParameter = Annotated[list[EntityKind] | None, some("kind", "Only these kinds.")]
TypesParameter = Annotated[list[RelationshipType] | None, some("type", "Only these types.")]
DirectionParameter = Annotated[
    Direction, QueryParameter(name="direction", required=False, description="Which way to go.")
]
MaxRead = Annotated[
    int,
    QueryParameter(
        ge=1, le=MAX_READ, required=False, description="Relationships that are read at most."
    ),
]
_MOMENT = "a position of the ledger, or a time with a zone (RFC 3339)"
AsOf = Annotated[
    str | None,
    QueryParameter(
        name="as_of",
        required=False,
        max_length=64,
        description=f"What was known then: {_MOMENT}.",
    ),
]
From = Annotated[
    str,
    QueryParameter(
        name="from", required=False, max_length=64, description=f"After when: {_MOMENT}."
    ),
]
To = Annotated[
    str | None,
    QueryParameter(name="to", required=False, max_length=64, description=f"Up to when: {_MOMENT}."),
]


def time(name: str, description: str) -> QueryParameter:
    """Text, because Litestar would take a number for seconds since 1970."""
    return QueryParameter(
        name=name, required=False, max_length=64, format="date-time", description=description
    )


ValidAt = Annotated[str | None, time("valid_at", "Only what was so at this time.")]


def pairs(name: str, what: str) -> QueryParameter:
    return some(name, f"{what}, {_PAIR}.")


def moment(text: str, field: str) -> int | datetime:
    """A position, or a time. Raises InvalidInput."""
    if text.isascii() and text.isdecimal() and len(text) < 15:
        return int(text)
    return _time(text, field, "a position, or a time with a zone (RFC 3339)")


def as_time(text: str | None, field: str) -> datetime | None:
    """Raises InvalidInput."""
    return None if text is None else _time(text, field, "a time with a zone (RFC 3339)")


def as_known(text: str | None) -> int | datetime | None:
    """The parameter `as_of`. Raises InvalidInput."""
    return None if text is None else moment(text, "as_of")


def _time(text: str, field: str, wanted: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(f"give {wanted}", field=field)
    return found
