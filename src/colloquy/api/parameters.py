"""What handlers are given: the running engine, and checked path and query parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from ..model.views import Principal

if TYPE_CHECKING:
    from ..runtime import Runtime

    Engine = NamedDependency[SkipValidation[Runtime]]
else:
    Engine = NamedDependency[SkipValidation[Any]]

Caller = NamedDependency[SkipValidation[Principal]]
"""Whom the guard of the route let in."""

HEX_ID = r"^[0-9a-f]{32}$"

MessageId = Annotated[
    str, PathParameter(pattern=HEX_ID, description="The message's id, as in its receipt.")
]
ConversationId = Annotated[
    str, PathParameter(pattern=HEX_ID, description="The conversation's id, as in a receipt.")
]
KeyId = Annotated[str, PathParameter(max_length=64, description="The key's id.")]
Number = Annotated[int, PathParameter(ge=1, le=2**53, description="The dead letter's number.")]
Before = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=2**53, required=False, description="Only what is older: `before` of a page."
    ),
]
After = Annotated[
    int,
    QueryParameter(
        ge=0, le=2**53, required=False, description="Only what is newer: `next` of the last page."
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=512, required=False, description="Where the page begins: `next` of the last one."
    ),
]
Limit = Annotated[
    int, QueryParameter(ge=1, le=1000, required=False, description="Most items of the page.")
]
