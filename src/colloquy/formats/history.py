"""What was said in a conversation, out of its log of events.

Withdrawn replies were never sent, so they are left out. A dead-lettered message stands in the log
only by its id and is not part of the history either, until it is retried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from ..model.message import Message, Part, Sender
from ..model.session import Event, EventKind
from ..model.views import ConversationView
from .openai import AUTHOR

QUICK_REPLIES = "quick_replies"
"""Metadata key of the buttons that a reply offered."""


class _Said(Struct):
    """The body of a `message` event."""

    message: Message


class _Replied(Struct):
    """The body of a `reply` event, as far as history needs it."""

    reply_id: str
    text: str | None = None
    parts: list[Part] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    author: str = "assistant"
    author_name: str | None = None


class _Withdrawn(Struct):
    reply_id: str


_said = msgspec.json.Decoder(_Said)
_replied = msgspec.json.Decoder(_Replied)
_withdrawn = msgspec.json.Decoder(_Withdrawn)


def messages_of(view: ConversationView, events: Iterable[Event]) -> Iterator[Message]:
    """Messages and replies as V2 messages, in the order of the log.

    A reply becomes a message with its reply id, its author in the metadata, and the time it was
    committed.
    """
    events = list(events)
    gone = {
        _withdrawn.decode(event.body).reply_id
        for event in events
        if event.kind == EventKind.REPLY_WITHDRAWN
    }
    for event in events:
        if event.kind == EventKind.MESSAGE:
            message = _said.decode(event.body).message
            if message.sent_at is None:
                message = msgspec.structs.replace(message, sent_at=datetime.fromisoformat(event.at))
            yield message
        elif event.kind == EventKind.REPLY:
            reply = _replied.decode(event.body)
            if reply.reply_id not in gone:
                yield _as_message(view, reply, event.at)


def _as_message(view: ConversationView, reply: _Replied, at: str) -> Message:
    metadata = {**reply.metadata, AUTHOR: reply.author}
    if reply.quick_replies:
        metadata[QUICK_REPLIES] = reply.quick_replies
    # A colleague or a team is people; an assistant and an agent are programs.
    kinds = {"assistant": "assistant", "agent": "agent"}
    sender = Sender(reply.author, kinds.get(reply.author, "person"), reply.author_name)  # type: ignore[arg-type]
    return Message(
        conversation=view.conversation,
        channel=view.channel,
        account=view.account,
        thread=view.thread,
        id=reply.reply_id,
        sender=sender,
        text=reply.text,
        parts=reply.parts,
        sent_at=datetime.fromisoformat(at),
        metadata=metadata,
    )
