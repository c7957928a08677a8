"""Events as they are stored, and what feedback reads from them."""

from __future__ import annotations

from typing import Any

from colloquy.feedback.log import Passed, Rated, Repeated, Replied, Said, log_of
from colloquy.model.context import ContextRecord, ContextSource
from colloquy.model.message import encode
from colloquy.model.times import rfc3339
from colloquy.model.usage import ModelUse
from colloquy.model.views import ReplyReason
from colloquy.storage.store import StoreEvent

AT = 1_769_853_600_000_000
CONTEXT = ContextRecord(
    position=1, budget=9, tokens=5, sources=[ContextSource("recent", "event:1", 5)]
)


def event(seq: int, kind: str, body: Any) -> StoreEvent:
    return StoreEvent(1, seq, seq, kind, AT + seq, bytes([seq]) * 16, encode(body))


def test_each_kind_of_event_is_read() -> None:
    message = {
        "message_id": "m",
        "received_at": rfc3339(AT - 5),
        "message": {"conversation": "c", "text": "abc", "parts": [{"type": "text", "text": "de"}]},
        "understanding": {"polarity": -0.5, "act": "question", "model": "pack:1"},
        "flow": {"thread": "t1", "repeated": "m0"},
    }
    why = ReplyReason("model:x", "price", 0.9, 0.75, ModelUse("big", requests=1), context=CONTEXT)
    found = log_of(
        [
            event(1, "message", message),
            event(2, "reply", {"reply_id": "r", "why": why}),
            event(3, "message_duplicate", {"message_id": "m2", "of": "m"}),
            event(4, "owner_changed", {"owner": "human", "actor": "key:1", "from": "assistant"}),
            event(5, "reply", {"reply_id": "r2", "author": "human"}),
            event(6, "feedback", {"reply_id": "r", "rating": 2, "by": "visitor"}),
            event(7, "note", {"text": "x"}),
        ]
    )
    turn = (b"\x02" * 16).hex()
    assert found == [
        Said(AT - 5, 5, "t1", -0.5, "question", True, "pack:1"),
        Replied(AT + 2, "r", turn, True, "model:x", "price", 0.9, ("pack:1", "big"), CONTEXT),
        Repeated(AT + 3),
        Passed(AT + 4, "human", False),
        Replied(AT + 5, "r2", (b"\x05" * 16).hex(), False, "human", "", None, ("pack:1",)),
        Rated(AT + 6, "r", 2, "visitor", "", ""),
    ]


def test_what_no_visitor_said_is_left_out() -> None:
    body = {
        "message_id": "m",
        "received_at": rfc3339(AT),
        "message": {"conversation": "c", "text": "abc", "sender": {"id": "a", "kind": "agent"}},
    }
    assert log_of([event(1, "message", body)]) == []


def test_what_was_imported_later_counts_when_it_was_said() -> None:
    body = {
        "message_id": "m",
        "received_at": rfc3339(AT + 10**9),
        "message": {"conversation": "c", "text": "abc"},
    }
    (said,) = log_of([event(1, "message", body)])
    assert said.at == AT + 1
