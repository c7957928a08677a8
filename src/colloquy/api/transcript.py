"""`/v2/conversations/…/messages` and `…/participants`: a conversation as operators read it."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from ..model.views import ParticipantsView, TranscriptPage
from .access import needs
from .parameters import Before, ConversationId, Engine, Limit
from .responses import errors

_TAGS = ["Conversations"]

Since = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=2**53, required=False, description="Only what is newer: `after` of a page."
    ),
]


@get(
    "/v2/conversations/{conversation_id:str}/messages",
    operation_id="getTranscript",
    summary="Read what was said and done, oldest first",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def get_transcript(
    runtime: Engine,
    conversation_id: ConversationId,
    before: Before = None,
    after: Since = None,
    limit: Limit = 50,
) -> TranscriptPage:
    """Messages with what was understood of them, replies with the reason for them, notes,
    ratings, changes of owner, dead letters. The newest part, or what is before or after an event.
    """
    return await runtime.transcript(conversation_id, before, after, limit)


@get(
    "/v2/conversations/{conversation_id:str}/participants",
    operation_id="listParticipants",
    summary="List who said something",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def list_participants(runtime: Engine, conversation_id: ConversationId) -> ParticipantsView:
    """Of the newest 5,000 events, in the order in which they first said something."""
    return await runtime.participants(conversation_id)


ROUTES: list[HTTPRouteHandler] = [get_transcript, list_participants]
