"""`/v2/dead-letters`: messages that kept failing, with their cause and every attempt."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from ..model.errors import InvalidInput
from ..model.views import DeadLetterPage, DeadLetterView
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import Caller, Cursor, Engine, Limit, Number
from .responses import BODY, errors

_TAGS = ["Dead letters"]

LetterNumber = Annotated[int, Meta(ge=1, le=2**53)]
Numbers = Annotated[list[LetterNumber], Meta(min_length=1, max_length=1000)]
Status = Annotated[
    Literal["dead", "discarded"],
    QueryParameter(required=False, description="Which of them."),
]
OfConversation = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[0-9a-f]{32}$", required=False, description="Only those of this conversation."
    ),
]


class RetryRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which to retry: these numbers, all of one conversation in their order, or these of it."""

    numbers: Numbers | None = None
    conversation_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")] | None = None


class DiscardRequest(Struct, frozen=True, forbid_unknown_fields=True):
    numbers: Numbers


class NumbersView(Struct, frozen=True):
    """The numbers that were acted on, in order."""

    numbers: list[int]


@get(
    "/v2/dead-letters",
    operation_id="listDeadLetters",
    summary="List dead letters, newest first",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422),
)
async def list_dead_letters(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = "dead",
    conversation_id: OfConversation = None,
) -> DeadLetterPage:
    """Page with `next` as `cursor` until it is null."""
    return await runtime.dead_letters(cursor, limit, status, conversation_id)


@get(
    "/v2/dead-letters/{number:int}",
    operation_id="getDeadLetter",
    summary="Show one dead letter",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def get_dead_letter(runtime: Engine, number: Number) -> DeadLetterView:
    """The message, its cause, and every attempt with its error."""
    return await runtime.dead_letter(number)


@post(
    "/v2/dead-letters/retry",
    operation_id="retryDeadLetters",
    summary="Retry dead letters",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def retry_dead_letters(
    runtime: Engine, principal: Caller, data: JSONBody[RetryRequest]
) -> NumbersView:
    """Puts them back at the end of their conversations as new turns, marked late."""
    if data.numbers is None and data.conversation_id is None:
        raise InvalidInput("give `numbers` or `conversation_id`", field="numbers")
    actor = actor_of(principal)
    return NumbersView(await runtime.retry_dead_letters(data.numbers, data.conversation_id, actor))


@post(
    "/v2/dead-letters/discard",
    operation_id="discardDeadLetters",
    summary="Discard dead letters",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def discard_dead_letters(
    runtime: Engine, principal: Caller, data: JSONBody[DiscardRequest]
) -> NumbersView:
    """Marks them as dealt with; they stay readable under `status=discarded`."""
    return NumbersView(await runtime.discard_dead_letters(data.numbers, actor_of(principal)))


ROUTES: list[HTTPRouteHandler] = [
    list_dead_letters,
    get_dead_letter,
    retry_dead_letters,
    discard_dead_letters,
]
