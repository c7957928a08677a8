"""`/v2/conversations/…/notes`, `…/feedback`, `…/reactions`, `…/read`: what is left beside
replies."""

from __future__ import annotations

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from ..model.views import (
    ConversationView,
    FeedbackRequest,
    FeedbackView,
    NoteRequest,
    NoteView,
    ReactionRequest,
    ReactionView,
    ReadRequest,
)
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import Caller, ConversationId, Engine
from .responses import BODY, errors

_TAGS = ["Conversations"]
_ERRORS = errors(*BODY, 401, 403, 404, 409, 503)


@post(
    "/v2/conversations/{conversation_id:str}/notes",
    operation_id="addNote",
    summary="Leave a note for operators",
    tags=_TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=_ERRORS,
)
async def add_note(
    runtime: Engine,
    principal: Caller,
    conversation_id: ConversationId,
    data: JSONBody[NoteRequest],
) -> NoteView:
    """Visitors never see it, nor does the assistant. The same `id` again is the same note."""
    return await runtime.note(conversation_id, data, actor_of(principal))


@post(
    "/v2/conversations/{conversation_id:str}/feedback",
    operation_id="rateReply",
    summary="Say whether a reply helped",
    tags=_TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=_ERRORS,
)
async def rate_reply(
    runtime: Engine,
    principal: Caller,
    conversation_id: ConversationId,
    data: JSONBody[FeedbackRequest],
) -> FeedbackView:
    """The newest rating of a reply counts. The same one again changes nothing."""
    return await runtime.feedback(conversation_id, data, actor_of(principal))


@post(
    "/v2/conversations/{conversation_id:str}/reactions",
    operation_id="react",
    summary="Report a reaction to a reply",
    tags=_TAGS,
    status_code=200,
    guards=[needs("send", "operate")],
    middleware=[once_per_key],
    responses=_ERRORS,
)
async def react(
    runtime: Engine, conversation_id: ConversationId, data: JSONBody[ReactionRequest]
) -> ReactionView:
    """For channels and front ends: what somebody said with an emoji. It takes the place of the one
    before; `""` takes it back, and its rating with it. No turn begins. The same again changes
    nothing; with an `id`, nothing either once another one has come."""
    return await runtime.react(conversation_id, data)


@post(
    "/v2/conversations/{conversation_id:str}/read",
    operation_id="markRead",
    summary="Mark a conversation as read",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=_ERRORS,
)
async def mark_read(
    runtime: Engine,
    principal: Caller,
    conversation_id: ConversationId,
    data: JSONBody[ReadRequest],
) -> ConversationView:
    """Up to event `seq`, for all operators. What was read stays read."""
    return await runtime.mark_read(conversation_id, data.seq, actor_of(principal))


ROUTES: list[HTTPRouteHandler] = [add_note, rate_reply, react, mark_read]
