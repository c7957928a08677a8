"""Operations of the chat page: a visitor's own conversation.

The client's key is a visitor's token; without one `chat_session` makes a new visitor.
"""

from __future__ import annotations

from ..model.chat import ChatConfig, ChatItem, ChatMessage, ChatStop, History, Session
from ..model.views import FeedbackRequest, Receipt
from .feed import Feed
from .operation import operation, streaming
from .request import Ask, json, nothing


class VisitorOperations:
    """`/chat`."""

    @operation("GET", "/chat/config")
    def chat_config(self) -> Ask[ChatConfig]:
        """How the operator wants the chat to look."""
        return Ask(json(ChatConfig))

    @operation("POST", "/chat/session")
    def chat_session(self) -> Ask[Session]:
        """A visitor's token, new or renewed, and where their conversation stands."""
        return Ask(json(Session), has_id=True)

    @operation("POST", "/chat/messages")
    def chat_send(self, message: ChatMessage) -> Ask[Receipt]:
        """What the visitor says."""
        return Ask(json(Receipt), body=message, has_id=True)

    @operation("POST", "/chat/stop")
    def chat_stop(self, stop: ChatStop) -> Ask[None]:
        """Ends an answer that is being written: what there is of it becomes the reply."""
        return Ask(nothing, body=stop, has_id=True)

    @operation("GET", "/chat/history")
    def chat_history(self, before: int) -> Ask[History]:
        """The part of the conversation just before number `before`."""
        return Ask(json(History), query={"before": before})

    @operation("POST", "/chat/feedback")
    def chat_feedback(self, request: FeedbackRequest) -> Ask[ChatItem]:
        """Whether a reply helped the visitor."""
        return Ask(json(ChatItem), body=request, has_id=True)

    @streaming("GET", "/chat/stream")
    def chat_stream(self, after: int = 0, *, resume: bool = True) -> Feed[ChatItem]:
        """What the visitor sees happen above number `after`, as `stream` does it."""
        return Feed(Ask(json(ChatItem)), lambda item: item.seq, after, resume)
