"""Replies and items of a transcript as V1 messages, and back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.evolution import V2_KEY, item_of_v1, item_to_v1, reply_of_v1, reply_to_v1
from colloquy.model.errors import MalformedV1
from colloquy.model.message import encode
from colloquy.model.views import ReplyReason, ReplyView, TranscriptItem
from support.evolution import key, parts, replies, senders, text

AT = "2026-01-31T10:00:00.000000Z"
REPLY = ReplyView("r1", "c1", 3, AT, text="Yes.", quick_replies=["Book"], tone="calm")


@settings(max_examples=40)
@given(replies(), st.none() | key)
def test_a_reply_comes_back(reply: ReplyView, conversation: str | None) -> None:
    v1 = msgspec.json.decode(encode(reply_to_v1(reply, conversation)))
    assert v1["role"] == "assistant"
    assert reply_of_v1(v1) == reply


@settings(max_examples=40)
@given(
    st.builds(
        TranscriptItem,
        kind=st.just("message"),
        seq=st.integers(1, 99),
        at=st.just(AT),
        message_id=key,
        text=st.none() | text,
        parts=st.lists(parts, max_size=3),
        sender=st.none() | senders,
        late=st.booleans(),
    )
    | st.builds(
        TranscriptItem,
        kind=st.just("tool_call"),
        seq=st.integers(1, 99),
        at=st.just(AT),
        name=key,
        call_id=key,
        arguments=st.none() | text,
        cut=st.none() | st.integers(1, 99),
    )
    | st.builds(
        TranscriptItem,
        kind=st.just("tool_result"),
        seq=st.integers(1, 99),
        at=st.just(AT),
        name=key,
        call_id=key,
        outcome=st.sampled_from(["ok", "failed"]),
        seconds=st.none() | st.just(0.5),
        result=st.none() | text,
        detail=st.none() | text,
    )
    | st.builds(
        TranscriptItem,
        kind=st.just("reply"),
        seq=st.integers(1, 99),
        at=st.just(AT),
        reply=replies(),
        why=st.none() | st.just(ReplyReason("responder", off=["enable_tools"])),
        state=st.just("sent"),
    )
)
def test_an_item_comes_back(item: TranscriptItem) -> None:
    shown = item_to_v1(item, "ann")
    assert shown is not None
    v1 = msgspec.json.decode(encode(shown))
    assert item_of_v1(v1) == item


def test_what_a_v1_client_sees_of_a_reply() -> None:
    v1 = reply_to_v1(REPLY, "ann")
    carried = v1.pop("metadata")[V2_KEY]
    assert v1 == {
        "conversation_id": "ann",
        "id": "r1",
        "role": "assistant",
        "content": "Yes.",
        "timestamp": AT,
    }
    assert carried == {
        "as": "reply",
        "set": {"conversation_id": "c1", "quick_replies": ["Book"], "seq": 3, "tone": "calm"},
    }


@pytest.mark.parametrize("kind", ["note", "feedback", "owner", "dead", "timer", "gap", "stopped"])
def test_what_v1_has_no_word_for_has_no_v1_form(kind: str) -> None:
    assert item_to_v1(TranscriptItem(kind, 1, AT)) is None


def test_what_carries_no_view_is_refused() -> None:
    v1 = reply_to_v1(REPLY)
    for metadata in ({}, {V2_KEY: 1}, {V2_KEY: {"as": "reply", "x": 1}}, {V2_KEY: {"as": "item"}}):
        with pytest.raises(MalformedV1) as caught:
            reply_of_v1({**v1, "metadata": metadata})
        assert caught.value.field == f"metadata.{V2_KEY}"
    with pytest.raises(MalformedV1):
        item_of_v1(v1)
    with pytest.raises(MalformedV1):
        item_of_v1({**v1, "metadata": {V2_KEY: {"as": "item", "reply": 3}}})
