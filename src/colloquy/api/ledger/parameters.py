"""Parameters that several of the ledger's routes take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from ...ledger.collections import MAX_KEY, MAX_NAME
from ...model.errors import InvalidInput
from ...model.ledger import Format
from ..parameters import HEX_ID

MAX_SHOWN = 100
"""Differences of one page: each may be tens of kilobytes."""


def _word(description: str, most: int = 200) -> QueryParameter:
    return QueryParameter(
        required=False,
        min_length=1,
        max_length=most,
        pattern=r"^[^\x00]+$",
        description=description,
    )


def _id(description: str) -> QueryParameter:
    return QueryParameter(required=False, pattern=HEX_ID, description=description)


def moment(text: str | None, field: str) -> datetime | None:
    """The time of a parameter. Raises InvalidInput for one that the calendar does not have."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("there is no such time", field=field) from None


PointId = Annotated[str, PathParameter(pattern=HEX_ID, description="The rollback point's id.")]
OperationId = Annotated[str, PathParameter(pattern=HEX_ID, description="The operation's id.")]
ConflictId = Annotated[str, PathParameter(pattern=HEX_ID, description="The conflict's id.")]
Position = Annotated[
    int, PathParameter(ge=1, le=2**53, description="The change's position in the ledger.")
]
CollectionName = Annotated[
    str,
    PathParameter(
        min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00/]+$", description="A kind of records."
    ),
]

Collection = Annotated[str | None, _word("Only records of this kind.", MAX_NAME)]
Key = Annotated[str | None, _word("Only the record with this key.", MAX_KEY)]
RecordKey = Annotated[
    str,
    QueryParameter(
        min_length=1, max_length=MAX_KEY, pattern=r"^[^\x00]+$", description="The record's key."
    ),
]
Actor = Annotated[str | None, _word("Only what this actor did.")]
Origin = Annotated[str | None, _word("Only what this operation of the ledger wrote.")]
Include = Annotated[
    str | None, _word("Only records whose `collection/key` this pattern matches.", 512)
]
Exclude = Annotated[str | None, _word("None that this pattern matches.", 512)]
Entity = Annotated[str | None, _word("Only records about this entity.", MAX_KEY)]
OfConversation = Annotated[str | None, _id("Only what belongs to this conversation.")]
OfPoint = Annotated[str | None, _id("Only those to this rollback point.")]
OfOperation = Annotated[str | None, _id("Only those of this operation.")]
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"
# Not as a datetime: for that type Litestar takes numbers, too.
Since = Annotated[
    str | None,
    QueryParameter(required=False, pattern=_TIME, description="Not before this time (RFC 3339)."),
]
Until = Annotated[
    str | None,
    QueryParameter(required=False, pattern=_TIME, description="Before this time (RFC 3339)."),
]
Shown = Annotated[
    int,
    QueryParameter(ge=1, le=MAX_SHOWN, required=False, description="Most items of the page."),
]
Style = Annotated[
    Format,
    QueryParameter(
        name="format",
        required=False,
        description="How differences are shown: JSON Patch (`json`), lines or words with their "
        "neighbours, sentences (`semantic`), or lines as an element `pre.ledger-diff` (`html`).",
    ),
]
_MOMENT = "a position, the id of a rollback point, or a time (RFC 3339)"
From = Annotated[
    str,
    QueryParameter(name="from", min_length=1, max_length=64, description=f"From when: {_MOMENT}."),
]
To = Annotated[
    str | None,
    QueryParameter(
        name="to",
        required=False,
        min_length=1,
        max_length=64,
        description=f"Until when: {_MOMENT}. Default: now.",
    ),
]
At = Annotated[
    str | None,
    QueryParameter(
        required=False, min_length=1, max_length=64, description=f"When: {_MOMENT}. Default: now."
    ),
]
