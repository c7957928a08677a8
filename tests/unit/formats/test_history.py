"""A log of events as the messages it stands for."""

from __future__ import annotations

from typing import Any

import msgspec

from colloquy.formats import messages_of
from colloquy.model.message import Message, Sender, encode
from colloquy.model.session import Event
from colloquy.model.views import ConversationView

AT = "2026-01-31T10:00:00.000000Z"
VIEW = ConversationView(
    conversation_id="00" * 16, channel="web", account="main", conversation="ana", thread="t",
    status="open", owner="assistant", last_seq=9, created_at=AT, updated_at=AT,
    unread=False, read_seq=0,
)  # fmt: skip


def log(*events: tuple[str, dict[str, Any]]) -> list[Event]:
    return [
        Event(seq, seq, kind, AT, None, msgspec.Raw(encode(body)))
        for seq, (kind, body) in enumerate(events, 1)
    ]


def test_messages_and_replies_come_in_order_and_everything_else_is_left_out() -> None:
    message = {"conversation": "ana", "channel": "web", "id": "1", "text": "hi"}
    events = log(
        ("session_opened", {}),
        ("message", {"message_id": "x", "message": message, "understanding": {"intent": "greet"}}),
        ("reply", {"reply_id": "r1", "text": "Hello", "quick_replies": ["Rent"]}),
        ("owner_changed", {"owner": "human"}),
        ("reply", {"reply_id": "r2", "text": "never sent"}),
        ("reply_withdrawn", {"reply_id": "r2"}),
        ("reply", {"reply_id": "r3", "text": "Maya here", "author": "human",
                   "author_name": "Maya", "metadata": {"a": 1}}),
    )  # fmt: skip
    said, first, second = messages_of(VIEW, events)
    assert (said.id, said.text) == ("1", "hi")
    assert said.sent_at is not None, "the time is kept, also when the client gave none"
    assert first == Message(
        conversation="ana", channel="web", account="main", thread="t", id="r1",
        sender=Sender("assistant", "assistant"), text="Hello", sent_at=said.sent_at,
        metadata={"author": "assistant", "quick_replies": ["Rent"]},
    )  # fmt: skip
    assert second.sender == Sender("human", "person", "Maya")
    assert second.metadata == {"a": 1, "author": "human"}


def test_the_clients_own_time_is_kept() -> None:
    own = "2026-01-01T12:00:00+02:00"
    message = {"conversation": "ana", "id": "1", "text": "hi", "sent_at": own}
    (said,) = messages_of(VIEW, log(("message", {"message_id": "x", "message": message})))
    assert said.sent_at is not None
    assert said.sent_at.isoformat() == own
