"""`/v2/conversations`: what was said, who answers, and replies by people and programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ..model.errors import InvalidInput
from ..model.session import Owner, SessionStatus
from ..model.views import (
    ConversationFilter,
    ConversationPage,
    ConversationView,
    EventPage,
    OwnerRequest,
    OwnerView,
    ReplyRequest,
    ReplyView,
    StopRequest,
)
from .access import actor_named, needs
from .idempotency import once_per_key
from .parameters import After, Caller, ConversationId, Cursor, Engine, Limit
from .preconditions import IfMatch
from .responses import BODY, errors

_TAGS = ["Conversations"]

MAX_SEARCH = 1000
"""Characters of a search."""

Feeling = Literal["negative", "neutral", "positive"]


def _filter(
    description: str, *, min_length: int | None = None, max_length: int | None = None
) -> Any:
    return QueryParameter(
        required=False, description=description, min_length=min_length, max_length=max_length
    )


@get(
    "/v2/conversations",
    operation_id="listConversations",
    summary="List conversations, newest activity first",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422),
)
async def list_conversations(
    runtime: Engine,
    status: Annotated[SessionStatus | None, _filter("Its status.")] = None,
    owner: Annotated[Owner | None, _filter("Who answers.")] = None,
    channel: Annotated[str | None, _filter("Its channel.", max_length=64)] = None,
    account: Annotated[str | None, _filter("Its account.", max_length=64)] = None,
    intent: Annotated[str | None, _filter("Of the peer's newest message.", max_length=128)] = None,
    feeling: Annotated[Feeling | None, _filter("Of the peer's newest message.")] = None,
    unread: Annotated[bool | None, _filter("Whether the peer said something unread.")] = None,
    q: Annotated[
        str | None,
        _filter(
            "Beginnings of words of the peer's key or name, or of what was said.",
            min_length=1,
            max_length=MAX_SEARCH,
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ConversationPage:
    """Those for which every given filter holds. Page with `next` as `cursor` until it is null.

    A page may be short and still have a next one: a filter that few pass is not looked through to
    the end at once. A search looks at the newest 5,000 places where its words were said; what was
    said is found within seconds.
    """
    wanted = ConversationFilter(status, owner, channel, account, intent, feeling, unread, q)
    return await runtime.conversations(wanted, cursor, limit)


@get(
    "/v2/conversations/{conversation_id:str}",
    operation_id="getConversation",
    summary="Show one conversation",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def get_conversation(runtime: Engine, conversation_id: ConversationId) -> ConversationView:
    """Its owner, its state and the number of its newest event."""
    return await runtime.conversation(conversation_id)


@get(
    "/v2/conversations/{conversation_id:str}/events",
    operation_id="listEvents",
    summary="Read a conversation's events, oldest first",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def list_events(
    runtime: Engine, conversation_id: ConversationId, after: After = 0, limit: Limit = 100
) -> EventPage:
    """The append-only log from a position on: messages, replies, changes of owner and all else."""
    return await runtime.events(conversation_id, after, limit)


@post(
    "/v2/conversations/{conversation_id:str}/replies",
    operation_id="reply",
    summary="Answer as a person or a program",
    tags=_TAGS,
    status_code=201,
    guards=[needs("operate")],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def reply(
    runtime: Engine,
    principal: Caller,
    conversation_id: ConversationId,
    data: JSONBody[ReplyRequest],
) -> ReplyView:
    """Adds a reply to the conversation; with `take_over` the caller also becomes its owner.

    The same `id` again is the same reply.
    """
    if data.text is None and not data.parts:
        raise InvalidInput("a reply needs `text` or at least one part", field="text")
    return await runtime.reply(conversation_id, data, actor_of(principal))


@post(
    "/v2/conversations/{conversation_id:str}/stop",
    operation_id="stopReply",
    summary="Stop an answer that is being written",
    tags=_TAGS,
    status_code=204,
    guards=[needs("send", "operate")],
    responses=errors(*BODY, 401, 403, 503),
)
async def stop_reply(
    runtime: Engine, conversation_id: ConversationId, data: JSONBody[StopRequest]
) -> None:
    """What was written so far becomes the reply, marked `interrupted`; the stream brings it.

    An answer that is done by then, or that nobody is writing, stays as it is: the answer is the
    same, and the request may be sent again.
    """
    await runtime.interrupt(conversation_id, data.turn_id)


@post(
    "/v2/conversations/{conversation_id:str}/owner",
    operation_id="setOwner",
    summary="Take a conversation over, or give it back",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 412, 503),
)
async def set_owner(
    runtime: Engine,
    principal: Caller,
    conversation_id: ConversationId,
    data: JSONBody[OwnerRequest],
    precondition: IfMatch,
) -> OwnerView:
    """Says who answers from now on. Automatic replies that were not sent yet are withdrawn.

    With `If-Match` (the entity tag of the conversation) only if nothing changed since it was read:
    of two operators who take over at once one is refused.
    """
    version = await precondition.version(lambda: runtime.conversation(conversation_id))
    return await runtime.set_owner(conversation_id, data, actor_of(principal), version)


def actor_of(principal: Caller) -> str:
    """How the log names who did something."""
    return actor_named(principal.id)


ROUTES: list[HTTPRouteHandler] = [
    list_conversations,
    get_conversation,
    list_events,
    reply,
    stop_reply,
    set_owner,
]
