"""Operations on conversations: `/v2/conversations`."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from ..model.views import (
    ConversationFilter,
    ConversationPage,
    ConversationView,
    EventPage,
    FeedbackRequest,
    FeedbackView,
    NoteRequest,
    NoteView,
    OwnerRequest,
    OwnerView,
    ParticipantsView,
    ReactionRequest,
    ReactionView,
    ReadRequest,
    ReplyRequest,
    ReplyView,
    StopRequest,
    StreamItem,
    TranscriptPage,
)
from .feed import Feed, stream_item
from .operation import operation, paged, streaming
from .request import Ask, json, nothing

_ALL = ConversationFilter()


class ConversationOperations:
    """`/v2/conversations`."""

    @operation("GET", "/v2/conversations")
    def conversation_page(
        self,
        filter: ConversationFilter = _ALL,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[ConversationPage]:
        """One page of the conversations that pass a filter, newest activity first."""
        wanted = msgspec.structs.asdict(filter)
        return Ask(json(ConversationPage), query={**wanted, "cursor": cursor, "limit": limit})

    conversations = paged(
        conversation_page,
        lambda page: page.conversations,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/conversations/{conversation_id}")
    def conversation(self, conversation_id: str) -> Ask[ConversationView]:
        """One conversation: its owner, its status, its state."""
        return Ask(json(ConversationView), path={"conversation_id": conversation_id})

    @operation("GET", "/v2/conversations/{conversation_id}/events")
    def event_page(
        self, conversation_id: str, after: int = 0, limit: int | None = None
    ) -> Ask[EventPage]:
        """Up to `limit` events of the log above number `after`, oldest first."""
        return Ask(
            json(EventPage),
            path={"conversation_id": conversation_id},
            query={"after": after, "limit": limit},
        )

    events = paged(
        event_page,
        lambda page: page.events,
        lambda page: None if page.next is None else {"after": page.next},
    )

    @operation("GET", "/v2/conversations/{conversation_id}/messages")
    def transcript(
        self,
        conversation_id: str,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> Ask[TranscriptPage]:
        """What was said and done, oldest first: before or after an event, or the newest part."""
        return Ask(
            json(TranscriptPage),
            path={"conversation_id": conversation_id},
            query={"before": before, "after": after, "limit": limit},
        )

    @operation("GET", "/v2/conversations/{conversation_id}/participants")
    def participants(self, conversation_id: str) -> Ask[ParticipantsView]:
        """Who said something."""
        return Ask(json(ParticipantsView), path={"conversation_id": conversation_id})

    @operation("POST", "/v2/conversations/{conversation_id}/notes")
    def note(self, conversation_id: str, request: NoteRequest) -> Ask[NoteView]:
        """A remark for operators, which visitors never see."""
        if request.id is None:
            request = msgspec.structs.replace(request, id=uuid4().hex)
        return Ask(
            json(NoteView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/feedback")
    def feedback(self, conversation_id: str, request: FeedbackRequest) -> Ask[FeedbackView]:
        """Whether a reply helped."""
        return Ask(json(FeedbackView), path={"conversation_id": conversation_id}, body=request)

    @operation("POST", "/v2/conversations/{conversation_id}/reactions")
    def react(self, conversation_id: str, request: ReactionRequest) -> Ask[ReactionView]:
        """Somebody reacted to a reply with an emoji, or took the reaction back."""
        if request.id is None:
            request = msgspec.structs.replace(request, id=uuid4().hex)
        return Ask(
            json(ReactionView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/stop")
    def stop(self, conversation_id: str, turn_id: str) -> Ask[None]:
        """Ends an answer that is being written: what there is of it becomes the reply."""
        return Ask(
            nothing,
            path={"conversation_id": conversation_id},
            body=StopRequest(turn_id),
            has_id=True,
        )

    @operation("POST", "/v2/conversations/{conversation_id}/read")
    def mark_read(self, conversation_id: str, seq: int) -> Ask[ConversationView]:
        """Operators have read up to event `seq`."""
        return Ask(
            json(ConversationView),
            path={"conversation_id": conversation_id},
            body=ReadRequest(seq),
            has_id=True,
        )

    @operation("POST", "/v2/conversations/{conversation_id}/replies")
    def reply(self, conversation_id: str, request: ReplyRequest) -> Ask[ReplyView]:
        """A reply by a person or a program, who may take the conversation over with it."""
        if request.id is None:
            request = msgspec.structs.replace(request, id=uuid4().hex)
        return Ask(
            json(ReplyView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/owner")
    def set_owner(self, conversation_id: str, request: OwnerRequest) -> Ask[OwnerView]:
        """Who answers from now on."""
        return Ask(json(OwnerView), path={"conversation_id": conversation_id}, body=request)

    @streaming("GET", "/v2/conversations/{conversation_id}/stream")
    def stream(
        self, conversation_id: str, after: int = 0, *, resume: bool = True
    ) -> Feed[StreamItem]:
        """What is there above number `after`, then what comes, in order and each item once.

        It goes on for ever, over connections that break and servers that restart; without `resume`
        it ends with its first connection and raises Unavailable when that breaks. A conversation
        need not have begun.
        """
        return Feed(
            Ask(stream_item, path={"conversation_id": conversation_id}),
            lambda item: item.seq,
            after,
            resume,
        )
